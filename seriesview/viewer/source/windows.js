/** @file Windows and hulls from levels and raw samples, exactly as seriesview/series/windows.py and hulls.py. */

import { SourceError } from './errors.js';
import { emptyNumbers } from './numbers.js';
import { channelPlaces, chosenRows, noSamples } from './series.js';

/** @typedef {import('../types.js').Numbers} Numbers */
/** @typedef {import('../types.js').SampleWindow} SampleWindow */
/** @typedef {import('../types.js').WindowRequest} WindowRequest */
/** @typedef {import('./artifacts.js').Span} Span */
/** @typedef {import('./series.js').Level} Level */
/** @typedef {import('./series.js').Reader} Reader */

const MAX_BINS_PER_COLUMN = 64;
const MAX_COLUMNS = 16384;
const DIRECT_VALUES_PER_COLUMN = 65536;
const MAX_SAMPLE_VALUES = 2 ** 27;

/**
 * @param {Reader} reader
 * @param {WindowRequest} request
 * @returns {Promise<SampleWindow>}
 */
export async function readWindow(reader, request) {
  const { segment, firstSample, samplesPerColumn: step } = request;
  const { manifest, width } = reader;
  const places = channelPlaces(manifest, request.channels);
  const length = manifest.segments[segment]?.num_samples ?? 0;
  const isAsked = firstSample >= 0 && firstSample < length && step >= 1 && request.columns >= 1;
  if (!isAsked || ![firstSample, step, request.columns].every(Number.isInteger) || request.columns > MAX_COLUMNS) {
    throw new SourceError(
      'refused',
      `no window of ${request.columns} columns from sample ${firstSample} of segment ${segment}`,
    );
  }
  const columns = Math.min(request.columns, Math.max(Math.ceil((length - 1 - firstSample) / step), 1));
  if (step === 1) {
    if (!reader.hasSamples) throw new SourceError('refused', noSamples(manifest));
    const last = Math.min(firstSample + columns, length - 1);
    const spans = await reader.readSamples(segment, firstSample, last + 1);
    const values = chosenRows(spans, width, places, manifest.numbersDtype);
    return { firstSample, samplesPerColumn: 1, columns: last - firstSample, factor: 1, envelope: null, values };
  }
  const level = levelFor(reader, length, firstSample, step);
  if (!level && !reader.hasSamples) throw new SourceError('refused', noSamples(manifest));
  const { hasMeans } = manifest;
  const envelope = hasMeans
    ? makeMeans(manifest.numbersDtype, columns, places)
    : makeHulls(manifest.numbersDtype, columns, places);
  if (level && (hasMeans || step / level.factor <= MAX_BINS_PER_COLUMN)) {
    const [first, perColumn] = [firstSample / level.factor, step / level.factor];
    const last = Math.min(first + columns * perColumn, reader.numBins(level, segment));
    for (const { firstRow, lastRow, rows } of await reader.readBins(level, segment, first, last)) {
      for (let row = firstRow; row < lastRow; row += 1) {
        envelope.addBin(Math.floor((row - first) / perColumn), rows, (row - firstRow) * 2 * width, width);
      }
    }
  } else if (!level && (hasMeans || step * width <= DIRECT_VALUES_PER_COLUMN)) {
    // Of means each interval between samples has the value of the sample that it begins with.
    const isOpen = hasMeans && firstSample < length - 1;
    const last = Math.min(firstSample + columns * step, length - 1) - (isOpen ? 1 : 0);
    for (const { firstRow, lastRow, rows } of await reader.readSamples(segment, firstSample, last + 1)) {
      for (let row = firstRow; row < lastRow; row += 1) {
        const column = Math.floor((row - firstSample) / step);
        const at = (row - firstRow) * width;
        if (column < columns) envelope.addSample(column, rows, at);
        // A sample between two columns belongs to both.
        if (!hasMeans && column > 0 && (row - firstSample) % step === 0) envelope.addSample(column - 1, rows, at);
      }
    }
  } else {
    const edges = Array.from({ length: columns + 1 }, (_, i) => Math.min(firstSample + i * step, length - 1));
    for (let i = 0; i < columns; i += 1) await addHull(reader, segment, edges[i], edges[i + 1], envelope, i);
  }
  const factor = level?.factor ?? 1;
  return { firstSample, samplesPerColumn: step, columns, factor, envelope: envelope.finish(), values: null };
}

/**
 * Unites the closed span [first, last] of a segment's samples with a hull: coarsest whole bins, finer ones at the ends.
 * @param {Reader} reader
 * @param {number} segment
 * @param {number} first
 * @param {number} last
 * @param {Hulls} hulls
 * @param {number} column
 * @param {number} [unused] finest level not yet tried
 * @returns {Promise<void>}
 */
