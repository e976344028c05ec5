/** @file What lies in a stretch of time: samples and events as they are where they fit, else binned by time. */

import { SourceError } from './errors.js';
import { emptyNumbers } from './numbers.js';
import { channelPlaces, chosenRows, noSamples, sampleRows } from './series.js';
import { makeHulls } from './windows.js';
import { countWhere } from '../geometry/search.js';
import { isRegular } from '../geometry/timeline.js';

/** @typedef {import('../types.js').Points} Points */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('./series.js').Reader} Reader */
/** @typedef {{segment: number, first: number, last: number}} Stretch samples [first, last) */

const SEARCHED_ROWS = 65536;
const EVENTS_AT_ONCE = 2 ** 18;
const MOST_EVENTS = 2 ** 22;
const MOST_SAMPLES = 2 ** 24;
const MANY_CHANNELS = 256;

/** Events before each bin of the coarsest counts (bins + 1,). @type {WeakMap<SeriesManifest, Promise<Float64Array>>} */
const eventsBefore = new WeakMap();

/**
 * Edges (bins + 1,) of equal bins between two times, seconds.
 * @param {number} start
 * @param {number} end
 * @param {number} bins
 * @returns {Float64Array}
 */
export function timeEdges(start, end, bins) {
  const edges = Float64Array.from({ length: bins + 1 }, (_, i) => start + (end - start) * (i / bins));
  edges[bins] = end;
  return edges;
}

/**
 * What has start <= time <= end; more than maxPoints are binned.
 * @param {Reader} reader
 * @param {number} start seconds
 * @param {number} end seconds
 * @param {number} maxPoints
 * @returns {Promise<Points>}
 */
export async function readPoints(reader, start, end, maxPoints) {
  if (!(Number.isFinite(start) && Number.isFinite(end) && start < end && maxPoints >= 1)) {
    throw new SourceError('refused', `no points from ${start} to ${end} s`);
  }
  const edges = timeEdges(start, end, maxPoints);
  if (reader.manifest.events) return eventPoints(reader, edges);
  return samplePoints(reader, edges);
}

