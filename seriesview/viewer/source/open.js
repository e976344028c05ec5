/** @file Opens the source of a view: tasks, a parent's files or plain files. */

import { makeArtifacts, loadFrom } from './artifacts.js';
import { SourceError, asSourceError } from './errors.js';
import { checkedUri, parseSeries } from './manifests.js';
import { readPoints } from './points.js';
import { hasStoredSamples, makeReader } from './series.js';
import { readStatistics } from './statistics.js';
import { taskSource } from './tasks.js';
import { readWindow } from './windows.js';

/** @typedef {import('../types.js').Outside} Outside */
/** @typedef {import('../types.js').Source} Source */
/** @typedef {import('../types.js').Start} Start */
/** @typedef {import('./artifacts.js').Artifacts} Artifacts */
/** @typedef {import('./series.js').Reader} Reader */

/**
 * @param {Start} start
 * @param {Outside} outside
 * @returns {Source}
 */
export function openSource(start, outside) {
  const workspaceUri = /** @type {any} */ (start).workspaceUri;
  const known = typeof workspaceUri === 'string' ? { workspaceUri } : {};
  if (start.mode === 'static') {
    const artifacts = makeArtifacts({ bytes: loadFrom(start.base), numbers: null });
    return { ...fileSource('static-files', artifacts, artifacts.readJson), ...known };
  }
  const bytes = start.hasByteRanges ? (/** @type {string} */ uri) => outside.getFileBytes(uri).catch(notLoaded) : null;
  if (start.hasTasks) return { ...taskSource(outside, bytes), ...known };
  const artifacts = makeArtifacts({ bytes, numbers: null });
  const readJson = bytes ? artifacts.readJson : (/** @type {string} */ uri) => outside.getFileJson(uri).catch(notLoaded);
  return { ...fileSource('parent-files', artifacts, readJson), ...known };
}

/**
 * A source that computes everything here, from artifacts.
 * @param {Source['kind']} kind
 * @param {Artifacts} artifacts
 * @param {(uri: string) => Promise<any>} readJson
 * @param {(uri: string) => Promise<any>} [readManifest] of a series
 * @returns {Required<Pick<Source, 'readLevelRows' | 'adoptSeries'>> & Source & {manifests: Map<string, Reader['manifest']>}}
 */
export function fileSource(kind, artifacts, readJson, readManifest = readJson) {
  /** @type {Map<string, Promise<Reader>>} */
  const readers = new Map();
  /** @type {Map<string, Reader['manifest']>} */
  const manifests = new Map();

  /** @param {string} uri @returns {Promise<Reader>} */
  function readerOf(uri) {
    const known = readers.get(uri);
    if (known) return known;
    const opened = readManifest(checkedUri(uri, 'series')).then((document) => {
      const manifest = parseSeries(document);
      manifests.set(uri, manifest);
      return makeReader(manifest, artifacts);
    });
    readers.set(uri, opened);
    opened.catch(() => readers.delete(uri));
    return opened;
  }

  return {
    kind,
    manifests,
    readJson: (uri) => readJson(checkedUri(uri, 'document')),
    getSeries: async (uri) => (await readerOf(uri)).manifest,
    getWindow: async (uri, request) => readWindow(await readerOf(uri), request),
    getPoints: async (uri, startTime, endTime, maxPoints) => readPoints(await readerOf(uri), startTime, endTime, maxPoints),
    getStatistics: async (uri, segment, first, last, channels) =>
      readStatistics(await readerOf(uri), segment, first, last, channels),
    readRows: artifacts.readRows,
    finestSamplesPerColumn(uri) {
      const manifest = manifests.get(uri);
      return !manifest || hasStoredSamples(manifest) ? 1 : (manifest.levels[0]?.factor ?? 1);
    },
    async readLevelRows(uri, factor, firstRow, lastRow) {
      const { manifest } = await readerOf(uri);
      const level = manifest.levels.find((each) => each.factor === factor);
      if (!level) throw new SourceError('refused', `"${manifest.label}" has no level of factor ${factor}`);
      return artifacts.readRows(level, firstRow, lastRow);
    },
    adoptSeries(document) {
      const manifest = parseSeries(document);
      const uri = `figure:${manifests.size}`;
      manifests.set(uri, manifest);
      readers.set(uri, Promise.resolve(makeReader(manifest, artifacts)));
      return uri;
    },
  };
}

/** @param {unknown} cause @returns {never} */
function notLoaded(cause) {
  const kind = /** @type {any} */ (cause)?.kind;
  throw asSourceError(cause, ['damaged', 'refused', 'network'].includes(kind) ? kind : 'missing');
}
