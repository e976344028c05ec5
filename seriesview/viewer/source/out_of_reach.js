/** @file Series whose raw samples the backend cannot reach: the linked file was moved, or is another one now. */

import { asSourceError } from './errors.js';

/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */

/**
 * @typedef {object} OutOfReach
 * @property {(uri: string, manifest: SeriesManifest, cause: unknown, again: () => Promise<unknown>) => boolean} note
 *   whether a task failed because samples cannot be reached, while levels can stand in; `again` asks for them again
 * @property {(uri: string) => string | null} reason why the samples of a series cannot be reached, in words
 * @property {(uri: string) => Promise<boolean>} seek asks again; whether the samples can be reached (again)
 */

/** Of linked files that a backend cannot read. */
const LOST = new Set(['source-gone', 'source-changed', 'source-unreadable', 'not-permitted']);

/** @returns {OutOfReach} */
export function createOutOfReach() {
  /** @type {Map<string, {manifest: SeriesManifest, reason: string, again: () => Promise<unknown>}>} */
  const known = new Map();

  /** @type {OutOfReach['note']} */
  function note(uri, manifest, cause, again) {
    const linked = manifest.values?.linked;
    const { code, sha1, message } = asSourceError(cause, 'refused');
    if (!linked || !manifest.levels.length) return false;
    // Where even a file's link is not there, or is none, the SHA-1 of the file is named.
    const isLost = LOST.has(code) || linked.some((uri) => sha1 === uri.slice(7, 47));
    if (isLost) known.set(uri, { manifest, reason: message, again });
    return isLost;
  }

  return {
    note,
    reason: (uri) => known.get(uri)?.reason ?? null,
    async seek(uri) {
      const lost = known.get(uri);
      if (!lost) return true;
      try {
        await lost.again();
      } catch (cause) {
        note(uri, lost.manifest, cause, lost.again);
        return false;
      }
      known.delete(uri);
      return true;
    },
  };
}