/** @param {Reader} reader @param {Float64Array} edges @returns {Promise<Points>} */
async function samplePoints(reader, edges) {
  const { manifest, width } = reader;
  const bins = edges.length - 1;
  const places = channelPlaces(manifest, null);
  const stretches = await stretchesBetween(reader, edges[0], edges[bins]);
  const total = stretches.reduce((sum, { first, last }) => sum + last - first, 0);
  const areThere = stretches.every(({ segment, first, last }) => reader.hasSamplesOf(segment, first, last));
  if (total <= bins && reader.hasSamples && areThere) {
    const times = new Float64Array(total);
    const values = emptyNumbers(manifest.numbersDtype, total * width);
    let at = 0;
    for (const { segment, first, last } of stretches) {
      times.set(await reader.readTimes(segment, first, last), at);
      values.set(
        chosenRows(await reader.readSamples(segment, first, last), width, places, manifest.numbersDtype),
        at * width,
      );
      at += last - first;
    }
    return { times, values };
  }
  const hulls = makeHulls(manifest.numbersDtype, bins, places);
  const counts = new Float64Array(bins);
  let approximate = false;
  let rest = stretches;
  for (const level of nestedLevels(reader).reverse()) {
    /** @type {Stretch[]} */
    const finer = [];
    for (const { segment, first, last } of rest) {
      const { num_samples: length, end_time: segmentEnd } = manifest.segments[segment];
      const low = Math.ceil(first / level.factor);
      const isAtEnd = last === length;
      const high = isAtEnd ? reader.numBins(level, segment) : Math.floor(last / level.factor);
      if (low >= high) {
        addStretch(finer, segment, first, last);
        continue;
      }
      addStretch(finer, segment, first, low * level.factor);
      const closing = high < reader.numBins(level, segment) ? 1 : 0;
      const times = await reader.readBinTimes(level, segment, low, high + closing);
      const columns = new Int32Array(high - low).fill(-1);
      for (let bin = low; bin < high; bin += 1) {
        const begin = times[bin - low];
        const end = bin - low + 1 < times.length ? times[bin - low + 1] : Math.max(segmentEnd, begin);
        const column = columnOf(edges, (begin + end) / 2);
        const samplesEnd = bin === high - 1 && isAtEnd ? last : (bin + 1) * level.factor;
        // Bins are taken whole up to a quarter of a column; wider ones are looked into.
        if (column < 0 || end - begin > (edges[column + 1] - edges[column]) / 4) {
          addStretch(finer, segment, bin * level.factor, samplesEnd);
          continue;
        }
        columns[bin - low] = column;
        counts[column] += samplesEnd - bin * level.factor;
        approximate ||= begin <= edges[column] || end >= edges[column + 1];
      }
      await addBins(reader, level, segment, low, columns, hulls);
      if (!isAtEnd) addStretch(finer, segment, high * level.factor, last);
    }
    rest = finer;
  }
  if (rest.reduce((sum, { first, last }) => sum + last - first, 0) * width > MOST_SAMPLES) {
    throw new SourceError(
      'refused',
      `"${manifest.label}" has too many samples there to read without a backend: zoom in`,
    );
  }
  const [finest] = manifest.levels;
  if (rest.length && !areThere && !finest) throw new SourceError('refused', noSamples(manifest));
  for (const { segment, first, last } of rest) {
    const times = await reader.readTimes(segment, first, last);
    if (reader.hasSamplesOf(segment, first, last)) {
      for (const { firstRow, lastRow, rows } of await reader.readSamples(segment, first, last)) {
        for (let row = firstRow; row < lastRow; row += 1) {
          eachColumn(edges, times[row - first], (column) => {
            counts[column] += 1;
            hulls.addSample(column, rows, (row - firstRow) * width);
          });
        }
      }
      continue;
    }
    approximate = true;
    const lastBin = reader.numBins(finest, segment) - 1;
    const low = Math.min(Math.floor(first / finest.factor), lastBin);
    const columns = new Int32Array(Math.min(Math.floor((last - 1) / finest.factor), lastBin) + 1 - low).fill(-1);
    for (let row = first; row < last; row += 1) {
      const at = Math.min(Math.floor(row / finest.factor), lastBin) - low;
      eachColumn(edges, times[row - first], (column) => {
        counts[column] += 1;
        columns[at] = column;
      });
      const isLast = row + 1 === last || (row + 1) % finest.factor === 0;
      // A bin over several columns is drawn in each that has one of its samples.
      if (isLast || columnOf(edges, times[row + 1 - first]) !== columns[at]) {
        await addBins(reader, finest, segment, low + at, columns.subarray(at, at + 1), hulls);
      }
    }
  }
  return { edges, counts, envelope: hulls.finish(), ...(approximate ? { approximate } : {}) };
}

/**
 * Adds bins to the columns given for each; -1: none.
 * @param {Reader} reader
 * @param {import('./series.js').Level} level
 * @param {number} segment
 * @param {number} first
 * @param {Int32Array} columns
 * @param {import('./windows.js').Hulls} hulls
 */
async function addBins(reader, level, segment, first, columns, hulls) {
  const begin = columns.findIndex((column) => column >= 0);
  if (begin < 0) return;
  const end = columns.findLastIndex((column) => column >= 0) + 1;
  for (const { firstRow, lastRow, rows } of await reader.readBins(level, segment, first + begin, first + end)) {
    for (let row = firstRow; row < lastRow; row += 1) {
      const column = columns[row - first];
      if (column >= 0) hulls.addBin(column, rows, (row - firstRow) * 2 * reader.width, reader.width);
    }
  }
}

/** @param {Reader} reader levels with times, fine to coarse, each made of whole bins of the one before */
function nestedLevels(reader) {
  /** @type {Reader['timedLevels']} */
  const nested = [];
  for (const level of reader.timedLevels) {
    if (!nested.length || level.factor % nested[nested.length - 1].factor === 0) nested.push(level);
  }
  return nested;
}