export async function addHull(reader, segment, first, last, hulls, column, unused = reader.manifest.levels.length - 1) {
  const end = reader.manifest.segments[segment].num_samples - 1;
  for (let number = unused; number >= 0; number -= 1) {
    const level = reader.manifest.levels[number];
    const low = Math.ceil(first / level.factor);
    const high = last === end ? reader.numBins(level, segment) : Math.floor(last / level.factor);
    if (low >= high) continue;
    for (const { firstRow, lastRow, rows } of await reader.readBins(level, segment, low, high)) {
      for (let row = 0; row < lastRow - firstRow; row += 1)
        hulls.addBin(column, rows, row * 2 * reader.width, reader.width);
    }
    if (first < low * level.factor)
      await addHull(reader, segment, first, low * level.factor, hulls, column, number - 1);
    const reached = Math.min(high * level.factor, end);
    if (reached < last) await addHull(reader, segment, reached, last, hulls, column, number - 1);
    return;
  }
  if (!reader.hasSamples) throw new SourceError('refused', noSamples(reader.manifest));
  if ((last - first) * reader.width > MAX_SAMPLE_VALUES) {
    throw new SourceError(
      'refused',
      `${last - first} samples of "${reader.manifest.label}" are too many without levels`,
    );
  }
  for (const { firstRow, lastRow, rows } of await reader.readSamples(segment, first, last + 1)) {
    for (let row = 0; row < lastRow - firstRow; row += 1) hulls.addSample(column, rows, row * reader.width);
  }
}

/**
 * Lowest and highest values (columns, 2, chosen channels) of what is added to each column; NaN is passed over.
 * @typedef {object} Hulls
 * @property {(column: number, rows: Numbers, at: number) => void} addSample all channels of a sample lie at rows[at]
 * @property {(column: number, rows: Numbers, at: number, width: number) => void} addBin lows at rows[at], highs behind
 * @property {() => Numbers} finish
 */

/**
 * @param {string} dtype
 * @param {number} columns
 * @param {Uint32Array} places of the chosen channels
 * @returns {Hulls}
 */
export function makeHulls(dtype, columns, places) {
  const chosen = places.length;
  const found = emptyNumbers(dtype, columns * 2 * chosen);
  const isFilled = new Uint8Array(columns);

  /** @type {(column: number, rows: Numbers, lows: number, highs: number) => void} */
  function add(column, rows, lows, highs) {
    const at = column * 2 * chosen;
    if (!isFilled[column]) {
      isFilled[column] = 1;
      for (let c = 0; c < chosen; c += 1) {
        found[at + c] = rows[lows + places[c]];
        found[at + chosen + c] = rows[highs + places[c]];
      }
      return;
    }
    for (let c = 0; c < chosen; c += 1) {
      const low = rows[lows + places[c]];
      const high = rows[highs + places[c]];
      const least = found[at + c];
      const most = found[at + chosen + c];
      // Only NaN differs from itself.
      if (low < least || least !== least) found[at + c] = low;
      if (high > most || most !== most) found[at + chosen + c] = high;
    }
  }

  return {
    addSample: (column, rows, at) => add(column, rows, at, at),
    addBin: (column, rows, at, width) => add(column, rows, at, at + width),
    finish() {
      if (found instanceof Float32Array || found instanceof Float64Array) {
        for (let i = 0; i < found.length; i += 1) found[i] += 0;
        isFilled.forEach((filled, column) => {
          if (!filled) found.fill(NaN, column * 2 * chosen, (column + 1) * 2 * chosen);
        });
      }
      return found;
    },
  };
}

/**
 * Means (columns, 2, chosen channels) of what is added to each column, twice: as the lowest and as the highest value.
 * @param {string} dtype
 * @param {number} columns
 * @param {Uint32Array} places of the chosen channels
 * @returns {Hulls}
 */
function makeMeans(dtype, columns, places) {
  const chosen = places.length;
  const sums = new Float64Array(columns * chosen);
  const counts = new Float64Array(columns * chosen);
  /** @type {(at: number, mean: number, count: number) => void} */
  const add = (at, mean, count) => {
    if (Number.isNaN(mean) || !(count > 0)) return;
    sums[at] += mean * count;
    counts[at] += count;
  };
  return {
    addSample(column, rows, at) {
      for (let c = 0; c < chosen; c += 1) add(column * chosen + c, Number(rows[at + places[c]]), 1);
    },
    addBin(column, rows, at, width) {
      for (let c = 0; c < chosen; c += 1) {
        add(column * chosen + c, Number(rows[at + places[c]]), Number(rows[at + width + places[c]]));
      }
    },
    finish() {
      const found = emptyNumbers(dtype, columns * 2 * chosen);
      for (let at = 0; at < sums.length; at += 1) {
        const [column, channel] = [Math.floor(at / chosen), at % chosen];
        const mean = counts[at] ? sums[at] / counts[at] + 0 : NaN;
        found[2 * column * chosen + channel] = mean;
        found[(2 * column + 1) * chosen + channel] = mean;
      }
      return found;
    },
  };
}

/**
 * The coarsest level on whose bins all columns begin and end; no bin begins at the last of several samples.
 * @param {Reader} reader
 * @param {number} length
 * @param {number} first
 * @param {number} step
 * @returns {Level | undefined}
 */
function levelFor(reader, length, first, step) {
  if (first > 0 && first === length - 1) return undefined;
  return reader.manifest.levels.findLast((level) => step % level.factor === 0 && first % level.factor === 0);
}
