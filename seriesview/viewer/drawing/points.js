/** @file Columns of events, and of samples at times of their own: tiles of 512 columns of time, read by getPoints. */

import { columnOfTime, timeOfColumn } from '../geometry/timeline.js';
import { emptyHulls } from './columns.js';
import { TILE_COLUMNS } from './tiles.js';

/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('../types.js').Numbers} Numbers */
/** @typedef {import('../types.js').Points} Points */
/** @typedef {import('../types.js').Timeline} Timeline */
/** @typedef {import('./columns.js').Hulls} Hulls */
/** @typedef {import('./series.js').SeriesData} SeriesData */
/** @typedef {import('./tiles.js').TileRequest} TileRequest */

/**
 * Points of one tile and where they go. Columns are absolute.
 * @typedef {object} PointTile
 * @property {Points} points
 * @property {boolean} isExact false: it stands in for one that is not there yet
 * @property {(time: number) => [number, number]} columnsOfTime first and last column of a time; two where it is an edge
 * @property {(bin: number) => [number, number]} columnsOfBin first and last column of a bin
 */

/**
 * What decides which points are asked for.
 * @typedef {object} PointRange
 * @property {SeriesData} series
 * @property {Timeline} timeline
 * @property {Frame} frame
 * @property {number} from absolute column
 * @property {number} to
 * @property {number} maxPoints of a tile that are taken one by one; a multiple of 512
 * @property {TileRequest[]} wanted what is missing is added
 * @property {boolean} [isAhead] only find what is missing
 */

/**
 * @typedef {object} Visited
 * @property {Uint8Array} exact (columns,): whether all of a column's points were there
 * @property {boolean} isApproximate edges were rounded to whole stored bins
 * @property {boolean} isBinned ranges of whole bins stand in for values that are not there
 */

/**
 * Visit the tiles of some columns; what stands in for missing ones too.
 * @param {PointRange} range
 * @param {(tile: PointTile) => void} visit
 * @returns {Visited}
 */
export function visitPoints({ series, timeline, frame, from, to, maxPoints, wanted, isAhead = false }, visit) {
  const exact = new Uint8Array(Math.max(to - from, 0)).fill(1);
  const { manifest, uri, finest } = series;
  const shift = timeline.shifts[uri] ?? 0;
  const step = `${frame.samplesPerColumn}/${frame.columnsPerSample}/${maxPoints}`;
  const hasOwnFiles = manifest.segments.some((segment) => segment.timestamps_uri);
  const start = hasOwnFiles ? -Infinity : manifest.segments[0].start_time;
  const end = hasOwnFiles
    ? Infinity
    : manifest.segments.reduce((most, { end_time: each }) => Math.max(most, each), -Infinity);
  const middle = frame.leftColumn + frame.columns / 2;
  let isApproximate = false;
  let isBinned = false;
  for (let index = Math.floor(from / TILE_COLUMNS); index * TILE_COLUMNS < to; index += 1) {
    const first = index * TILE_COLUMNS;
    const startTime = timeOfColumn(timeline, frame, first) - shift;
    const endTime = timeOfColumn(timeline, frame, first + TILE_COLUMNS) - shift;
    if (endTime < start || startTime > end) continue;
    const points = series.points(step, index);
    if (points && isAhead) continue;
    if (points) {
      isApproximate ||= points.approximate === true;
      isBinned ||= finest > 1 && !!points.envelope && !!points.counts?.some((count) => count > 0 && count < finest);
      visit(exactTile(points, first, startTime, endTime, maxPoints));
      continue;
    }
    const distance = Math.abs(first + TILE_COLUMNS / 2 - middle);
    wanted.push({ ...series.pointsRequest(step, index, startTime, endTime, maxPoints), distance, isAhead });
    if (isAhead) continue;
    exact.fill(0, Math.max(first - from, 0), Math.max(first + TILE_COLUMNS - from, 0));
    for (const tile of standIns(series, timeline, frame, first, step)) visit(tile);
  }
  return { exact, isApproximate, isBinned };
}