/** @param {Reader} reader @param {Float64Array} edges @returns {Promise<Points>} */
async function eventPoints(reader, edges) {
  const { manifest, artifacts, width } = reader;
  const bins = edges.length - 1;
  const [stretch] = await stretchesBetween(reader, edges[0], edges[bins]);
  const { first, last } = stretch ?? { first: 0, last: 0 };
  const total = last - first;
  const column = (edges[bins] - edges[0]) / bins;
  const wanted = width > MANY_CHANNELS ? column : column / 4;
  const level =
    manifest.counts.findLast((each) => each.bin_seconds <= wanted) ??
    manifest.counts.find((each) => each.bin_seconds <= column || total > MOST_EVENTS);
  if (total <= bins || total <= EVENTS_AT_ONCE || !level) {
    const of = /** @type {NonNullable<SeriesManifest['events']>} */ (manifest.events).channels;
    const channels = Uint32Array.from(await artifacts.readRows(of, first, last));
    if (channels.some((channel) => channel >= width)) {
      throw new SourceError(
        'damaged',
        `"${manifest.label}" has an event of a channel that it does not have; build it again`,
      );
    }
    const times = total ? await reader.readTimes(0, first, last) : new Float64Array(0);
    if (total <= bins) return { times: times.slice(), channels };
    const counts = new Uint32Array(bins * width);
    times.forEach((time, index) => eachColumn(edges, time, (at) => (counts[at * width + channels[index]] += 1)));
    return { edges, counts };
  }
  const counts = new Uint32Array(bins * width);
  const binOf = (/** @type {number} */ time) => Math.floor((time - level.start_time) / level.bin_seconds);
  const low = Math.min(Math.max(binOf(edges[0]), 0), level.shape[0]);
  const high = Math.min(Math.max(binOf(edges[bins]) + 1, low), level.shape[0]);
  for (const { firstRow, lastRow, rows } of await artifacts.readSpans(level, low, high)) {
    for (let row = firstRow; row < lastRow; row += 1) {
      const at = columnOf(edges, level.start_time + (row + 0.5) * level.bin_seconds);
      if (at < 0) continue;
      for (let c = 0; c < width; c += 1) counts[at * width + c] += rows[(row - firstRow) * width + c];
    }
  }
  return { edges, counts, approximate: true };
}

/**
 * The samples of each segment with start <= time <= end.
 * @param {Reader} reader
 * @param {number} start
 * @param {number} end
 * @returns {Promise<Stretch[]>}
 */
async function stretchesBetween(reader, start, end) {
  /** @type {Stretch[]} */
  const found = [];
  for (let segment = 0; segment < reader.manifest.segments.length; segment += 1) {
    const {
      start_time: from,
      end_time: to,
      num_samples: length,
      timestamps_uri: own,
    } = reader.manifest.segments[segment];
    // Of files of their own the maker said where they begin and end; their times count.
    if (!length || (!own && (from > end || to < start))) continue;
    const isInside = !own && from >= start && to <= end;
    const first = isInside || (!own && from >= start) ? 0 : await countBefore(reader, segment, start, false);
    const last = isInside || (!own && to <= end) ? length : await countBefore(reader, segment, end, true);
    addStretch(found, segment, first, last);
  }
  return found;
}

/**
 * How many samples of a segment lie before a time (inclusive: or at it).
 * @param {Reader} reader
 * @param {number} segment
 * @param {number} time
 * @param {boolean} inclusive
 * @returns {Promise<number>}
 */
