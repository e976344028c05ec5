/** @file Columns of a regular series: which tiles they need, what of them is there, what stands in for the rest. */

import { countWhere } from '../geometry/search.js';
import { columnOfTime, isRegular, timeOfColumn } from '../geometry/timeline.js';
import { sourceFactor } from '../geometry/ladder.js';
import { UNBUILT, addBins, addSamples, binsOfColumns, columnsOfPlace, emptyHulls, numBinsOf } from './columns.js';
import { planOf } from './plan.js';
import { TILE_COLUMNS } from './tiles.js';
import { lacksSamples } from '../source/series.js';

/** @typedef {import('../types.js').ArrayInfo} ArrayInfo */
/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('../types.js').Numbers} Numbers */
/** @typedef {import('../types.js').Rung} Rung */
/** @typedef {import('../types.js').Timeline} Timeline */
/** @typedef {import('./columns.js').Hulls} Hulls */
/** @typedef {import('./columns.js').Place} Place */
/** @typedef {import('./plan.js').Plan} Plan */
/** @typedef {import('./series.js').SeriesData} SeriesData */
/** @typedef {import('./tiles.js').TileRequest} TileRequest */

/** With more segments on the screen than this, stored rows are read, which follow one another. */
const MOST_SEGMENTS = 32;
const ROWS_BYTES = 2 ** 21;
/** Finer tiles stand in where a column has at most so many of their bins. */
const MOST_FINER_BINS = 64;

/**
 * A block of neighbouring bins or samples (step 1) of one segment; `data` is undefined while it is not there.
 * @typedef {object} Block
 * @property {number} factor
 * @property {number} first
 * @property {number} count
 * @property {number} offset
 * @property {number} width
 * @property {Numbers | undefined} data
 * @property {Int32Array} positions
 * @property {boolean} [hasCounts] of means: the number of samples lies beside each
 * @property {boolean} [isUnbuilt] it could not be had when it was asked for
 * @property {boolean} [isOutgrown] and may be there now
 * @property {() => TileRequest} request
 */

/**
 * Hulls of the columns [from, to), and what has yet to be loaded for them.
 * @param {SeriesData} series
 * @param {Timeline} timeline
 * @param {Frame} frame
 * @param {number} from absolute column
 * @param {number} to
 * @param {Int32Array} shown indices of channels, in order
 * @param {TileRequest[]} wanted what is missing is added
 * @param {boolean} [isAhead] only find what is missing
 * @returns {Hulls}
 */
export function windowHulls(series, timeline, frame, from, to, shown, wanted, isAhead = false) {
  const hulls = emptyHulls(from, isAhead ? 0 : to - from, shown.length, series.manifest.hasMeans);
  const { manifest } = series;
  if (!manifest.segments.length || !shown.length || to <= from) return hulls;
  const plan = planOf(timeline, frame, manifest, series.uri, series.finest);
  const [firstSegment, endSegment] = visibleSegments(series, timeline, frame, from, to);
  const stored = storedRows(series, timeline, frame, plan.step);
  const middle = frame.leftColumn + frame.columns / 2;
  for (let segment = firstSegment; segment < endSegment; segment += 1) {
    const place = placeOfSegment(series, timeline, frame, plan, segment);
    const [first, end] = columnsOfPlace(place);
    const start = Math.max(from, first);
    const stop = Math.min(to, end);
    if (start >= stop || place.numSamples < 1) continue;
    const blocks = stored
      ? rowBlocks(series, stored.factor, stored.array, segment, place, start, stop, shown)
      : tileBlocks(series, plan.step, segment, place, start, stop, shown);
    for (const block of blocks) {
      const [low, high] = columnsOfBlock(place, block, start, stop);
      if (block.isUnbuilt) {
        const distance = Math.abs((low + high) / 2 - middle);
        if (block.isOutgrown) wanted.push({ ...block.request(), distance, isAhead });
        if (!isAhead) hulls.exact.fill(UNBUILT, low - from, high - from);
        continue;
      }
      if (block.data) {
        if (!isAhead) addBlock(hulls, low, high, place, block);
        continue;
      }
      const distance = Math.abs((low + high) / 2 - middle);
      if (isLacking(series, segment, block)) {
        const bins = tileBlocks(series, manifest.levels[0].factor, segment, place, low, high, shown);
        const absent = bins.filter((each) => !each.data);
        for (const each of absent) wanted.push({ ...each.request(), distance, isAhead });
        if (!absent.length && !isAhead) {
          for (const each of bins) addBlock(hulls, ...columnsOfBlock(place, each, low, high), place, each);
        }
        if (!absent.length) continue;
      } else {
        wanted.push({ ...block.request(), distance, isAhead });
      }
      if (isAhead) continue;
      hulls.exact.fill(0, low - from, high - from);
      standIn(series, plan.step, segment, place, low, high, shown, hulls);
    }
  }
  // Not even a part of such a column is drawn.
  for (let column = hulls.exact.indexOf(UNBUILT); column >= 0; column = hulls.exact.indexOf(UNBUILT, column + 1)) {
    hulls.low.fill(Infinity, column * hulls.channels, (column + 1) * hulls.channels);
    hulls.high.fill(-Infinity, column * hulls.channels, (column + 1) * hulls.channels);
  }
  return hulls;
}

