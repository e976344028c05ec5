/** @file Opens the source of a view: tasks, a parent's files or plain files. */

import { makeArtifacts, loadFrom } from './artifacts.js';
import { asSourceError } from './errors.js';
import { fileSource } from './files.js';
import { taskSource } from './tasks.js';

/** @typedef {import('../types.js').Outside} Outside */
/** @typedef {import('../types.js').Source} Source */
/** @typedef {import('../types.js').Start} Start */

/**
 * @param {Start} start
 * @param {Outside} outside
 * @returns {Source}
 */
export function openSource(start, outside) {
  const { workspaceUri, figureUri } = /** @type {any} */ (start);
  const known = {
    ...(typeof workspaceUri === 'string' ? { workspaceUri } : {}),
    ...(typeof figureUri === 'string' ? { figureUri } : {}),
  };
  if (start.mode === 'static') {
    const artifacts = makeArtifacts({ bytes: loadFrom(start.base), numbers: null });
    return { ...fileSource('static-files', artifacts, artifacts.readJson), ...known };
  }
  const bytes = start.hasByteRanges
    ? (/** @type {string} */ uri, /** @type {boolean} */ _, /** @type {AbortSignal | undefined} */ signal) =>
        outside.getFileBytes(uri, undefined, undefined, signal).catch(notLoaded)
    : null;
  if (start.hasTasks) return { ...taskSource(outside, bytes), ...known };
  const artifacts = makeArtifacts({ bytes, numbers: null });
  const readJson = bytes
    ? artifacts.readJson
    : (/** @type {string} */ uri) => outside.getFileJson(uri).catch(notLoaded);
  return { ...fileSource('parent-files', artifacts, readJson), ...known };
}

/** @param {unknown} cause @returns {never} */
function notLoaded(cause) {
  const kind = /** @type {any} */ (cause)?.kind;
  throw asSourceError(cause, ['damaged', 'refused', 'network'].includes(kind) ? kind : 'missing');
}
