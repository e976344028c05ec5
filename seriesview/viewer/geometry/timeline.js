/** @file The column grid: times, ticks and columns, and how frames move on it. Sums only as start + integer / rate. */

import { placeSeries } from './clocks.js';
import { nearestRung, nextRung, rungOfAtLeast, ticksPerColumn, zoomLadder } from './ladder.js';

/** @typedef {import('../types.js').Rung} Rung */
/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('../types.js').Timeline} Timeline */

/** Events and points have times of their own, which are looked at to at least the millisecond. */
const POINT_TICKS = 1000;
/** Ticks a column that a page has at most. */
export const MOST_OF_PAGE = 24;
/** How near, in columns, a start must be to a whole column to be on it. */
const ON_GRID = 1e-6;

/**
 * Whether sample i of a segment is at start_time + i / sampling_frequency.
 * @param {SeriesManifest} manifest
 * @returns {boolean}
 */
export function isRegular(manifest) {
  if (manifest.type === 'event' || manifest.type === 'interval' || manifest.timestamps) return false;
  return manifest.sampling_frequency !== null && !manifest.segments[0]?.timestamps_uri;
}

/**
 * The grid of one view: of the first regular series of its panels, or of the first one there is.
 * @param {{seriesUri: string | null, over?: string[]}[]} panels of one view
 * @param {Record<string, SeriesManifest>} series by URI
 * @param {Record<string, number>} finest by URI: samples a column that are read exactly, 1 with raw samples
 * @returns {Timeline}
 */
export function makeTimeline(panels, series, finest) {
  const shown = [...new Set(panels.map((panel) => panel.seriesUri ?? ''))].filter((uri) => series[uri]);
  const bands = Object.keys(series).filter((uri) => series[uri].type === 'interval' && !shown.includes(uri));
  const over = panels.flatMap((panel) => panel.over ?? []).filter((uri) => series[uri]);
  const placed = [...new Set([...shown, ...over, ...bands])];
  const { shifts, sessionStart, clockNotes } = placeSeries(placed, series);
  const long = shown.filter((uri) => series[uri].segments.length);
  const timed = long.length ? long : bands.filter((uri) => series[uri].segments.length);
  const firstTime = timed.reduce((least, uri) => Math.min(least, shifts[uri] + startOf(series[uri])), Infinity);
  const endTime = timed.reduce((most, uri) => Math.max(most, shifts[uri] + endOf(series[uri])), -Infinity);
  const reference = timed.find((uri) => isRegular(series[uri])) ?? timed[0];
  if (reference === undefined) {
    const nothing = { ticksPerSecond: POINT_TICKS, startTime: 0, firstTime: 0, endTime: 1, finest: 1 };
    return { ...nothing, shifts, sessionStart, clockNotes, ladder: zoomLadder([], POINT_TICKS) };
  }
  const manifest = series[reference];
  const regular = isRegular(manifest);
  const ticksPerSecond = regular ? /** @type {number} */ (manifest.sampling_frequency) : nominalRate(manifest);
  const closest = regular ? (finest[reference] ?? 1) : 1;
  const factors = regular ? manifest.levels.map((level) => level.factor) : [];
  const numTicks = Math.max(Math.ceil((endTime - firstTime) * ticksPerSecond), 1);
  const ladder = zoomLadder(factors, numTicks, closest === 1);
  return {
    ticksPerSecond,
    startTime: shifts[reference] + startOf(manifest),
    endTime: Math.max(endTime, firstTime + 1 / ticksPerSecond),
    firstTime,
    sessionStart,
    clockNotes,
    shifts,
    ladder: ladder.length ? ladder : zoomLadder([], numTicks),
    finest: closest,
  };
}

/**
 * Ticks that a frame covers, both ends included; not whole numbers closer than a tick a column.
 * @param {Frame} frame
 * @returns {{firstTick: number, lastTick: number}}
 */
export function ticksOf(frame) {
  return {
    firstTick: (frame.leftColumn * frame.samplesPerColumn) / frame.columnsPerSample,
    lastTick: ((frame.leftColumn + frame.columns) * frame.samplesPerColumn) / frame.columnsPerSample,
  };
}

/**
 * Absolute column, with its fraction, of a view time in seconds.
 * @param {Timeline} timeline
 * @param {Rung} rung
 * @param {number} viewTime
 * @returns {number}
 */
export function columnOfTime(timeline, rung, viewTime) {
  const ticks = (viewTime - timeline.startTime) * timeline.ticksPerSecond;
  return (ticks * rung.columnsPerSample) / rung.samplesPerColumn;
}

/**
 * View time in seconds of the left edge of an absolute column.
 * @param {Timeline} timeline
 * @param {Rung} rung
 * @param {number} column
 * @returns {number}
 */
