/** @file Statistics and samples of a stretch of time. */

import { isRegular } from '../geometry/timeline.js';
import { whyNoSamples } from './plan.js';
import { unitsOf } from './scales.js';

/** @typedef {import('../types.js').Channel} Channel */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('../types.js').Source} Source */
/** @typedef {import('../types.js').StatisticsRow} StatisticsRow */
/** @typedef {{segment: number, first: number, last: number}} Stretch samples, both inclusive */

const MOST_SEGMENTS = 5000;
const AT_ONCE = 6;
const WINDOW_VALUES = 2 ** 20;
const MOST_COLUMNS = 8192;
const MOST_POINTS = 1e6;
const RESULT_BYTES = 48 * 2 ** 20;

/**
 * Samples of each segment with startTime <= time <= endTime.
 * @param {Source} source
 * @param {string} uri
 * @param {SeriesManifest} manifest
 * @param {number} startTime the series' own time
 * @param {number} endTime
 * @returns {Promise<Stretch[]>}
 */
async function stretchesOf(source, uri, manifest, startTime, endTime) {
  const found = [];
  let row = 0;
  for (let segment = 0; segment < manifest.segments.length; segment += 1) {
    const { start_time: start, end_time: end, num_samples: count, timestamps_uri: own } = manifest.segments[segment];
    const firstRow = row;
    row += count;
    if (!count || (!own && (start > endTime || end < startTime))) continue;
    /** @param {number} time @param {boolean} inclusive */
    const countBefore = async (time, inclusive) => {
      if (isRegular(manifest)) {
        const rate = manifest.sampling_frequency ?? 1;
        const isBefore = (/** @type {number} */ index) =>
          start + index / rate < time || (inclusive && start + index / rate === time);
        let index = Math.min(Math.max(Math.round((time - start) * rate), 0), count);
        while (index > 0 && !isBefore(index - 1)) index -= 1;
        while (index < count && isBefore(index)) index += 1;
        return index;
      }
      return manifest.timestamps ? rowsBefore(firstRow, count, time, inclusive) : pointsBefore(start, time, inclusive);
    };
    /** @param {number} from @param {number} length @param {number} time @param {boolean} inclusive */
    const rowsBefore = async (from, length, time, inclusive) => {
      let low = 0;
      let high = length;
      while (low < high) {
        const middle = (low + high) >> 1;
        const [at] = await source.readRows(/** @type {any} */ (manifest.timestamps), from + middle, from + middle + 1);
        if (at < time || (inclusive && at === time)) low = middle + 1;
        else high = middle;
      }
      return low;
    };
    /** @param {number} from @param {number} time @param {boolean} inclusive */
    const pointsBefore = async (from, time, inclusive) => {
      if (manifest.segments.length > 1)
        throw new Error('Statistics of several segments with times of their own are not known.');
      if (time < from) return 0;
      const { times, counts } = await source.getPoints(uri, from - 1, time, 1);
      const all = times ? times.length : Number(counts?.[0] ?? 0);
      const last = times?.[times.length - 1];
      return inclusive || last !== time ? all : all - 1;
    };
    const first = await countBefore(startTime, false);
    const last = (await countBefore(endTime, true)) - 1;
    if (first <= last) found.push({ segment, first, last });
    if (found.length > MOST_SEGMENTS)
      throw new Error(`More than ${MOST_SEGMENTS} segments lie in the selection: select less.`);
  }
  return found;
}

/**
 * The channels of these ids in this order, or all; with their indices.
 * @param {SeriesManifest} manifest
 * @param {string[] | null} ids
 * @returns {{channel: Channel, index: number}[]}
 */
function chosen({ channels }, ids) {
  const all = channels.map((channel, index) => ({ channel, index }));
  return ids ? ids.flatMap((id) => all.find(({ channel }) => channel.id === id) ?? []) : all;
}

/**
 * @param {Source} source
 * @param {string} uri
 * @param {SeriesManifest} manifest
 * @param {number} startTime the series' own time
 * @param {number} endTime
 * @param {string[] | null} ids
 * @returns {Promise<StatisticsRow[]>} physical
 */
