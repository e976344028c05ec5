/** @file What was loaded last, up to so many bytes; what is on its way is loaded once for all who ask. */

import { makeShare } from './loads.js';

/**
 * @typedef {object} Kept
 * @property {<T extends {byteLength: number}>(key: string, load: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal) => Promise<T>} once
 *   what is kept under a key, or what `load` gives, which is kept then
 * @property {(key: string) => boolean} has
 * @property {(key: string) => void} forget
 */

/**
 * @param {number} mostBytes
 * @returns {Kept}
 */
export function makeKept(mostBytes) {
  /** The oldest first. @type {Map<string, {byteLength: number}>} */
  const kept = new Map();
  let keptBytes = 0;
  const share = makeShare();

  /** @param {string} key */
  function forget(key) {
    keptBytes -= kept.get(key)?.byteLength ?? 0;
    kept.delete(key);
  }

  return {
    forget,
    has: (key) => kept.has(key),
    once(key, load, signal) {
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
          forget(key);
          kept.set(key, value);
          keptBytes += value.byteLength;
          for (const oldest of kept.keys()) {
            if (keptBytes <= mostBytes || oldest === key) break;
            forget(oldest);
          }
          return value;
        },
        signal,
      );
    },
  };
}
