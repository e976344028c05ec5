/** @file Statistics of a span: moments of the bins inside it, raw samples at its ends, extremes from the levels. */

import { SourceError } from './errors.js';
import { channelPlaces, momentRows } from './series.js';
import { addHull, makeHulls } from './windows.js';

/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('../types.js').Statistics} Statistics */
/** @typedef {import('./series.js').Reader} Reader */
/** Moments of one channel: (count, sum, sum of squares), or in floats (count, mean, squared deviations).
 * @typedef {[bigint, bigint, bigint]} Integers
 * @typedef {[number, number, number]} Floats */

/**
 * The whole bins of moments nearest to samples [first, last], where there are no raw samples to be exact with.
 * @param {SeriesManifest} manifest
 * @param {number} segment
 * @param {number} first
 * @param {number} last
 * @returns {{firstSample: number, lastSample: number}}
 */
export function wholeBins(manifest, segment, first, last) {
  const length = manifest.segments[segment].num_samples;
  const factor = manifest.moments[0]?.factor;
  if (!factor)
    throw new SourceError('refused', `"${manifest.label}" was stored without raw samples and moments: no statistics`);
  const bins = Math.ceil(length / factor);
  const low = Math.min(Math.round(first / factor), bins - 1);
  const high = last >= length - 1 ? bins : Math.max(Math.round((last + 1) / factor), low + 1);
  return { firstSample: low * factor, lastSample: Math.min(high * factor, length) - 1 };
}

/**
 * Statistics of samples [first, last], both included; without raw samples of the nearest whole bins, `covered`.
 * @param {Reader} reader
 * @param {number} segment
 * @param {number} first
 * @param {number} last
 * @param {string[] | null} channels
 * @returns {Promise<Statistics>}
 */
export async function readStatistics(reader, segment, first, last, channels) {
  const { manifest, width } = reader;
  const places = channelPlaces(manifest, channels);
  const length = manifest.segments[segment]?.num_samples ?? 0;
  if (!(Number.isInteger(first) && Number.isInteger(last) && first >= 0 && first <= last && last < length)) {
    throw new SourceError('refused', `samples ${first} to ${last} are not in segment ${segment} of ${length} samples`);
  }
  const covered = reader.hasSamplesOf(segment, first, last + 1) ? undefined : wholeBins(manifest, segment, first, last);
  if (covered) [first, last] = [covered.firstSample, covered.lastSample];
  const isExact = /^u?int(8|16)$/.test(manifest.dtype);
  /** @type {Integers[]} */
  const integers = Array.from({ length: places.length }, () => [0n, 0n, 0n]);
  /** @type {Floats[]} */
  const floats = Array.from({ length: places.length }, () => [0, 0, 0]);

  /** @param {number} begin @param {number} end */
  async function addSamples(begin, end) {
    for (const { firstRow, lastRow, rows } of await reader.readSamples(segment, begin, end)) {
      places.forEach((place, c) => {
        const values = Float64Array.from({ length: lastRow - firstRow }, (_, i) => rows[i * width + place]);
        const finite = values.filter(Number.isFinite);
        if (isExact) {
          const sum = finite.reduce((total, value) => total + value, 0);
          const squares = finite.reduce((total, value) => total + value * value, 0);
          addIntegers(integers[c], [BigInt(finite.length), BigInt(sum), BigInt(squares)]);
        } else if (finite.length) {
          // Values far from zero keep their digits less the first one.
          const [origin] = finite;
          const mean = origin + finite.reduce((total, value) => total + (value - origin), 0) / finite.length;
          const spread = finite.reduce((total, value) => total + (value - mean) ** 2, 0);
          floats[c] = combined(floats[c], [finite.length, mean, spread]);
        }
      });
    }
  }

  /** @param {number} begin @param {number} end @param {number} number of the moments, fine to coarse */
  async function add(begin, end, number) {
    if (begin >= end) return;
    if (number < 0) return addSamples(begin, end);
    const level = manifest.moments[number];
    const low = Math.ceil(begin / level.factor);
    const high = end === length ? Math.ceil(length / level.factor) : Math.floor(end / level.factor);
    if (low >= high) return add(begin, end, number - 1);
    await add(begin, low * level.factor, number - 1);
    const row = momentRows(manifest, level.factor)[segment];
    const size = 3 * width;
    if (isExact) {
      const rows = await reader.artifacts.readIntegers(level, row + low, row + high);
      for (let at = 0; at < rows.length; at += size) {
        places.forEach((place, c) => {
          addIntegers(integers[c], [rows[at + place], rows[at + width + place], rows[at + 2 * width + place]]);
        });
      }
    } else {
      const rows = await reader.artifacts.readRows(level, row + low, row + high);
      for (let at = 0; at < rows.length; at += size) {
        places.forEach((place, c) => {
          floats[c] = combined(floats[c], [rows[at + place], rows[at + width + place], rows[at + 2 * width + place]]);
        });
      }
    }
    await add(Math.min(high * level.factor, end), end, number - 1);
  }

  await add(first, last + 1, manifest.moments.length - 1);
  const hulls = makeHulls(manifest.numbersDtype, 1, places);
  const [low, high] = covered ? closedSpan(manifest, segment, first, last) : [first, last];
  // Means do not tell the range of what they are of.
  await addHull(reader, segment, low, high, hulls, 0, manifest.hasMeans ? -1 : undefined);
  const extremes = Array.from(hulls.finish(), orNull);
  const rows = isExact ? integers.map(ofIntegers) : floats.map(ofFloats);
  return {
    count: rows.map((row) => /** @type {number} */ (row[0])),
    mean: rows.map((row) => orNull(row[1])),
    rms: rows.map((row) => orNull(row[2])),
    std: rows.map((row) => orNull(row[3])),
    min: extremes.slice(0, places.length),
    max: extremes.slice(places.length),
    ...(covered ? { covered } : {}),
  };
}