async function countBefore(reader, segment, time, inclusive) {
  const { num_samples: length, start_time: start } = reader.manifest.segments[segment];
  const isBefore = (/** @type {number} */ each) => each < time || (inclusive && each === time);
  if (isRegular(reader.manifest)) {
    const rate = /** @type {number} */ (reader.manifest.sampling_frequency);
    let count = Math.min(Math.max(Math.floor((time - start) * rate) - 1, 0), length);
    while (count > 0 && !isBefore(start + (count - 1) / rate)) count -= 1;
    while (count < length && isBefore(start + count / rate)) count += 1;
    return count;
  }
  let low = 0;
  let high = length;
  if (reader.manifest.events && reader.manifest.counts.length) [low, high] = await eventsNear(reader, time);
  for (const level of reader.timedLevels.toReversed()) {
    const [from, to] = [
      Math.floor(low / level.factor),
      Math.min(Math.ceil(high / level.factor), reader.numBins(level, segment)),
    ];
    if (to - from > SEARCHED_ROWS || from >= to) continue;
    const times = await reader.readBinTimes(level, segment, from, to);
    const before = countWhere(times, isBefore);
    if (before > 0) low = Math.max(low, (from + before - 1) * level.factor);
    if (before < times.length) high = Math.min(high, (from + before) * level.factor);
  }
  while (high - low > SEARCHED_ROWS) {
    const middle = Math.floor((low + high) / 2);
    const [at] = await reader.readTimes(segment, middle, middle + 1);
    if (isBefore(at)) low = middle + 1;
    else high = middle;
  }
  return low + countWhere(await reader.readTimes(segment, low, high), isBefore);
}

/**
 * Events before and up to the end of the bin of the coarsest counts that a time lies in.
 * @param {Reader} reader
 * @param {number} time
 * @returns {Promise<[number, number]>}
 */
async function eventsNear(reader, time) {
  const { manifest, artifacts, width } = reader;
  const level = manifest.counts[manifest.counts.length - 1];
  let known = eventsBefore.get(manifest);
  if (!known) {
    // For all who ask later too.
    known = artifacts
      .under(undefined)
      .readRows(level, 0, level.shape[0])
      .then((rows) => {
        const before = new Float64Array(level.shape[0] + 1);
        for (let bin = 0; bin < level.shape[0]; bin += 1) {
          before[bin + 1] = before[bin];
          for (let at = bin * width; at < (bin + 1) * width; at += 1) before[bin + 1] += rows[at];
        }
        return before;
      });
    known.catch(() => eventsBefore.delete(manifest));
    eventsBefore.set(manifest, known);
  }
  const before = await known;
  const total = sampleRows(manifest)[1];
  const bin = Math.floor((time - level.start_time) / level.bin_seconds);
  if (bin < 0) return [0, 0];
  if (bin >= level.shape[0] || before[level.shape[0]] !== total)
    return bin < level.shape[0] ? [0, total] : [total, total];
  return [before[bin], before[bin + 1]];
}

/** @param {Float64Array} edges @param {number} time @returns {number} its bin; on an edge the later one; -1: outside */
function columnOf(edges, time) {
  const bins = edges.length - 1;
  if (!(time >= edges[0] && time <= edges[bins])) return -1;
  let column = Math.min(Math.floor(((time - edges[0]) / (edges[bins] - edges[0])) * bins), bins - 1);
  while (column > 0 && time < edges[column]) column -= 1;
  while (column < bins - 1 && time >= edges[column + 1]) column += 1;
  return column;
}

/** @param {Float64Array} edges @param {number} time @param {(column: number) => void} take both bins of an edge */
function eachColumn(edges, time, take) {
  const column = columnOf(edges, time);
  if (column < 0) return;
  take(column);
  for (let other = column - 1; other >= 0 && edges[other + 1] === time; other -= 1) take(other);
}

/**
 * @param {Stretch[]} stretches
 * @param {number} segment
 * @param {number} first
 * @param {number} last joined to the stretch before where it goes on from that
 */
function addStretch(stretches, segment, first, last) {
  if (first >= last) return;
  const previous = stretches[stretches.length - 1];
  if (previous?.segment === segment && previous.last === first) previous.last = last;
  else stretches.push({ segment, first, last });
}
