/** @file Artifacts, and rows of the arrays whose parts lie in them: checked on first load, kept, few loaded at once. */

import { SourceError, asSourceError } from './errors.js';
import { makeKept } from './kept.js';
import { makeQueue, withRetries } from './loads.js';
import { MAX_MANIFEST_BYTES, parseJson } from './manifests.js';
import { ITEM_BYTES, emptyNumbers, numbersOf } from './numbers.js';
import { PAGE_PACKS, hashesIn, makePacks, partUri, placeOf } from './packs.js';
import { sha1 } from './sha1.js';

/** @typedef {import('../types.js').Absent} Absent */
/** @typedef {import('../types.js').ArrayInfo} ArrayInfo */
/** @typedef {import('../types.js').Numbers} Numbers */
/**
 * @typedef {object} Loaders
 * @property {((uri: string, isAgain: boolean, signal?: AbortSignal) => Promise<ArrayBuffer>) | null} bytes an artifact's,
 *   not yet checked
 * @property {import('./packs.js').AskStretch | null} [stretch] asks for a stretch of one; packs are loaded whole without it
 * @property {((uri: string, dtype: string, count: number, absent?: Absent, signal?: AbortSignal) => Promise<Numbers>) | null}
 *   numbers an artifact's, checked by whoever sends them, NaN in place of what is missing; used where there are no bytes
 */
/**
 * @typedef {object} Artifacts
 * @property {(uri: string) => Promise<any>} readJson
 * @property {(uri: string, dtype: string, count: number, absent?: Absent) => Promise<Numbers>} readNumbers all numbers
 *   of an artifact, NaN in place of what is missing
 * @property {(array: ArrayInfo, firstRow: number, lastRow: number) => Promise<Span[]>} readSpans rows, part by part
 * @property {(array: ArrayInfo, firstRow: number, lastRow: number) => Promise<Numbers>} readRows rows [first, last)
 * @property {(array: ArrayInfo, firstRow: number, lastRow: number) => Promise<bigint[]>} readIntegers rows of 64-bit integers, exact
 * @property {(signal: AbortSignal | undefined) => Artifacts} under the same; what is asked for so is given up when the
 *   signal is aborted, its load too where nobody else waits for it
 */
/** @typedef {{firstRow: number, lastRow: number, rows: Numbers}} Span */

const CACHE_BYTES = 64 * 2 ** 20;
const LOADS_AT_ONCE = 6;
const CHUNK_BYTES = 20_000_000;

/**
 * @param {Loaders} loaders
 * @returns {Artifacts}
 */