/**
 * Why whole bins are drawn where samples are asked for: words where raw samples of the screen were left out, or cannot be
 * reached, else null.
 * @param {SeriesData} series
 * @param {Timeline} timeline
 * @param {Frame} frame
 * @returns {string | null}
 */
export function leftOutNote(series, timeline, frame) {
  const { manifest, finest, uri } = series;
  const { values, levels } = manifest;
  const lost = series.outOfReach();
  if (lost && !isRegular(manifest)) return `raw samples cannot be reached, bins may be shown instead: ${lost}`;
  const mayLack = lost !== null || (values && 'pages' in values && values.left_out?.length);
  if (!mayLack || !isRegular(manifest) || !levels.length) return null;
  const plan = planOf(timeline, frame, manifest, uri, finest);
  if (!isReadFromSamples(manifest, plan.step)) return null;
  if (lost) return `raw samples cannot be reached, bins of ${levels[0].factor} samples are shown: ${lost}`;
  const [first, end] = visibleSegments(series, timeline, frame, frame.leftColumn, frame.leftColumn + frame.columns);
  for (let segment = first; segment < end; segment += 1) {
    const { origin, samplesPerColumn, numSamples } = placeOfSegment(series, timeline, frame, plan, segment);
    const begin = Math.max(Math.floor((frame.leftColumn - origin) * samplesPerColumn), 0);
    const stop = Math.min(Math.ceil((frame.leftColumn + frame.columns - origin) * samplesPerColumn), numSamples);
    if (begin < stop && lacksSamples(manifest, segment, begin, stop)) {
      return `raw samples of this stretch were left out: bins of ${levels[0].factor} samples are shown there`;
    }
  }
  return null;
}

/**
 * Whether a block is made from raw samples that this copy was made without, or that cannot be reached now.
 * @param {SeriesData} series
 * @param {number} segment
 * @param {Block} block
 * @returns {boolean}
 */
function isLacking({ manifest, outOfReach }, segment, { factor, first, count }) {
  if (!manifest.levels.length || !isReadFromSamples(manifest, factor)) return false;
  if (outOfReach() !== null) return true;
  const end = Math.min((first + count) * factor + (factor > 1 ? 1 : 0), manifest.segments[segment].num_samples);
  return lacksSamples(manifest, segment, first * factor, end);
}

/** @param {import('../types.js').SeriesManifest} manifest @param {number} step @returns {boolean} no level's bins make it up */
function isReadFromSamples(manifest, step) {
  return manifest.levels.every(({ factor }) => step % factor !== 0);
}

/**
 * Where a segment lies: from the whole column that is nearest to its start on, where columns are whole bins.
 * @param {SeriesData} series
 * @param {Timeline} timeline
 * @param {Rung} rung
 * @param {Plan} plan
 * @param {number} segment
 * @returns {Place}
 */
export function placeOfSegment(series, timeline, rung, plan, segment) {
  const { manifest, uri } = series;
  const start = manifest.segments[segment].start_time + (timeline.shifts[uri] ?? 0);
  const position = columnOfTime(timeline, rung, start);
  const { isWhole, samplesPerColumn, columnsPerSample } = plan;
  const origin = isWhole ? Math.round(position) : position;
  return { origin, samplesPerColumn, columnsPerSample, numSamples: manifest.segments[segment].num_samples };
}

