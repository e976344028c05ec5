/**
 * @file Answers requests to a source as JSON, for test_viewer_sources.py: `node answer_requests.js ADDRESS KIND`.
 *
 * Standard input: {figure, requests: [{method, arguments}]}. Standard output: [{value} | {error, kind}], numbers that
 * are not finite as text.
 */

import { buffer } from 'node:stream/consumers';
import process from 'node:process';

import { parseCoded } from '../../seriesview/viewer/source/errors.js';
import { readFigure } from '../../seriesview/viewer/source/figure.js';
import { openSource } from '../../seriesview/viewer/source/open.js';

const [address, kind] = process.argv.slice(2);

/** @type {import('../../seriesview/viewer/types.js').Outside} */
const outside = {
  async getFileJson(uri) {
    return (await fetch(pathOf(uri))).json();
  },
  async getFileBytes(uri, startByte, endByte) {
    const range = startByte === undefined ? undefined : { Range: `bytes=${startByte}-${Number(endByte) - 1}` };
    const response = await fetch(pathOf(uri), { headers: range });
    if (!response.ok) throw Object.assign(new Error(`${uri} is not there`), { kind: 'missing' });
    return response.arrayBuffer();
  },
  async runTask(functionId, functionType, kwargs) {
    const body = JSON.stringify({ functionId, functionType, kwargs });
    const { value, error } = await (await fetch(`${address}task`, { method: 'POST', body })).json();
    if (error !== undefined) {
      const { sentence, ...facts } = parseCoded(error);
      throw Object.assign(new Error(sentence), facts);
    }
    return kind === 'tasks-decoded' ? decoded(value) : value;
  },
};

/** @param {string} uri */
function pathOf(uri) {
  const hash = uri.slice(7, 47);
  return `${address}sha1/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash.slice(4, 6)}/${hash}`;
}

/**
 * What a figurl page makes of a result: nested plain arrays.
 * @param {any} value
 * @returns {any}
 */
function decoded(value) {
  if (!value || typeof value !== 'object') return value;
  if (value._type !== 'ndarray') {
    if (Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, decoded(inner)]));
  }
  const classes = {
    float32: Float32Array,
    float64: Float64Array,
    int16: Int16Array,
    int32: Int32Array,
    uint8: Uint8Array,
  };
  const bytes = Uint8Array.from(atob(value.data_b64 ?? ''), (character) => character.charCodeAt(0));
  const numbers = new /** @type {any} */ (classes)[value.dtype](bytes.buffer);
  /** @type {(shape: number[], from: number) => any} */
  const nested = ([length, ...inner], from) => {
    if (!inner.length) return Array.from(numbers.subarray(from, from + length));
    const size = inner.reduce((product, each) => product * each, 1);
    return Array.from({ length }, (_, index) => nested(inner, from + index * size));
  };
  return nested(value.shape, 0);
}

/** @param {any} value @returns {any} */
function plain(value) {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return String(value);
  if (ArrayBuffer.isView(value)) return Array.from(/** @type {any} */ (value), plain);
  if (Array.isArray(value)) return value.map(plain);
  if (!value || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

const { figure, requests } = JSON.parse((await buffer(process.stdin)).toString());
const source = openSource(
  {
    mode: kind === 'static-files' ? 'static' : 'parent',
    figureData: figure,
    base: kind === 'static-files' ? address : '',
    hasTasks: kind.startsWith('tasks'),
    hasByteRanges: kind === 'parent-files' || kind === 'tasks-and-files',
    ...(kind === 'tasks-directly' ? { windows: { address: `${address}window`, channel: 'lab' } } : {}),
    leavesArraysEncoded: kind !== 'tasks-decoded',
  },
  outside,
);

/** @param {{method: string, arguments: any[]}} request */
async function answer(request) {
  try {
    if (request.method === 'readFigure') return { value: plain(await readFigure(source, figure)) };
    if (request.method === 'finestSamplesPerColumn') await source.getSeries(request.arguments[0]);
    const found = /** @type {any} */ (source)[request.method](...request.arguments);
    return { value: plain(await found) };
  } catch (cause) {
    const { message, kind: faultKind, code } = /** @type {any} */ (cause);
    return { error: message, kind: faultKind, code };
  }
}

process.stdout.write(JSON.stringify(await Promise.all(requests.map(answer))));