export function timeOfColumn(timeline, rung, column) {
  const ticks = (column * rung.samplesPerColumn) / rung.columnsPerSample;
  return timeline.startTime + ticks / timeline.ticksPerSecond;
}

/**
 * View times in seconds of a frame's left and right edge.
 * @param {Timeline} timeline
 * @param {Frame} frame
 * @returns {{startTime: number, endTime: number}}
 */
export function timesOf(timeline, frame) {
  return {
    startTime: timeOfColumn(timeline, frame, frame.leftColumn),
    endTime: timeOfColumn(timeline, frame, frame.leftColumn + frame.columns),
  };
}

/**
 * Where a segment of a regular series lies on the column grid.
 * @param {Timeline} timeline
 * @param {Rung} rung
 * @param {SeriesManifest} manifest with a sampling_frequency
 * @param {string} uri
 * @param {number} segment
 * @returns {{firstColumn: number, columns: number, samplesPerColumn: number, columnsPerSample: number,
 *   isWhole: boolean, isOnGrid: boolean}} firstColumn: absolute, the whole column nearest to its start; columns:
 *   how many it covers; isWhole: samplesPerColumn or columnsPerSample, of the series' own samples, is a whole number
 *   and the other one 1 (else columnsPerSample is 1); isOnGrid: it starts exactly at that column
 */
export function segmentColumns(timeline, rung, manifest, uri, segment) {
  const { start_time: start, num_samples: numSamples } = manifest.segments[segment];
  const position = columnOfTime(timeline, rung, start + (timeline.shifts[uri] ?? 0));
  const firstColumn = Math.round(position);
  const ratio = (manifest.sampling_frequency ?? timeline.ticksPerSecond) / timeline.ticksPerSecond;
  const samples = (ratio * rung.samplesPerColumn) / rung.columnsPerSample;
  const samplesPerColumn = Math.max(wholeNumber(samples) ?? samples, 0);
  const columnsPerSample = samples < 1 ? wholeNumber(1 / samples) : null;
  const own =
    columnsPerSample === null ? { samplesPerColumn, columnsPerSample: 1 } : { samplesPerColumn: 1, columnsPerSample };
  const steps = Math.max(numSamples - 1, 0);
  return {
    firstColumn,
    columns: Math.max(Math.ceil(columnsPerSample === null ? steps / samplesPerColumn : steps * columnsPerSample), 1),
    ...own,
    isWhole: columnsPerSample !== null || Number.isInteger(samplesPerColumn),
    isOnGrid: Math.abs(position - firstColumn) < ON_GRID,
  };
}

/**
 * The closest frame of so many columns that shows all of a stretch of view time, which lies in its middle.
 * @param {Timeline} timeline
 * @param {number} startTime seconds
 * @param {number} endTime seconds
 * @param {number} columns
 * @returns {Frame}
 */
export function frameOfRange(timeline, startTime, endTime, columns) {
  const width = Math.max(Math.floor(columns), 1);
  const [low, high] = startTime <= endTime ? [startTime, endTime] : [endTime, startTime];
  const rung = rungOfAtLeast(timeline, ((high - low) * timeline.ticksPerSecond) / width);
  const middle = (columnOfTime(timeline, rung, low) + columnOfTime(timeline, rung, high)) / 2;
  return clampFrame(timeline, { ...rung, leftColumn: tidyRound(middle - width / 2), columns: width });
}

/**
 * The frame of a page: so many ticks from a time on, no more and no fewer, whatever the number of columns is; null where
 * a column would have so many ticks that samples are not read one by one.
 * @param {Timeline} timeline
 * @param {number} ticks
 * @param {number} startTime view time
 * @param {number} columns
 * @returns {Frame | null}
 */
export function pageFrame(timeline, ticks, startTime, columns) {
  if (!(ticks > 1 && columns > 1 && ticks <= MOST_OF_PAGE * columns) || timeline.finest > 1) return null;
  const rung = { samplesPerColumn: Math.round(ticks), columnsPerSample: columns };
  return { ...rung, leftColumn: Math.round(columnOfTime(timeline, rung, startTime)), columns };
}

/** @param {Rung} rung @returns {boolean} whether it shows just the ticks of a page */
export function isPage({ samplesPerColumn, columnsPerSample }) {
  return samplesPerColumn > 1 && columnsPerSample > 1;
}

/**
 * The frame that shows everything.
 * @param {Timeline} timeline
 * @param {number} columns
 * @returns {Frame}
 */
export function wholeSession(timeline, columns) {
  return frameOfRange(timeline, timeline.firstTime, timeline.endTime, columns);
}

/**
 * The frame on a rung of the ladder and where at least a tenth of the screen (or all that there is) shows something.
 * @param {Timeline} timeline
 * @param {Frame} frame
 * @returns {Frame}
 */
