/** @file A series whose artifacts can be read: where each segment's rows lie, its bins, samples and times. */

import { isRegular } from '../geometry/timeline.js';
import { isLeftOut } from './artifacts.js';
import { SourceError } from './errors.js';
import { closedBins } from './manifests.js';
import { emptyNumbers } from './numbers.js';

/** @typedef {import('../types.js').Numbers} Numbers */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('./artifacts.js').Artifacts} Artifacts */
/** @typedef {import('./artifacts.js').Span} Span */
/** @typedef {SeriesManifest['levels'][number]} Level */

/**
 * Rows and samples are counted within a segment; numbers are flat, in C order, with all channels.
 * @typedef {object} Reader
 * @property {SeriesManifest} manifest
 * @property {Artifacts} artifacts
 * @property {number} width channels
 * @property {boolean} hasSamples some, at least
 * @property {(segment: number, first: number, last: number) => boolean} hasSamplesOf [first, last)
 * @property {(level: Level, segment: number) => number} numBins
 * @property {(level: Level, segment: number, first: number, last: number) => Promise<Span[]>} readBins [first, last)
 * @property {(segment: number, first: number, last: number) => Promise<Span[]>} readSamples [first, last)
 * @property {(segment: number, first: number, last: number) => Promise<Float64Array>} readTimes [first, last)
 * @property {(level: Level, segment: number, first: number, last: number) => Promise<Float64Array>} readBinTimes of
 *   the first samples of bins [first, last)
 * @property {Level[]} timedLevels levels whose bins have times
 * @property {(signal: AbortSignal | undefined) => Reader} under the same, of artifacts under a signal
 */

/** @type {WeakMap<SeriesManifest, Map<string, Float64Array>>} */
const rowsOfSegments = new WeakMap();

/**
 * First row of each segment in a level, and behind them the number of rows (segments + 1,).
 * @param {SeriesManifest} manifest
 * @param {number} factor
 * @returns {Float64Array}
 */
export function levelRows(manifest, factor) {
  return firstRows(manifest, `level ${factor}`, (numSamples) => closedBins(numSamples, factor));
}

/**
 * First sample of each segment in the series, and behind them the number of samples (segments + 1,).
 * @param {SeriesManifest} manifest
 * @returns {Float64Array}
 */
export function sampleRows(manifest) {
  return firstRows(manifest, 'samples', (numSamples) => numSamples);
}

/**
 * First row of each segment in moments (segments + 1,).
 * @param {SeriesManifest} manifest
 * @param {number} factor
 * @returns {Float64Array}
 */
export function momentRows(manifest, factor) {
  return firstRows(manifest, `moments ${factor}`, (numSamples) => Math.ceil(numSamples / factor));
}

/**
 * Whether all raw samples lie in artifacts. Those of linked files do not.
 * @param {SeriesManifest} manifest
 * @returns {boolean}
 */
export function hasStoredSamples(manifest) {
  if (manifest.values) return !manifest.values.linked;
  return manifest.segments.length > 0 && manifest.segments.every((segment) => segment.values_uri);
}

/**
 * Whether raw samples of [first, last) of a segment were left out of this copy.
 * @param {SeriesManifest} manifest
 * @param {number} segment
 * @param {number} first
 * @param {number} last
 * @returns {boolean}
 */
export function lacksSamples(manifest, segment, first, last) {
  const { values } = manifest;
  if (!values || values.linked) return false;
  const begin = sampleRows(manifest)[segment];
  return isLeftOut(/** @type {import('../types.js').ArrayInfo} */ (values), begin + first, begin + last);
}

/**
 * @param {SeriesManifest} manifest
 * @param {Artifacts} artifacts
 * @returns {Reader}
 */