/**
 * @param {Points} points
 * @param {number} first column
 * @param {number} startTime of the tile, the series' own time
 * @param {number} endTime
 * @param {number} maxPoints
 * @returns {PointTile}
 */
function exactTile(points, first, startTime, endTime, maxPoints) {
  /** @param {number} column counted in the tile */
  const edge = (column) =>
    column === TILE_COLUMNS ? endTime : startTime + (endTime - startTime) * (column / TILE_COLUMNS);
  const columnsPerSecond = TILE_COLUMNS / (endTime - startTime);
  const binsPerColumn = maxPoints / TILE_COLUMNS;
  return {
    points,
    isExact: true,
    columnsOfTime(time) {
      let column = Math.min(Math.max(Math.floor((time - startTime) * columnsPerSecond), 0), TILE_COLUMNS - 1);
      while (column > 0 && time < edge(column)) column -= 1;
      while (column < TILE_COLUMNS - 1 && time >= edge(column + 1)) column += 1;
      return [column > 0 && time === edge(column) ? first + column - 1 : first + column, first + column];
    },
    columnsOfBin(bin) {
      const column = first + Math.floor(bin / binsPerColumn);
      return [column, column];
    },
  };
}

/**
 * Tiles of other zooms that cover the columns of a missing one: all those of the nearest zoom that has any.
 * @param {SeriesData} series
 * @param {Timeline} timeline
 * @param {Frame} frame
 * @param {number} first column of the missing tile
 * @param {string} step of it
 * @returns {PointTile[]}
 */
function standIns(series, timeline, frame, first, step) {
  const ticks = frame.samplesPerColumn / frame.columnsPerSample;
  const shift = timeline.shifts[series.uri] ?? 0;
  const others = series.pointSteps().filter((each) => each !== step);
  const ranked = others.map((each) => {
    const [samplesPerColumn, columnsPerSample] = each.split('/').map(Number);
    const ratio = samplesPerColumn / columnsPerSample / ticks;
    // Coarser ones come first: finer ones seldom cover all.
    return { each, rung: { samplesPerColumn, columnsPerSample }, rank: ratio > 1 ? ratio : 64 / ratio };
  });
  ranked.sort((one, other) => one.rank - other.rank);
  for (const { each, rung } of ranked) {
    const columnsPerTile = (TILE_COLUMNS * rung.samplesPerColumn) / rung.columnsPerSample / ticks;
    const found = series.pointIndices(each).filter((index) => {
      return (index + 1) * columnsPerTile > first && index * columnsPerTile < first + TILE_COLUMNS;
    });
    if (!found.length) continue;
    return found.flatMap((index) => {
      const points = series.points(each, index);
      return points ? [placedTile(points, (time) => columnOfTime(timeline, frame, time + shift), first)] : [];
    });
  }
  const times = series.coarsestTimes();
  const rows = series.coarsestRows();
  if (!times || !rows) return [];
  const edges = new Float64Array(times.length + 1);
  edges.set(times);
  edges[times.length] = series.manifest.segments[series.manifest.segments.length - 1].end_time;
  const points = { edges, counts: new Uint32Array(times.length).fill(3), envelope: rows };
  return [placedTile(points, (time) => columnOfTime(timeline, frame, time + shift), first)];
}

/**
 * A tile of another zoom, clipped to the columns of the one that it stands in for.
 * @param {Points} points
 * @param {(time: number) => number} position column, with its fraction, of a time
 * @param {number} first column
 * @returns {PointTile}
 */