export function clampFrame(timeline, frame) {
  const columns = Math.max(Math.floor(frame.columns), 1);
  const page = isPage(frame) ? pageFrame(timeline, frame.samplesPerColumn, 0, columns) : null;
  const { samplesPerColumn, columnsPerSample } = page ?? nearestRung(timeline, ticksPerColumn(frame));
  const rung = { samplesPerColumn, columnsPerSample };
  const wanted = isSame(rung, frame)
    ? frame.leftColumn
    : (ticksOf(frame).firstTick * rung.columnsPerSample) / rung.samplesPerColumn;
  const { first, end } = sessionColumns(timeline, rung);
  const shown = Math.min(Math.ceil(columns / 10), end - first);
  const leftColumn = Math.min(Math.max(Math.round(wanted) || 0, first + shown - columns), end - shown);
  return { ...rung, leftColumn, columns };
}

/**
 * The frame some steps further in (direction > 0) or out (direction < 0); what is under the cursor stays there, to
 * the nearest column. Further out than twice the whole session there is nothing.
 * @param {Timeline} timeline
 * @param {Frame} frame
 * @param {number} direction whole number of steps
 * @param {number} columnUnderCursor counted from the frame's left edge, may have a fraction
 * @returns {Frame}
 */
export function zoomFrame(timeline, frame, direction, columnUnderCursor) {
  let rung = /** @type {Rung} */ (frame);
  for (let step = Math.abs(Math.trunc(direction)); step > 0; step -= 1) {
    const { first, end } = sessionColumns(timeline, rung);
    if (direction < 0 && end - first <= frame.columns / 2) break;
    rung = nextRung(timeline, rung, Math.sign(direction));
  }
  if (isSame(rung, frame)) return clampFrame(timeline, frame);
  const tick = ((frame.leftColumn + columnUnderCursor) * frame.samplesPerColumn) / frame.columnsPerSample;
  const column = (tick * rung.columnsPerSample) / rung.samplesPerColumn;
  const { samplesPerColumn, columnsPerSample } = rung;
  const leftColumn = Math.round(column - columnUnderCursor);
  return clampFrame(timeline, { samplesPerColumn, columnsPerSample, leftColumn, columns: frame.columns });
}

/**
 * The frame moved by whole columns; positive: to later times.
 * @param {Timeline} timeline
 * @param {Frame} frame
 * @param {number} columns
 * @returns {Frame}
 */
export function panFrame(timeline, frame, columns) {
  return clampFrame(timeline, { ...frame, leftColumn: frame.leftColumn + Math.round(columns) });
}

/**
 * Absolute columns [first, end) that have something, at least one.
 * @param {Timeline} timeline
 * @param {Rung} rung
 * @returns {{first: number, end: number}}
 */
export function sessionColumns(timeline, rung) {
  const first = Math.floor(columnOfTime(timeline, rung, timeline.firstTime) + ON_GRID);
  const end = Math.ceil(columnOfTime(timeline, rung, timeline.endTime) - ON_GRID);
  return { first, end: Math.max(end, first + 1) };
}

/**
 * Ticks a second for a series without a rate: its mean rate, rounded up to 1, 2 or 5 times a power of ten.
 * @param {SeriesManifest} manifest
 * @returns {number}
 */
function nominalRate(manifest) {
  const samples = manifest.segments.reduce((sum, segment) => sum + Math.max(segment.num_samples - 1, 0), 0);
  const seconds = manifest.segments.reduce((sum, segment) => sum + (segment.end_time - segment.start_time), 0);
  const mean = samples > 0 && seconds > 0 ? Math.min(samples / seconds, 1e9) : 1;
  const power = Math.floor(Math.log10(mean));
  const multiple = [1, 2, 5, 10].find((each) => each * 10 ** power >= mean * (1 - 1e-9)) ?? 10;
  const rate = power < 0 ? multiple / 10 ** -power : multiple * 10 ** power;
  return manifest.type === 'continuous' ? rate : Math.max(rate, POINT_TICKS);
}

/** @param {SeriesManifest} manifest @returns {number} */
function startOf(manifest) {
  return manifest.segments[0].start_time;
}

/** @param {SeriesManifest} manifest @returns {number} its own time at which it ends, seconds */
export function endOf(manifest) {
  return manifest.segments.reduce((most, segment) => Math.max(most, segment.end_time), -Infinity);
}

/** @param {Rung} one @param {Rung} other @returns {boolean} */
function isSame(one, other) {
  return one.samplesPerColumn === other.samplesPerColumn && one.columnsPerSample === other.columnsPerSample;
}

/** @param {number} value @returns {number | null} the whole number, at least 1, that it is but for rounding */
function wholeNumber(value) {
  const whole = Math.round(value);
  return whole >= 1 && Math.abs(value - whole) <= 1e-9 * whole ? whole : null;
}

/** @param {number} value @returns {number} halves, which arithmetic leaves a little off, always to the same side */
function tidyRound(value) {
  return Math.round(value - 1e-6);
}