export function makeArtifacts(loaders) {
  const atOnce = makeQueue(LOADS_AT_ONCE);
  /** Decoded numbers by what was asked for, and raw bytes. */
  const kept = makeKept(CACHE_BYTES);
  /** @template T @param {() => Promise<T>} load @param {AbortSignal} [signal] @returns {Promise<T>} */
  const queued = (load, signal) => atOnce(() => withRetries(load, signal), signal);
  const readStretch = makePacks(loaders.stretch ?? null, loadWhole, kept, queued);

  /**
   * The bytes of an artifact, or of a part in its pack, checked by SHA-1; damaged ones are loaded again, past caches.
   * @param {string} uri
   * @param {AbortSignal} [signal]
   * @returns {Promise<ArrayBuffer>}
   */
  async function checkedBytes(uri, signal) {
    if (!loaders.bytes)
      throw new SourceError('refused', `${uri} cannot be read: the page around this view gives no bytes`);
    const place = placeOf(uri);
    for (const isAgain of [false, true]) {
      const bytes = await (place ? readStretch(place, isAgain, signal) : loadWhole(uri, isAgain, signal));
      if ((await sha1(bytes)) === hashOf(uri)) return bytes;
    }
    throw damaged(uri, 'its bytes are not those that its name stands for');
  }

  /** @param {string} uri @param {boolean} isAgain @param {AbortSignal} [signal] @returns {Promise<ArrayBuffer>} */
  async function loadWhole(uri, isAgain, signal) {
    try {
      return await queued(() => /** @type {any} */ (loaders.bytes)(uri, isAgain, signal), signal);
    } catch (cause) {
      const list = /\?manifest=([0-9a-f]{40})$/.exec(uri);
      if (!list || !(cause instanceof SourceError) || !['missing', 'refused'].includes(cause.kind)) throw cause;
      return fromChunks(uri, await readJson(`sha1://${list[1]}/chunks.json`), signal);
    }
  }

  /** @param {string} uri @param {any} list @param {AbortSignal} [signal] @returns {Promise<ArrayBuffer>} */
  async function fromChunks(uri, list, signal) {
    const chunks = Array.isArray(list?.chunks) ? list.chunks : [];
    const isWhole = chunks.every((/** @type {any} */ chunk, /** @type {number} */ index) => {
      return chunk?.start === index * CHUNK_BYTES && /^[0-9a-f]{40}$/.test(chunk.sha1);
    });
    if (!chunks.length || chunks.length > 64 || !isWhole) throw damaged(uri, 'its list of chunks is no such list');
    const parts = await Promise.all(
      chunks.map((/** @type {any} */ chunk) => checkedBytes(`sha1://${chunk.sha1}/chunk`, signal)),
    );
    return new Blob(parts).arrayBuffer();
  }

  /** @param {string} uri @returns {Promise<any>} */
  async function readJson(uri) {
    const bytes = await checkedBytes(uri);
    if (bytes.byteLength > MAX_MANIFEST_BYTES)
      throw damaged(uri, `${bytes.byteLength} bytes are too many for a manifest`);
    try {
      return parseJson(new TextDecoder().decode(bytes));
    } catch (cause) {
      throw damaged(uri, asSourceError(cause, 'damaged').message);
    }
  }

  /**
   * @param {string} uri
   * @param {string} dtype
   * @param {number} count
   * @param {AbortSignal} signal
   * @returns {Promise<ArrayBuffer>}
   */
  async function countedBytes(uri, dtype, count, signal) {
    const bytes = await checkedBytes(uri, signal);
    if (bytes.byteLength === count * ITEM_BYTES[dtype]) return bytes;
    throw damaged(uri, `${bytes.byteLength} bytes, the manifest says ${count * ITEM_BYTES[dtype]}`);
  }

  /**
   * @param {AbortSignal} [signal]
   * @returns {Artifacts}
   */
  function under(signal) {
    /** @type {Artifacts['readNumbers']} */
    function readNumbers(uri, dtype, count, absent) {
      return kept.once(
        `${dtype} ${absent?.key ?? ''} ${hashOf(uri)}`,
        async (end) => {
          const { numbers } = loaders;
          /** @type {() => Promise<Numbers>} */
          const ask = () => atOnce(() => /** @type {any} */ (numbers)(uri, dtype, count, absent, end), end);
          if (!loaders.bytes && numbers) return ask();
          try {
            return numbersOf(await countedBytes(uri, dtype, count, end), dtype, absent);
          } catch (cause) {
            if (!numbers || end.aborted || (cause instanceof SourceError && cause.kind === 'damaged')) throw cause;
            return ask().catch(() => Promise.reject(cause));
          }
        },
        signal,
      );
    }

    /**
     * URIs and numbers of rows of the parts that hold rows [first, last).
     * @param {ArrayInfo} array
     * @param {number} first
     * @param {number} last
     * @returns {Promise<{uri: string, begin: number, end: number}[]>}
     */
    async function partsOf(array, first, last) {
      const { part_rows: size, pack_parts: packParts, shape, pages } = array;
      if (!(first >= 0 && last <= shape[0])) throw new RangeError(`rows ${first} to ${last} of ${shape[0]}`);
      if (isLeftOut(array, first, last))
        throw new SourceError('refused', 'raw samples of this stretch were not shared: zoom out');
      const numbers = [];
      for (let part = Math.floor(first / size); part * size < last; part += 1) numbers.push(part);
      const pageOf = (/** @type {number} */ part) => Math.floor(part / packParts / PAGE_PACKS);
      const wanted = [...new Set(numbers.map(pageOf))];
      const loaded = new Map(
        await Promise.all(
          wanted.map(async (page) => {
            const hashes = await readNumbers(pages[page], 'uint8', 20 * hashesIn(array, page));
            return /** @type {const} */ ([page, /** @type {Uint8Array} */ (hashes)]);
          }),
        ),
      );
      return numbers.map((part) => {
        const uri = partUri(array, part, /** @type {Uint8Array} */ (loaded.get(pageOf(part))));
        return { uri, begin: part * size, end: Math.min((part + 1) * size, shape[0]) };
      });
    }

    /** @type {Artifacts['readSpans']} */
    async function readSpans(array, first, last) {
      if (first >= last) return [];
      const width = rowLength(array);
      const parts = await partsOf(array, first, last);
      return Promise.all(
        parts.map(async ({ uri, begin, end }) => {
          const part = await readNumbers(uri, array.dtype, (end - begin) * width, array.absent);
          const [firstRow, lastRow] = [Math.max(begin, first), Math.min(end, last)];
          return { firstRow, lastRow, rows: part.subarray((firstRow - begin) * width, (lastRow - begin) * width) };
        }),
      );
    }

    return {
      under,
      readJson,
      readNumbers,
      readSpans,
      async readRows(array, first, last) {
        const spans = await readSpans(array, first, last);
        // A copy: whoever keeps a few rows does not keep their part.
        if (spans.length === 1) return spans[0].rows.slice();
        const width = rowLength(array);
        const found = emptyNumbers(array.absent?.dtype ?? array.dtype, Math.max(last - first, 0) * width);
        for (const span of spans) found.set(span.rows, (span.firstRow - first) * width);
        return found;
      },
      async readIntegers(array, first, last) {
        const width = rowLength(array);
        const parts = loaders.bytes ? await partsOf(array, first, last) : [];
        if (!parts.length) return Array.from(await this.readRows(array, first, last), BigInt);
        const found = await Promise.all(
          parts.map(async ({ uri, begin, end }) => {
            const bytes = await kept.once(
              `bytes ${hashOf(uri)}`,
              async (given) => {
                return new Uint8Array(await countedBytes(uri, array.dtype, (end - begin) * width, given));
              },
              signal,
            );
            const rows = array.dtype === 'uint64' ? new BigUint64Array(bytes.buffer) : new BigInt64Array(bytes.buffer);
            return [...rows.subarray((Math.max(begin, first) - begin) * width, (Math.min(end, last) - begin) * width)];
          }),
        );
        return found.flat();
      },
    };
  }

  return under();
}

/**
 * Numbers in one row of an array.
 * @param {ArrayInfo} array
 * @returns {number}
 */
export function rowLength(array) {
  return array.shape.slice(1).reduce((product, length) => product * length, 1);
}

/**
 * Whether any of the rows [first, last) were left out of this copy.
 * @param {ArrayInfo} array
 * @param {number} first
 * @param {number} last
 * @returns {boolean}
 */
export function isLeftOut(array, first, last) {
  return Boolean(array.left_out?.some(([begin, end]) => begin < last && first < end));
}

/** @param {string} uri @returns {string} */
export function hashOf(uri) {
  return uri.slice(7, 47);
}

/** @param {string} uri @param {string} what @returns {SourceError} */
function damaged(uri, what) {
  return new SourceError('damaged', `${uri} is damaged: ${what}; verify the workspace, then build or export it again`);
}