export async function statistics(source, uri, manifest, startTime, endTime, ids) {
  const picked = chosen(manifest, ids);
  const { scale, offset, unit } = unitsOf(manifest);
  let isRounded = false;
  const sums = picked.map(() => ({ count: 0, mean: 0, squares: 0, low: Infinity, high: -Infinity }));
  if (manifest.events) {
    const { channels, counts } = await source.getPoints(uri, startTime, endTime, 1);
    channels?.forEach((index) => sums.forEach((sum, place) => (sum.count += Number(picked[place].index === index))));
    if (counts) sums.forEach((sum, place) => (sum.count = counts[picked[place].index]));
  } else {
    const stretches = await stretchesOf(source, uri, manifest, startTime, endTime);
    for (let at = 0; at < stretches.length; at += AT_ONCE) {
      const some = stretches.slice(at, at + AT_ONCE);
      const answers = await Promise.all(
        some.map(({ segment, first, last }) =>
          source.getStatistics(
            uri,
            segment,
            first,
            last,
            picked.map(({ channel }) => channel.id),
          ),
        ),
      );
      for (const { count, mean, std, min, max, covered } of answers) {
        isRounded ||= covered !== undefined;
        sums.forEach((sum, place) => {
          const own = mean[place];
          // Infinities are in lowest and highest, though they are not counted.
          sum.low = Math.min(sum.low, min[place] ?? Infinity);
          sum.high = Math.max(sum.high, max[place] ?? -Infinity);
          if (!count[place] || own === null) return;
          const total = sum.count + count[place];
          const difference = own - sum.mean;
          sum.squares += (std[place] ?? 0) ** 2 * count[place] + difference ** 2 * sum.count * (count[place] / total);
          sum.mean += difference * (count[place] / total);
          sum.count = total;
        });
      }
    }
  }
  return picked.map(({ channel: { id, label }, index }, place) => {
    const { count, mean: stored, squares, low, high } = sums[place];
    const row = { id, label, unit: manifest.events ? '' : unit[index], count, ...(isRounded ? { isRounded } : {}) };
    const ends = low <= high ? [low, high].map((value) => value * scale[index] + offset[index]) : null;
    const [min, max] = ends ? [Math.min(...ends), Math.max(...ends)] : [null, null];
    if (!count || manifest.events) return { ...row, mean: null, rms: null, std: null, min, max };
    const mean = stored * scale[index] + offset[index];
    const std = Math.sqrt(squares / count) * Math.abs(scale[index]);
    return { ...row, mean, std, rms: Math.hypot(mean, std), min, max };
  });
}

/**
 * @param {Source} source
 * @param {string} uri
 * @param {SeriesManifest} manifest
 * @param {number} shift view time = the series' own time + shift
 * @param {number} startTime the series' own time
 * @param {number} endTime
 * @param {string[] | null} ids
 * @param {number} maxValues
 * @returns {Promise<{times: Float64Array, values: Float64Array, channels: Channel[]}>} view times; physical values
 */
export async function samples(source, uri, manifest, shift, startTime, endTime, ids, maxValues) {
  const picked = chosen(manifest, ids);
  const width = Math.max(picked.length, 1);
  /** @param {number | string} count */
  const tooMany = (count) =>
    new Error(`${count} values lie in the selection, at most ${maxValues} are exported: select less.`);
  if (!manifest.events && source.finestSamplesPerColumn(uri) !== 1) {
    throw new Error(`There is nothing to export: ${whyNoSamples(manifest)}.`);
  }
  if (manifest.events || !isRegular(manifest)) return points();
  const { scale, offset } = unitsOf(manifest);
  const stretches = await stretchesOf(source, uri, manifest, startTime, endTime);
  const total = stretches.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  if (total * width > maxValues) throw tooMany(total * width);
  const most = source.mostSamples?.(uri, ids) ?? Infinity;
  if (total > most && most >= 1) {
    const seconds = Number((most / (manifest.sampling_frequency ?? 1)).toPrecision(2));
    throw new Error(`filtered samples are computed for up to ${seconds} s: select less.`);
  }
  const times = new Float64Array(total);
  const values = new Float64Array(total * picked.length);
  const rows = Math.max(Math.min(MOST_COLUMNS, Math.floor(WINDOW_VALUES / width)), 1);
  const rate = manifest.sampling_frequency ?? 1;
  let at = 0;
  for (const { segment, first, last } of stretches) {
    const start = manifest.segments[segment].start_time + shift;
    for (let firstSample = first; firstSample <= last; firstSample += rows) {
      const count = Math.min(rows, last - firstSample + 1);
      const channels = picked.map(({ channel }) => channel.id);
      const columns = Math.max(count - 1, 1);
      const window = await source.getWindow(uri, { segment, firstSample, samplesPerColumn: 1, columns, channels });
      for (let index = 0; index < count; index += 1) {
        times[at] = start + (firstSample + index) / rate;
        picked.forEach((each, place) => {
          const stored = window.values ? window.values[index * width + place] : NaN;
          values[at * width + place] = stored * scale[each.index] + offset[each.index];
        });
        at += 1;
      }
    }
  }
  return { times, values, channels: picked.map(({ channel }) => channel) };

  async function points() {
    const all = manifest.channels.length;
    const most = Math.min(Math.floor(maxValues / width), MOST_POINTS, Math.floor(RESULT_BYTES / (16 + 16 * all)));
    const found = await source.getPoints(uri, startTime, endTime, Math.max(most, 1));
    if (!found.times) throw tooMany(`More than ${most * width}`);
    const viewTimes = found.times.map((time) => time + shift);
    if (found.channels) {
      const of = found.channels;
      const shown = new Set(picked.map(({ index }) => index));
      const rows = Array.from(of.keys()).filter((row) => shown.has(of[row]));
      const names = manifest.channels
        .map(({ label }, index) => `${index}: ${label}`)
        .filter((_, index) => shown.has(index));
      const channel = { id: 'channel', label: `channel (${names.join(', ')})` };
      const values = Float64Array.from(rows, (row) => of[row]);
      return { times: Float64Array.from(rows, (row) => viewTimes[row]), values, channels: [channel] };
    }
    const units = unitsOf(manifest);
    const physical = new Float64Array(viewTimes.length * picked.length);
    for (let row = 0; row < viewTimes.length; row += 1) {
      picked.forEach(({ index }, place) => {
        const stored = found.values ? found.values[row * all + index] : NaN;
        physical[row * picked.length + place] = stored * units.scale[index] + units.offset[index];
      });
    }
    return { times: viewTimes, values: physical, channels: picked.map(({ channel }) => channel) };
  }
}
