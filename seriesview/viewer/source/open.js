/** @file Opens the source of a view: tasks, a parent's files or plain files. */

import { makeArtifacts } from './artifacts.js';
import { directWindows } from './direct_windows.js';
import { asSourceError } from './errors.js';
import { fileSource } from './files.js';
import { taskSource } from './tasks.js';
import { filesOf } from './web_files.js';

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
    const artifacts = makeArtifacts({ ...filesOf(start.base), numbers: null });
    return { ...fileSource('static-files', artifacts, artifacts.readJson), ...known };
  }
  const files = start.hasByteRanges ? filesOfParent(outside) : null;
  if (start.hasTasks) {
    const windows = start.windows ? directWindows(start.windows) : null;
    return { ...taskSource(outside, files, windows), ...known };
  }
  const artifacts = makeArtifacts({ bytes: null, ...files, numbers: null });
  const readJson = files
    ? artifacts.readJson
    : (/** @type {string} */ uri) => outside.getFileJson(uri).catch(notLoaded);
  return { ...fileSource('parent-files', artifacts, readJson), ...known };
}

/**
 * Artifacts that the page around the view reads.
 * @param {Outside} outside
 * @returns {import('./tasks.js').Files}
 */
function filesOfParent(outside) {
  return {
    bytes: (uri, _, signal) => outside.getFileBytes(uri, undefined, undefined, signal).catch(notLoaded),
    async stretch(uri, start, end, _, signal) {
      /** @type {ArrayBuffer} */
      let bytes;
      try {
        bytes = await outside.getFileBytes(uri, start, end, signal);
      } catch (cause) {
        return signal?.aborted || /** @type {any} */ (cause)?.kind === 'network' ? notLoaded(cause) : null;
      }
      return { isWhole: bytes.byteLength > end - start, bytes: async () => bytes, cancel: () => {} };
    },
  };
}

/** @param {unknown} cause @returns {never} */
function notLoaded(cause) {
  const kind = /** @type {any} */ (cause)?.kind;
  throw asSourceError(cause, ['damaged', 'refused', 'network'].includes(kind) ? kind : 'missing');
}