export function makeReader(manifest, artifacts) {
  const { segments } = manifest;
  const width = manifest.channels.length;
  const regular = isRegular(manifest);
  const times = manifest.events ? manifest.events.times : manifest.timestamps;
  const firstSamples = sampleRows(manifest);
  const hasSamples = hasStoredSamples(manifest);

  /** @type {Reader['readTimes']} */
  async function readTimes(segment, first, last) {
    const { timestamps_uri: uri, timestamps_dtype: dtype, num_samples: length, start_time: start } = segments[segment];
    if (regular) return Float64Array.from({ length: last - first }, (_, i) => start + (first + i) / rate());
    if (uri && dtype) return Float64Array.from((await artifacts.readNumbers(uri, dtype, length)).subarray(first, last));
    if (!times)
      throw new SourceError('damaged', `series "${manifest.label}" says no times of its samples; build it again`);
    const begin = firstSamples[segment];
    return /** @type {Float64Array} */ (await artifacts.readRows(times, begin + first, begin + last));
  }

  const rate = () => /** @type {number} */ (manifest.sampling_frequency);

  return {
    manifest,
    artifacts,
    under: (signal) => makeReader(manifest, artifacts.under(signal)),
    width,
    hasSamples,
    hasSamplesOf: (segment, first, last) => hasSamples && !lacksSamples(manifest, segment, first, last),
    timedLevels: manifest.levels.filter((level) => regular || level.times),
    numBins: (level, segment) => closedBins(segments[segment].num_samples, level.factor),
    async readBins(level, segment, first, last) {
      const begin = levelRows(manifest, level.factor)[segment];
      return moved(await artifacts.readSpans(level, begin + first, begin + last), begin);
    },
    async readSamples(segment, first, last) {
      const { values_uri: uri, values_dtype: dtype, num_samples: length } = segments[segment];
      if (uri && dtype) {
        const all = await artifacts.readNumbers(uri, dtype, length * width);
        return [{ firstRow: first, lastRow: last, rows: all.subarray(first * width, last * width) }];
      }
      const { values } = manifest;
      if (!values || values.linked) throw new SourceError('refused', noSamples(manifest));
      const begin = firstSamples[segment];
      return moved(await artifacts.readSpans(/** @type {any} */ (values), begin + first, begin + last), begin);
    },
    readTimes,
    async readBinTimes(level, segment, first, last) {
      const { start_time: start } = segments[segment];
      if (regular) {
        return Float64Array.from({ length: last - first }, (_, i) => start + ((first + i) * level.factor) / rate());
      }
      const begin = levelRows(manifest, level.factor)[segment];
      const found = await artifacts.readRows(/** @type {any} */ (level.times), begin + first, begin + last);
      return /** @type {Float64Array} */ (found);
    },
  };
}

/**
 * Places of channels in the manifest; rejects ids that it does not have.
 * @param {SeriesManifest} manifest
 * @param {string[] | null} ids null: all
 * @returns {Uint32Array}
 */
export function channelPlaces(manifest, ids) {
  if (!ids) return Uint32Array.from(manifest.channels, (_, index) => index);
  const places = new Map(manifest.channels.map((channel, index) => [channel.id, index]));
  return Uint32Array.from(ids, (id) => {
    const place = places.get(id);
    if (place === undefined) throw new SourceError('refused', `series "${manifest.label}" has no channel "${id}"`);
    return place;
  });
}

/**
 * Rows [first, last) of spans, for some channels (last - first, channels).
 * @param {Span[]} spans
 * @param {number} width channels that the rows have
 * @param {Uint32Array} places
 * @param {string} dtype
 * @returns {Numbers}
 */
export function chosenRows(spans, width, places, dtype) {
  const numRows = spans.reduce((sum, span) => sum + span.lastRow - span.firstRow, 0);
  const found = emptyNumbers(dtype, numRows * places.length);
  let at = 0;
  for (const { firstRow, lastRow, rows } of spans) {
    for (let base = 0; base < (lastRow - firstRow) * width; base += width) {
      for (let c = 0; c < places.length; c += 1, at += 1) found[at] = rows[base + places[c]];
    }
  }
  return found;
}

/**
 * Why raw samples cannot be had here, in words.
 * @param {SeriesManifest} manifest
 * @returns {string}
 */
export function noSamples(manifest) {
  if (manifest.values?.linked && manifest.values.isComputed) {
    return `the samples of "${manifest.label}" are computed from those of its source: start a backend, or zoom out`;
  }
  if (manifest.values?.linked) {
    return `the raw samples of "${manifest.label}" are in the recording itself: start a backend, or zoom out`;
  }
  return `"${manifest.label}" was stored without raw samples: zoom out`;
}

/**
 * @param {SeriesManifest} manifest
 * @param {string} key
 * @param {(numSamples: number) => number} rowsOf
 * @returns {Float64Array}
 */
function firstRows(manifest, key, rowsOf) {
  const known = rowsOfSegments.get(manifest) ?? new Map();
  rowsOfSegments.set(manifest, known);
  let rows = known.get(key);
  if (!rows) {
    const found = new Float64Array(manifest.segments.length + 1);
    manifest.segments.forEach((segment, index) => (found[index + 1] = found[index] + rowsOf(segment.num_samples)));
    rows = found;
    known.set(key, found);
  }
  return rows;
}

/** @param {Span[]} spans @param {number} begin @returns {Span[]} rows counted from `begin` */
function moved(spans, begin) {
  return spans.map(({ firstRow, lastRow, rows }) => ({ firstRow: firstRow - begin, lastRow: lastRow - begin, rows }));
}
