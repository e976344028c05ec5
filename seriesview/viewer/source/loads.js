/** @file Loads: shared by all who ask for the same, ended when nobody waits any more, few at once, tried again. */

import { SourceError } from './errors.js';

/**
 * Asks for something under a name; who asks while it is on its way gets the same. Without a signal an asker waits to the
 * end; one whose signal is aborted is told so at once, and with the last of them the load itself is ended.
 * @typedef {<T>(key: string, load: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal) => Promise<T>} Share
 */

const WAITS = [300, 1500];

/** @returns {Share} */
export function makeShare() {
  /** @type {Map<string, {end: AbortController, waiting: number, promise: Promise<any>}>} */
  const underWay = new Map();
  return (key, load, signal) => {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const known = underWay.get(key);
    const end = known?.end ?? new AbortController();
    const shared = known ?? { end, waiting: 0, promise: load(end.signal) };
    const forget = () => {
      if (underWay.get(key) === shared) underWay.delete(key);
    };
    if (!known) {
      underWay.set(key, shared);
      shared.promise.then(forget, forget);
    }
    shared.waiting += 1;
    if (!signal) return shared.promise;
    return new Promise((resolve, reject) => {
      const leave = () => {
        reject(signal.reason);
        shared.waiting -= 1;
        if (shared.waiting) return;
        forget();
        end.abort(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      const stay = () => signal.removeEventListener('abort', leave);
      shared.promise.then(resolve, reject).then(stay);
    });
  };
}

/**
 * Runs at most so many at once, the others in the order in which they came; what is not wanted any more is not begun.
 * @param {number} most
 * @returns {<T>(run: () => Promise<T>, signal?: AbortSignal) => Promise<T>}
 */
export function makeQueue(most) {
  let running = 0;
  /** @type {(() => void)[]} */
  const waiting = [];
  return async (/** @type {() => Promise<any>} */ run, /** @type {AbortSignal | undefined} */ signal) => {
    if (running >= most) await new Promise((resolve) => waiting.push(() => resolve(undefined)));
    else running += 1;
    try {
      signal?.throwIfAborted();
      return await run();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

/**
 * @template T
 * @param {() => Promise<T>} load tried again where the network failed
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
export async function withRetries(load, signal) {
  for (const wait of WAITS) {
    try {
      return await load();
    } catch (cause) {
      if (!(cause instanceof SourceError) || cause.kind !== 'network') throw cause;
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
    signal?.throwIfAborted();
  }
  return load();
}