/**
 * Numbers [first, end) of the segments that may reach into the columns [from, to).
 * @param {SeriesData} series
 * @param {Timeline} timeline
 * @param {Rung} rung
 * @param {number} from absolute column
 * @param {number} to
 * @returns {[number, number]}
 */
export function visibleSegments(series, timeline, rung, from, to) {
  const { segments } = series.manifest;
  const shift = timeline.shifts[series.uri] ?? 0;
  const startTime = timeOfColumn(timeline, rung, from - 2) - shift;
  const endTime = timeOfColumn(timeline, rung, to + 2) - shift;
  const first = countWhere(segments, ({ end_time: end }) => end < startTime);
  return [
    first,
    Math.max(
      countWhere(segments, ({ start_time: start }) => start <= endTime),
      first,
    ),
  ];
}

/**
 * The stored array whose rows are read, or null where tiles are: the coarsest level, which is there anyway, and any other
 * where many segments are on the screen.
 * @param {SeriesData} series
 * @param {Timeline} timeline
 * @param {Frame} frame
 * @param {number} step
 * @returns {{factor: number, array: ArrayInfo} | null}
 */
function storedRows(series, timeline, frame, step) {
  const { manifest, coarsest, finest } = series;
  if (coarsest && step % coarsest.factor === 0) return { factor: coarsest.factor, array: coarsest };
  const [first, end] = visibleSegments(series, timeline, frame, frame.leftColumn, frame.leftColumn + frame.columns);
  if (end - first <= MOST_SEGMENTS) return null;
  if (step === 1) return manifest.values && 'pages' in manifest.values ? { factor: 1, array: manifest.values } : null;
  const factor = sourceFactor(
    step,
    manifest.levels.map((each) => each.factor),
    finest === 1,
  );
  const array = manifest.levels.find((each) => each.factor === factor);
  return array ? { factor: array.factor, array } : null;
}

/**
 * @param {SeriesData} series
 * @param {number} step
 * @param {number} segment
 * @param {Place} place
 * @param {number} from
 * @param {number} to
 * @param {Int32Array} shown
 * @returns {Block[]}
 */
function tileBlocks(series, step, segment, place, from, to, shown) {
  const [first, end] = binsOfColumns(place, step, from, to);
  const last = step === 1 ? Math.max(end - 2, first) : end - 1;
  const blocks = [];
  for (let index = Math.floor(first / TILE_COLUMNS); index <= Math.floor(last / TILE_COLUMNS); index += 1) {
    const choice = series.choose(segment, step, index, shown);
    const { width, positions, group, tile, ids } = choice;
    const rows = step === 1 ? place.numSamples : numBinsOf(place.numSamples, step);
    const whole = Math.min(rows - index * TILE_COLUMNS, TILE_COLUMNS + (step === 1 ? 1 : 0));
    // While it is built, or written, a tile ends where its level does, or the samples did.
    const count = tile ? Math.min(tile.length / ((step > 1 ? 2 : 1) * width), whole) : whole;
    const request = () => series.windowRequest(group, segment, step, index, ids);
    const block = { factor: step, first: index * TILE_COLUMNS, offset: 0, width, positions, request };
    if (count) blocks.push({ ...block, count, data: tile });
    if (count === whole) continue;
    // A line leads from the last sample that is there.
    const known = step > 1 ? count : Math.max(count - 1, 0);
    const rest = { first: block.first + known, count: whole - known, data: undefined };
    blocks.push({ ...block, ...rest, isUnbuilt: true, isOutgrown: series.isOutgrown(group, step, index) });
  }
  return blocks;
}

/**
 * @param {SeriesData} series
 * @param {number} factor
 * @param {ArrayInfo} array a level or the values
 * @param {number} segment
 * @param {Place} place
 * @param {number} from
 * @param {number} to
 * @param {Int32Array} shown
 * @returns {Block[]}
 */