/**
 * @param {SeriesManifest} manifest
 * @param {number} segment
 * @param {number} first
 * @param {number} last
 * @returns {number[]} first and last sample of the finest level's closed bins that hold [first, last + 1]
 */
function closedSpan(manifest, segment, first, last) {
  const end = manifest.segments[segment].num_samples - 1;
  const factor = manifest.levels[0]?.factor;
  if (!factor) return [first, last];
  const low = Math.min(Math.floor(first / factor), Math.max(1, Math.ceil(end / factor)) - 1);
  const high = Math.max(Math.ceil(Math.min(last + 1, end) / factor), low + 1);
  return [low * factor, Math.min(high * factor, end)];
}

/** @param {Integers} into @param {Integers} other */
function addIntegers(into, other) {
  for (let i = 0; i < 3; i += 1) into[i] += other[i];
}

/** @param {Floats} one @param {Floats} other @returns {Floats} */
function combined(one, other) {
  if (!other[0]) return one;
  if (!one[0]) return other;
  const count = one[0] + other[0];
  const share = other[0] / count;
  const distance = other[1] - one[1];
  return [count, one[1] + distance * share, one[2] + other[2] + distance * distance * (one[0] * share)];
}

/** @param {Integers} moments @returns {number[]} count, mean, rms, std; the difference is taken in integers */
function ofIntegers([count, sum, squares]) {
  const n = Number(count);
  if (!n) return [0, NaN, NaN, NaN];
  const spread = Number(count * squares - sum * sum) / (n * n);
  return [n, Number(sum) / n, Math.sqrt(Number(squares) / n), Math.sqrt(spread)];
}

/** @param {Floats} moments @returns {number[]} */
function ofFloats([count, mean, squares]) {
  if (!count) return [0, NaN, NaN, NaN];
  const deviation = Math.sqrt(squares / count);
  return [count, mean, Math.hypot(mean, deviation), deviation];
}

/** @param {number} value @returns {number | null} */
function orNull(value) {
  return Number.isNaN(value) ? null : value;
}
