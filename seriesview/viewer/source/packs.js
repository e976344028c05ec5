/** @file Where the parts of an array lie, and reading one out of its pack: by range, else out of the whole pack. */

import { SourceError } from './errors.js';
import { ITEM_BYTES } from './numbers.js';
import { hexadecimal } from './sha1.js';

/** @typedef {import('../types.js').ArrayInfo} ArrayInfo */
/** @typedef {import('./kept.js').Kept} Kept */
/** @typedef {{pack: string, start: number, end: number}} Place of a part: URI of its pack, bytes [start, end) of it */
/**
 * What answers a request for a stretch of an artifact, as soon as it is known to come.
 * @typedef {object} Answer
 * @property {boolean} isWhole it is the whole artifact: the server knows no ranges
 * @property {() => Promise<ArrayBuffer>} bytes
 * @property {() => void} cancel it is not read
 */
/**
 * Asks for the bytes [start, end) of an artifact; null where that was refused, so that the whole must be asked for.
 * @typedef {(uri: string, start: number, end: number, isAgain: boolean, signal?: AbortSignal) => Promise<Answer | null>} AskStretch
 */

/** Packs in one page. */
export const PAGE_PACKS = 256;

const HASH_BYTES = 20;
const CHUNK_URI = /^sha1:\/\/[0-9a-f]{40}\/[^?]*\?chunkOf=([0-9a-f]{40})~(\d+)~(\d+)$/;

/**
 * SHA-1s in page number `page` of an array: those of its packs, and of their parts.
 * @param {ArrayInfo} array
 * @param {number} page
 * @returns {number}
 */
export function hashesIn({ shape, part_rows: partRows, pack_parts: packParts }, page) {
  const numParts = Math.ceil(shape[0] / partRows);
  const parts = Math.min(numParts - page * PAGE_PACKS * packParts, PAGE_PACKS * packParts);
  return parts + Math.ceil(parts / packParts);
}

/**
 * The URI of a part: its own, or, where it shares its pack with others, as a stretch of the pack.
 * @param {ArrayInfo} array
 * @param {number} part
 * @param {Uint8Array} page the page that lists its pack
 * @returns {string}
 */
export function partUri(array, part, page) {
  const { dtype, shape, part_rows: partRows, pack_parts: packParts } = array;
  const rowBytes = shape.slice(1).reduce((product, length) => product * length, ITEM_BYTES[dtype]);
  const place = part % packParts;
  const at = (Math.floor(part / packParts) % PAGE_PACKS) * HASH_BYTES * (1 + packParts);
  const hashAt = (/** @type {number} */ index) => page.subarray(at + HASH_BYTES * index, at + HASH_BYTES * (1 + index));
  // Parts before it that were left out take no room.
  const before = Array.from({ length: place }, (_, index) => index).filter((index) => hashAt(1 + index).some(Boolean));
  const start = before.length * partRows * rowBytes;
  const end = start + Math.min(partRows, shape[0] - part * partRows) * rowBytes;
  const [pack, own] = [hexadecimal(hashAt(0)), hexadecimal(hashAt(1 + place))];
  return `sha1://${own}/part.dat${own === pack ? '' : `?chunkOf=${pack}~${start}~${end}`}`;
}

/**
 * Where the bytes of a URI lie, if it is of a stretch of a pack.
 * @param {string} uri
 * @returns {Place | null}
 */
export function placeOf(uri) {
  const found = CHUNK_URI.exec(uri);
  return found && { pack: `sha1://${found[1]}/pack.dat`, start: Number(found[2]), end: Number(found[3]) };
}

/**
 * Reads stretches of packs. The first answer tells whether ranges are known there; without them packs are loaded whole,
 * and kept for the other parts.
 * @param {AskStretch | null} ask
 * @param {(uri: string, isAgain: boolean, signal?: AbortSignal) => Promise<ArrayBuffer>} loadWhole
 * @param {Kept} kept
 * @param {<T>(load: () => Promise<T>, signal?: AbortSignal) => Promise<T>} queued runs a load when it is its turn
 * @returns {(place: Place, isAgain: boolean, signal?: AbortSignal) => Promise<ArrayBuffer>}
 */
export function makePacks(ask, loadWhole, kept, queued) {
  /** @type {boolean | null} null: not known yet */
  let hasRanges = ask ? null : false;
  let numFailures = 0;
  /** While the first answer is waited for. @type {Promise<void> | null} */
  let first = null;
  let wake = () => {};

  /** @param {boolean} found */
  function note(found) {
    hasRanges ??= found;
    wake();
  }

  /** @param {Place} place @param {(end: AbortSignal) => Promise<ArrayBuffer>} load @param {AbortSignal} [signal] */
  async function outOf({ pack, start, end }, load, signal) {
    const bytes = await kept.once(`pack ${pack}`, async (given) => new Uint8Array(await load(given)), signal);
    if (bytes.byteLength >= end) return bytes.slice(start, end).buffer;
    const words = `its pack ${pack} has ${bytes.byteLength} bytes, at least ${end} are expected`;
    throw new SourceError('damaged', `${words}; verify the workspace, then build or export it again`);
  }

  /** @param {Place} place @param {boolean} isAgain @param {AbortSignal} [signal] */
  function whole(place, isAgain, signal) {
    const load = () => outOf(place, (given) => loadWhole(place.pack, isAgain, given), signal);
    // What was on its way may have been given up by whoever asked first.
    return load().catch((cause) => {
      signal?.throwIfAborted();
      return cause instanceof SourceError ? Promise.reject(cause) : load();
    });
  }

  /** @param {Place} place @param {boolean} isAgain @param {AbortSignal} [signal] @returns {Promise<ArrayBuffer>} */
  async function byRange(place, isAgain, signal) {
    const { pack, start, end } = place;
    let isRefusal = true;
    const found = await queued(async () => {
      try {
        const answer = await /** @type {AskStretch} */ (ask)(pack, start, end, isAgain, signal);
        if (!answer || answer.isWhole) return answer;
        note(true);
        return await answer.bytes();
      } catch (cause) {
        signal?.throwIfAborted();
        // Perhaps it is the range that cannot be sent from here.
        if (hasRanges !== null || !(cause instanceof SourceError) || cause.kind !== 'network') throw cause;
        numFailures += 1;
        isRefusal = numFailures > 1;
        return null;
      }
    }, signal);
    if (found instanceof ArrayBuffer && found.byteLength === end - start) return found;
    if (found && !(found instanceof ArrayBuffer)) {
      let isRead = false;
      const read = () => {
        isRead = true;
        return found.bytes();
      };
      const bytes = outOf(place, read, signal);
      if (!isRead) found.cancel();
      note(false);
      return bytes.catch((cause) => {
        signal?.throwIfAborted();
        if (cause instanceof SourceError && cause.kind !== 'network') throw cause;
        return whole(place, isAgain, signal);
      });
    }
    const bytes = await whole(place, isAgain, signal);
    if (isRefusal) note(false);
    return bytes;
  }

  return async (place, isAgain, signal) => {
    if (isAgain) kept.forget(`pack ${place.pack}`);
    while (hasRanges === null && first) await first;
    if (hasRanges === false || kept.has(`pack ${place.pack}`)) return whole(place, isAgain, signal);
    if (hasRanges) return byRange(place, isAgain, signal);
    first = new Promise((resolve) => (wake = () => resolve(undefined)));
    try {
      return await byRange(place, isAgain, signal);
    } finally {
      wake();
      first = null;
    }
  };
}