function rowBlocks(series, factor, array, segment, place, from, to, shown) {
  const [first, end] = binsOfColumns(place, factor, from, to);
  const firstRow = series.firstRow(factor, segment);
  const rowSize = array.shape.slice(1).reduce((product, length) => product * length, 1);
  const isCoarsest = array === series.coarsest;
  const rows = isCoarsest ? array.shape[0] : rowsOfBlock(array, rowSize);
  const numRows = factor === 1 ? place.numSamples : numBinsOf(place.numSamples, factor);
  const blocks = [];
  for (let index = Math.floor((firstRow + first) / rows); index * rows < firstRow + end; index += 1) {
    const start = Math.max(index * rows, firstRow);
    const stop = Math.min((index + 1) * rows + (factor === 1 ? 1 : 0), firstRow + numRows);
    blocks.push({
      factor,
      first: start - firstRow,
      count: stop - start,
      offset: (start - index * rows) * rowSize,
      width: array.shape[array.shape.length - 1],
      data: isCoarsest ? (series.coarsestRows() ?? undefined) : series.rows(factor, index),
      positions: shown,
      hasCounts: Boolean(series.manifest.hasMeans),
      request: () => (isCoarsest ? series.coarsestRequest() : series.rowsRequest(array, factor, index, rows)),
    });
  }
  return blocks;
}

/**
 * @param {ArrayInfo} array
 * @param {number} rowSize numbers a row
 * @returns {number} rows of one request: a part, or a power of two of rows in it
 */
function rowsOfBlock(array, rowSize) {
  const fitting = 2 ** Math.max(Math.floor(Math.log2(ROWS_BYTES / (8 * rowSize))), 4);
  return Math.min(array.part_rows, fitting);
}

/**
 * Columns of [from, to) that need something of a block.
 * @param {Place} place
 * @param {Block} block
 * @param {number} from
 * @param {number} to
 * @returns {[number, number]}
 */
function columnsOfBlock(place, block, from, to) {
  const columnsPerBin = block.factor / place.samplesPerColumn;
  const slack = Number.isInteger(place.origin) && (columnsPerBin === 1 || place.columnsPerSample > 1) ? 0 : 1;
  const count = block.factor === 1 ? Math.max(block.count - 1, 1) : block.count;
  const first = Math.floor(place.origin + block.first * columnsPerBin + 1e-9) - slack;
  const end = Math.ceil(place.origin + (block.first + count) * columnsPerBin - 1e-9) + slack;
  const low = Math.min(Math.max(first, from), to);
  return [low, Math.max(Math.min(end, to), low)];
}

/**
 * @param {Hulls} hulls
 * @param {number} from
 * @param {number} to
 * @param {Place} place
 * @param {Block} block whose data is there
 */
function addBlock(hulls, from, to, place, block) {
  const filled = /** @type {Block & {data: Numbers}} */ (block);
  if (block.factor === 1) addSamples(hulls, from, to, place, filled, block.positions);
  else addBins(hulls, from, to, place, filled, block.positions);
}

/**
 * Fill columns with what is there: the nearest coarser tiles, the coarsest level, or finer tiles.
 * @param {SeriesData} series
 * @param {number} step
 * @param {number} segment
 * @param {Place} place
 * @param {number} from
 * @param {number} to
 * @param {Int32Array} shown
 * @param {Hulls} hulls
 */
function standIn(series, step, segment, place, from, to, shown, hulls) {
  const steps = series.steps(segment, shown);
  /** @param {Block[]} blocks @param {boolean} isWhole whether all must be there */
  const fill = (blocks, isWhole) => {
    const there = blocks.filter((block) => block.data);
    if (!there.length || (isWhole && there.length < blocks.length)) return false;
    for (const block of there) addBlock(hulls, ...columnsOfBlock(place, block, from, to), place, block);
    return true;
  };
  for (const coarser of steps.filter((each) => each > step)) {
    if (fill(tileBlocks(series, coarser, segment, place, from, to, shown), true)) return;
  }
  const { coarsest } = series;
  for (const level of series.manifest.levels) {
    if (level === coarsest || level.factor <= step || !series.hasRows(level.factor)) continue;
    if (fill(rowBlocks(series, level.factor, level, segment, place, from, to, shown), true)) return;
  }
  if (coarsest && fill(rowBlocks(series, coarsest.factor, coarsest, segment, place, from, to, shown), true)) return;
  const mostFiner = MOST_FINER_BINS / place.samplesPerColumn;
  for (const finer of steps.filter((each) => each > 1 && each < step && each * mostFiner >= 1).reverse()) {
    if (fill(tileBlocks(series, finer, segment, place, from, to, shown), false)) return;
  }
}
