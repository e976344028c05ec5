/** @file Artifacts, and rows of the arrays that are cut into them: checked on first load, kept, few loaded at once. */

import { SourceError, asSourceError } from './errors.js';
import { makeQueue, makeShare, withRetries } from './loads.js';
import { MAX_MANIFEST_BYTES, PAGE_PARTS, parseJson } from './manifests.js';
import { ITEM_BYTES, emptyNumbers, numbersOf } from './numbers.js';
import { hexadecimal, sha1 } from './sha1.js';

/** @typedef {import('../types.js').Absent} Absent */
/** @typedef {import('../types.js').ArrayInfo} ArrayInfo */
/** @typedef {import('../types.js').Numbers} Numbers */
/**
 * @typedef {object} Loaders
 * @property {((uri: string, isAgain: boolean, signal?: AbortSignal) => Promise<ArrayBuffer>) | null} bytes an artifact's,
 *   not yet checked
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
const LOAD_MILLISECONDS = 300_000;
const CHUNK_BYTES = 20_000_000;

/**
 * @param {Loaders} loaders
 * @returns {Artifacts}
 */
export function makeArtifacts(loaders) {
  const atOnce = makeQueue(LOADS_AT_ONCE);
  /** Decoded numbers and raw bytes by what was asked for, the oldest first. @type {Map<string, ArrayBufferLike>} */
  const kept = new Map();
  let keptBytes = 0;
  const share = makeShare();

  /**
   * @template {Numbers | Uint8Array} T
   * @param {string} key
   * @param {(signal: AbortSignal) => Promise<T>} load
   * @param {AbortSignal} [signal]
   * @returns {Promise<T>}
   */
  function once(key, load, signal) {
    const found = /** @type {any} */ (kept.get(key));
    if (found) {
      kept.delete(key);
      kept.set(key, found);
      return Promise.resolve(found);
    }
    return share(
      key,
      async (end) => {
        const value = await load(end);
        kept.set(key, /** @type {any} */ (value));
        keptBytes += value.byteLength;
        for (const [oldest, numbers] of kept) {
          if (keptBytes <= CACHE_BYTES || oldest === key) break;
          kept.delete(oldest);
          keptBytes -= numbers.byteLength;
        }
        return value;
      },
      signal,
    );
  }

  /**
   * The bytes of an artifact, checked by its SHA-1; one that is damaged is loaded a second time, past caches.
   * @param {string} uri
   * @param {AbortSignal} [signal]
   * @returns {Promise<ArrayBuffer>}
   */
  async function checkedBytes(uri, signal) {
    const load = loaders.bytes;
    if (!load) throw new SourceError('refused', `${uri} cannot be read: the page around this view gives no bytes`);
    for (const isAgain of [false, true]) {
      const bytes = await loadWhole(uri, isAgain, signal);
      if ((await sha1(bytes)) === hashOf(uri)) return bytes;
    }
    throw damaged(uri, 'its bytes are not those that its name stands for');
  }

  /** @param {string} uri @param {boolean} isAgain @param {AbortSignal} [signal] @returns {Promise<ArrayBuffer>} */
  async function loadWhole(uri, isAgain, signal) {
    try {
      const load = () => /** @type {any} */ (loaders.bytes)(uri, isAgain, signal);
      return await atOnce(() => withRetries(load, signal), signal);
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
      return once(
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
      const { part_rows: size, shape, pages } = array;
      if (!(first >= 0 && last <= shape[0])) throw new RangeError(`rows ${first} to ${last} of ${shape[0]}`);
      if (isLeftOut(array, first, last))
        throw new SourceError('refused', 'raw samples of this stretch were not shared: zoom out');
      const numParts = Math.ceil(shape[0] / size);
      const numbers = [];
      for (let part = Math.floor(first / size); part * size < last; part += 1) numbers.push(part);
      const wanted = [...new Set(numbers.map((part) => Math.floor(part / PAGE_PARTS)))];
      const loaded = new Map(
        await Promise.all(
          wanted.map(async (page) => {
            const listed = Math.min(numParts - page * PAGE_PARTS, PAGE_PARTS);
            const hashes = await readNumbers(pages[page], 'uint8', 20 * listed);
            return /** @type {const} */ ([page, /** @type {Uint8Array} */ (hashes)]);
          }),
        ),
      );
      return numbers.map((part) => {
        const hashes = /** @type {Uint8Array} */ (loaded.get(Math.floor(part / PAGE_PARTS)));
        const at = 20 * (part % PAGE_PARTS);
        const uri = `sha1://${hexadecimal(hashes.subarray(at, at + 20))}/part`;
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
            const bytes = await once(
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

/**
 * Loads artifacts that are plain files of a web server, each whole: hosts that know no ranges do.
 * @param {string} base address of the folder, with a final slash
 * @returns {(uri: string, isAgain: boolean, ended?: AbortSignal) => Promise<ArrayBuffer>}
 */
export function loadFrom(base) {
  return async (uri, isAgain, ended) => {
    const hash = hashOf(uri);
    const path = `sha1/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash.slice(4, 6)}/${hash}`;
    let response;
    try {
      const late = AbortSignal.timeout(LOAD_MILLISECONDS);
      const signal = ended ? AbortSignal.any([late, ended]) : late;
      response = await fetch(base + path, { cache: isAgain ? 'reload' : 'default', signal });
      if (response.ok) return await response.arrayBuffer();
    } catch {
      ended?.throwIfAborted();
      throw new SourceError('network', `${path} could not be fetched; check the connection and try again`);
    }
    if (response.status === 429 || response.status >= 500) {
      throw new SourceError('network', `${path}: the server answered ${response.status}; try again`);
    }
    if (response.status === 401 || response.status === 403) {
      const words = `you may not read ${path}, or it is not there; ask whoever sent you the link (status ${response.status})`;
      throw new SourceError('refused', words);
    }
    const words = `${path} is not there (the server answered ${response.status}); export the workspace again`;
    throw new SourceError('missing', words);
  };
}

/** @param {string} uri @param {string} what @returns {SourceError} */
function damaged(uri, what) {
  return new SourceError('damaged', `${uri} is damaged: ${what}; verify the workspace, then build or export it again`);
}