function placedTile(points, position, first) {
  const last = first + TILE_COLUMNS - 1;
  return {
    points,
    isExact: false,
    columnsOfTime(time) {
      const column = Math.floor(position(time));
      return column >= first && column <= last ? [column, column] : [0, -1];
    },
    columnsOfBin(bin) {
      const edges = /** @type {Float64Array} */ (points.edges);
      const low = Math.floor(position(edges[bin]));
      const high = Math.max(Math.ceil(position(edges[bin + 1])) - 1, low);
      return [Math.max(low, first), Math.min(high, last)];
    },
  };
}

/**
 * Hulls of the columns [from, to) of samples at times of their own.
 * @param {PointRange} range
 * @param {Int32Array} shown indices of channels, in order
 * @returns {{hulls: Hulls, isApproximate: boolean, isBinned: boolean}}
 */
export function pointHulls(range, shown) {
  const { from, to, series } = range;
  const hulls = emptyHulls(from, Math.max(to - from, 0), shown.length);
  const width = series.manifest.channels.length;
  const { exact, isApproximate, isBinned } = visitPoints(range, ({ points, columnsOfTime, columnsOfBin }) => {
    const { times, values, edges, counts, envelope } = points;
    times?.forEach((time, index) => {
      if (values) addRow(hulls, columnsOfTime(time), values, index * width, index * width, shown);
    });
    if (!edges || !counts || !envelope) return;
    for (let bin = 0; bin < counts.length; bin += 1) {
      const base = bin * 2 * width;
      if (counts[bin]) addRow(hulls, columnsOfBin(bin), envelope, base, base + width, shown);
    }
  });
  hulls.exact.set(exact);
  return { hulls, isApproximate, isBinned };
}

/**
 * @param {Hulls} hulls
 * @param {[number, number]} columns first and last, absolute
 * @param {Numbers} data
 * @param {number} least index of the lowest value of channel 0
 * @param {number} most of the highest
 * @param {Int32Array} shown
 */
function addRow({ first, columns, channels, low, high }, [from, to], data, least, most, shown) {
  for (let column = Math.max(from, first); column <= Math.min(to, first + columns - 1); column += 1) {
    const target = (column - first) * channels;
    for (let channel = 0; channel < channels; channel += 1) {
      const lowest = data[least + shown[channel]];
      const highest = data[most + shown[channel]];
      if (lowest < low[target + channel]) low[target + channel] = lowest;
      if (highest > high[target + channel]) high[target + channel] = highest;
    }
  }
}

/**
 * Numbers of events in the columns [from, to).
 * @param {PointRange} range
 * @param {Int32Array} shown indices of channels, in order
 * @returns {{counts: Float64Array, exact: Uint8Array, isApproximate: boolean}} counts (columns, channels)
 */
export function eventCounts(range, shown) {
  const { from, to, series } = range;
  const counts = new Float64Array(Math.max(to - from, 0) * shown.length);
  const width = series.manifest.channels.length;
  const places = new Int32Array(width).fill(-1);
  shown.forEach((index, place) => (places[index] = place));
  /** @param {number} column @param {number} place @param {number} count */
  const add = (column, place, count) => {
    if (column >= from && column < to) counts[(column - from) * shown.length + place] += count;
  };
  const { exact, isApproximate } = visitPoints(range, ({ points, columnsOfTime, columnsOfBin }) => {
    const { times, channels, edges, counts: inBins } = points;
    times?.forEach((time, index) => {
      const place = channels ? places[channels[index]] : -1;
      if (place < 0) return;
      const [low, high] = columnsOfTime(time);
      for (let column = low; column <= high; column += 1) add(column, place, 1);
    });
    if (!edges || !inBins) return;
    for (let bin = 0; bin + 1 < edges.length; bin += 1) {
      const [low, high] = columnsOfBin(bin);
      if (high < from || low >= to) continue;
      for (let place = 0; place < shown.length; place += 1) {
        const count = inBins[bin * width + shown[place]];
        if (!count) continue;
        for (let column = low; column <= high; column += 1) add(column, place, count / (high - low + 1));
      }
    }
  });
  return { counts, exact, isApproximate };
}
