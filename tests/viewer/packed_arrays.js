/** @file Arrays in packs, put into memory as docs/format.md says. */
import { createHash } from 'node:crypto';

import { SourceError } from '../../seriesview/viewer/source/errors.js';

/** @param {Uint8Array} bytes @returns {string} */
export function digest(bytes) {
  return createHash('sha1').update(bytes).digest('hex');
}

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export function unhexed(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Artifacts in memory. */
export function memory() {
  /** @type {Map<string, Uint8Array<ArrayBuffer>>} */
  const files = new Map();
  const put = (/** @type {Uint8Array<ArrayBuffer>} */ bytes) => {
    files.set(digest(bytes), bytes);
    return `sha1://${digest(bytes)}/x`;
  };
  const bytes = async (/** @type {string} */ uri) => {
    const found = files.get(uri.slice(7, 47));
    if (!found) throw new SourceError('missing', `${uri} is not there`);
    return found.slice().buffer;
  };
  return { files, put, bytes };
}

/**
 * Put rows of float64 0, 1, 2, ... as an array; parts that are left out are 20 zeros in its pages.
 * @param {ReturnType<typeof memory>['put']} put
 * @param {number} rows
 * @param {number} partRows
 * @param {number} packParts
 * @param {number[]} leftOut numbers of parts
 */
export function packedArray(put, rows, partRows, packParts, leftOut = []) {
  const numParts = Math.ceil(rows / partRows);
  const parts = Array.from({ length: numParts }, (_, part) => {
    if (leftOut.includes(part)) return new Uint8Array(0);
    const length = Math.min(partRows, rows - part * partRows);
    return new Uint8Array(Float64Array.from({ length }, (_, i) => part * partRows + i).buffer);
  });
  const hashOf = (/** @type {Uint8Array} */ bytes) => (bytes.length ? digest(bytes) : '0'.repeat(40));
  const packs = [];
  const entries = [];
  for (let first = 0; first < numParts; first += packParts) {
    const own = parts.slice(first, first + packParts);
    const pack = Uint8Array.from(own.flatMap((part) => [...part]));
    if (pack.length) put(pack);
    packs.push(hashOf(pack));
    entries.push([pack, ...own].map(hashOf).join(''));
  }
  const pages = [];
  for (let first = 0; first < entries.length; first += 256) {
    pages.push(put(unhexed(entries.slice(first, first + 256).join(''))));
  }
  const array = { dtype: 'float64', shape: [rows], part_rows: partRows, pack_parts: packParts, pages };
  return { array, packs, parts: parts.map(hashOf) };
}
