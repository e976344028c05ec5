/** @file A source that computes everything here, from artifacts that it reads. */

import { SourceError } from './errors.js';
import { checkedUri, parseSeries } from './manifests.js';
import { readPoints } from './points.js';
import { channelPlaces, hasStoredSamples, makeReader, noSamples, sampleRows } from './series.js';
import { readStatistics } from './statistics.js';
import { readWindow } from './windows.js';

/** @typedef {import('../types.js').Source} Source */
/** @typedef {import('./artifacts.js').Artifacts} Artifacts */
/** @typedef {import('./series.js').Reader} Reader */

/**
 * @param {Source['kind']} kind
 * @param {Artifacts} artifacts
 * @param {(uri: string) => Promise<any>} readJson
 * @param {(uri: string) => Promise<any>} [readManifest] of a series
 * @returns {Source & {manifests: Map<string, Reader['manifest']>}} manifests: by URI, of what getSeries gave
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
    getWindow: async (uri, request, signal) => readWindow((await readerOf(uri)).under(signal), request),
    getPoints: async (uri, startTime, endTime, maxPoints, signal) =>
      readPoints((await readerOf(uri)).under(signal), startTime, endTime, maxPoints),
    getStatistics: async (uri, segment, first, last, channels) =>
      readStatistics(await readerOf(uri), segment, first, last, channels),
    async getExact(uri, segment, sample, channels) {
      const { manifest } = await readerOf(uri);
      const { values } = manifest;
      if (!values || !('pages' in values)) throw new SourceError('refused', noSamples(manifest));
      const row = sampleRows(manifest)[segment] + sample;
      const found = await artifacts.readIntegers(values, row, row + 1);
      return Array.from(channelPlaces(manifest, channels), (place) => found[place]);
    },
    readRows: (array, firstRow, lastRow, signal) => artifacts.under(signal).readRows(array, firstRow, lastRow),
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
