/**
 * @file Events over traces: a mark in the lane of the trace that each is on, at close zooms the trace itself in the colour of
 * its unit; of those that are on no trace a mark at the upper edge, and lines where they are few.
 */

import { columnOfTime, timeOfColumn } from '../geometry/timeline.js';
import { imageTickRows, tickRows } from '../geometry/tick_rows.js';
import { fadedColor, palette, pixelOf, plainColor } from './colors.js';
import { drawEventMarks, eventColors, fullCount, hasTraces, tracesOf } from './event_marks.js';
import { eventCounts, visitPoints } from './points.js';
import { notePoints, pointRange } from './scenes.js';
import { rowOf } from './traces.js';

/** @typedef {import('../types.js').Lane} Lane */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('./columns.js').Hulls} Hulls */
/** @typedef {import('./picture.js').Picture} Picture */
/** @typedef {import('./scenes.js').Scene} Scene */
/** @typedef {import('./series.js').SeriesData} SeriesData */

/** Seconds of a trace before and after an event that have its colour. */
const PIECE = 0.0015;
/** CSS pixels from one line to the next on average; where they would be nearer there are none. */
const LINES_APART = 10;
/** Rows at the upper edge for what is on no trace, CSS pixels. */
const EDGE = 24;
const BAD_SHARE = 0.35;
/** A mark so many columns off is still under the cursor. */
const REACH = 4;

/**
 * What of a series of events lies over the traces of a panel.
 * @typedef {object} Over
 * @property {SeriesData} series
 * @property {Int32Array} shown indices of its channels that are drawn
 * @property {Int32Array} places (shown,) of the lane that each is on; -1: on none, at the upper edge
 * @property {string[]} colors (shown,)
 * @property {import('../geometry/tick_rows.js').TickRows[]} rows (shown,)
 * @property {number[]} slots (shown,) which of the rows
 * @property {boolean} hasLines of none of its channels it is known on which trace it is
 * @property {string[]} notes
 */

/**
 * Indices of the channels of a series over traces that are chosen.
 * @param {SeriesManifest} manifest
 * @param {import('../types.js').PanelSettings} settings
 * @param {number} place of the series among those over the panel
 * @returns {number[]}
 */
function chosenOf({ channels }, { over }, place) {
  const ids = over?.[place];
  const all = [...channels.keys()];
  if (!ids) return all;
  const chosen = new Set(ids);
  return all.filter((index) => chosen.has(channels[index].id));
}

/**
 * @param {import('./scales.js').Drawn} drawn
 * @param {Lane[]} lanes
 * @returns {Over[]}
 */
export function oversOf(drawn, lanes) {
  const { manifest, shown, request, isDark, over: all = [] } = drawn;
  const { pixelRatio, height } = request;
  const laneOf = new Map(Array.from(shown, (index, place) => [index, place]));
  /**
   * Rows and kinds of marks in each lane, by its top: overlaid traces have one in common, and the edge the first one.
   * @type {Map<number, {top: number, bottom: number, kinds: number}>}
   */
  const groups = new Map();
  /** @param {number} place of a lane @returns {{top: number, bottom: number}} */
  const rowsOf = (place) =>
    place < 0 ? { top: 0, bottom: Math.min(Math.round(EDGE * pixelRatio), height) } : lanes[place];
  const found = all.map((series, place) => {
    const { channels, label } = series.manifest;
    const traces = tracesOf(channels, manifest.channels);
    const hasLines = !hasTraces(series.manifest);
    const chosen = chosenOf(series.manifest, request.settings, place);
    const kept = chosen.filter((index) => channels[index].best_channel === undefined || laneOf.has(traces[index]));
    const unknown = kept.filter((index) => traces[index] < 0).length;
    const notes = [];
    if (unknown && !hasLines)
      notes.push(`${label}: of ${unknown} of ${channels.length} it is not known on which trace: at the upper edge`);
    if (kept.length < chosen.length)
      notes.push(`${label}: ${chosen.length - kept.length} are on channels that are not shown`);
    if (chosen.length < channels.length) notes.push(`${label}: ${chosen.length} of ${channels.length} are chosen`);
    const colors = eventColors(series.manifest, isDark);
    const places = Int32Array.from(kept, (index) => (traces[index] < 0 ? -1 : (laneOf.get(traces[index]) ?? -1)));
    const slots = Array.from(places, (lane) => {
      const { top, bottom } = rowsOf(lane);
      const group = groups.get(top) ?? { top, bottom, kinds: 0 };
      groups.set(top, { top, bottom: Math.max(bottom, group.bottom), kinds: group.kinds + 1 });
      return group.kinds;
    });
    const named = kept.map((index) => colors[index]);
    return { series, shown: Int32Array.from(kept), places, colors: named, slots, hasLines, notes };
  });
  return found.map((one) => {
    const { label } = one.series.manifest;
    const rows = Array.from(one.places, (lane) => {
      if (lane >= 0 && !lanes[lane].pixelsPerUnit) return imageTickRows(lanes[lane], pixelRatio);
      const group = groups.get(rowsOf(lane).top) ?? { ...rowsOf(lane), kinds: 1 };
      return tickRows(group, group.kinds, pixelRatio);
    });
    const isShared = rows.some((each, at) => each.rows && one.slots[at] >= each.slots);
    const notes = [
      ...one.notes,
      ...(rows.some((each) => !each.rows)
        ? [`${label}: lanes are too low for marks: zoom in, and its events are framed`]
        : []),
      ...(isShared ? [`${label}: several share rows of marks`] : []),
    ];
    return { ...one, rows, notes };
  });
}

/**
 * Lanes whose traces are plain where units lie over them.
 * @param {Lane[]} lanes
 * @param {import('./scales.js').Drawn} drawn
 * @returns {Lane[]}
 */
export function underUnits(lanes, { manifest, shown, request, isDark, over = [] }) {
  const isUnder = over.some(
    ({ manifest: events }, place) => hasTraces(events) && chosenOf(events, request.settings, place).length > 0,
  );
  if (!isUnder) return lanes;
  const color = plainColor(isDark);
  return lanes.map((lane, place) => ({
    ...lane,
    color: manifest.channels[shown[place]].bad || request.isPale ? fadedColor(color, isDark, BAD_SHARE) : color,
  }));
}

/** @param {Scene} scene @returns {number} seconds of a column */
function secondsOf({ frame, timeline }) {
  return frame.samplesPerColumn / frame.columnsPerSample / timeline.ticksPerSecond;
}

/**
 * Draw events over some columns of traces, which are drawn already.
 * @param {Scene} scene
 * @param {Picture} picture
 * @param {number} from column of the picture for the first of the hulls
 * @param {Hulls} hulls of the traces
 * @param {import('./scenes.js').LaneUnits} units
 * @param {'stacked' | 'overlaid' | 'image'} mode of the traces
 * @returns {Uint8Array} (hulls.columns,) which columns are exact, traces and events
 */
export function drawOver(scene, picture, from, hulls, units, mode) {
  const { request, isDark } = scene;
  const exact = hulls.exact.slice();
  const first = picture.leftColumn + from;
  const seconds = secondsOf(scene);
  const overs = scene.overs.filter(({ series, shown }) => series.manifest.segments.length && shown.length);
  // A trace of raw samples that stands in for another one would be taken for that.
  if (PIECE >= seconds && mode !== 'overlaid' && !scene.isRaw) {
    for (const over of overs) {
      const { runs, isThere } = piecesOf(scene, over, first, hulls.columns);
      if (!isThere) exact.fill(0);
      if (mode === 'image') drawRails(scene, over, picture, from, runs);
      else drawPieces(scene, over, picture, from, hulls, units, runs);
    }
  }
  for (const over of overs) {
    const { series, shown, colors, rows, slots } = over;
    const range = pointRange({ ...scene, series }, first, first + hulls.columns);
    const { counts, exact: areThere, isApproximate } = eventCounts(range, shown);
    notePoints(picture.notes, { isApproximate }, series);
    areThere.forEach((isThere, column) => isThere || (exact[column] = 0));
    const full = fullCount(series.manifest, seconds);
    colors.forEach((color, place) => {
      if (!rows[place].rows) return;
      const top = rows[place].top + (slots[place] % rows[place].slots) * rows[place].rows;
      const bottom = Math.min(top + rows[place].rows, request.height);
      const of = { channels: shown.length, place };
      drawEventMarks(picture, { x: from, top, bottom }, counts, of, { color, full, isDark });
    });
  }
  return exact;
}

/**
 * Columns around the events that are on traces.
 * @param {Scene} scene
 * @param {Over} over
 * @param {number} left absolute column of the first
 * @param {number} columns
 * @returns {{runs: [number, [number, number][]][], isThere: boolean}} place of a unit, first and last column of each, by place;
 *   whether all events that reach into these columns were there
 */
function piecesOf(scene, { series, shown, places }, left, columns) {
  const { frame, timeline } = scene;
  const shift = timeline.shifts[series.uri] ?? 0;
  // Closer than a tick a column events are asked for by ticks: a piece may be many screens long.
  const isClose = frame.columnsPerSample > frame.samplesPerColumn;
  const coarse = isClose ? { ...frame, samplesPerColumn: 1, columnsPerSample: 1 } : frame;
  const start = timeOfColumn(timeline, frame, left) - PIECE;
  const end = timeOfColumn(timeline, frame, left + columns) + PIECE;
  const low = Math.floor(columnOfTime(timeline, coarse, start));
  const high = Math.ceil(columnOfTime(timeline, coarse, end));
  const placeOf = new Int32Array(series.manifest.channels.length).fill(-1);
  shown.forEach((index, place) => (placeOf[index] = places[place] < 0 ? -1 : place));
  /** @type {Map<number, [number, number][]>} */
  const runs = new Map();
  /** @param {number} place @param {number} begin own time @param {number} stop */
  const add = (place, begin, stop) => {
    const one = Math.floor(columnOfTime(timeline, frame, begin + shift - PIECE)) - left;
    const other = Math.floor(columnOfTime(timeline, frame, stop + shift + PIECE)) - left;
    if (other < 0 || one >= columns) return;
    const all = runs.get(place) ?? [];
    runs.set(place, all);
    all.push([Math.max(one, 0), Math.min(other, columns - 1)]);
  };
  const range = pointRange({ ...scene, series, frame: { ...coarse, leftColumn: low, columns: high - low } }, low, high);
  const { exact } = visitPoints(range, ({ points: { times, channels: of, edges, counts } }) => {
    times?.forEach((time, index) => {
      const place = of ? placeOf[of[index]] : -1;
      if (place >= 0) add(place, time, time);
    });
    if (!edges || !counts) return;
    for (let bin = 0; bin + 1 < edges.length; bin += 1) {
      placeOf.forEach((place, index) => {
        if (place >= 0 && counts[bin * placeOf.length + index]) add(place, edges[bin], edges[bin + 1]);
      });
    }
  });
  return { runs: [...runs].sort(([one], [other]) => one - other), isThere: !exact.includes(0) };
}

/**
 * Draw traces again in the columns around the events on them, in the colours of these: the same rows of the same lanes.
 * @param {Scene} scene
 * @param {Over} over
 * @param {Picture} picture
 * @param {number} from column of the picture for the first of the hulls
 * @param {Hulls} hulls
 * @param {import('./scenes.js').LaneUnits} units
 * @param {[number, [number, number][]][]} runs
 */
function drawPieces({ layout }, { places, colors }, { pixels, width, height }, from, hulls, units, runs) {
  const { low, high, channels } = hulls;
  for (const [place, all] of runs) {
    const on = places[place];
    const lane = layout.lanes[on];
    const ink = pixelOf(colors[place]);
    for (const [first, last] of all) {
      for (let column = first; column <= last; column += 1) {
        const at = column * channels + on;
        if (low[at] > high[at]) continue;
        const one = rowOf(lane, units.scale[on], units.offset[on], low[at]);
        const other = rowOf(lane, units.scale[on], units.offset[on], high[at]);
        const bottom = Math.min(Math.max(one, other), height - 1);
        for (let row = Math.max(Math.min(one, other), 0); row <= bottom; row += 1)
          pixels[row * width + from + column] = ink;
      }
    }
  }
}

/**
 * Draw lines above and below the lanes of an image in the columns around the events on them.
 * @param {Scene} scene
 * @param {Over} over
 * @param {Picture} picture
 * @param {number} from column of the picture for the first
 * @param {[number, [number, number][]][]} runs
 */
function drawRails({ layout, request, isDark }, { places, colors }, { pixels, width, height }, from, runs) {
  const thick = Math.max(Math.round(request.pixelRatio), 1);
  /** @param {number} top @param {number} first @param {number} last @param {number} ink */
  const fill = (top, first, last, ink) => {
    for (let row = Math.max(top, 0); row < Math.min(top + thick, height); row += 1)
      pixels.fill(ink, row * width + from + first, row * width + from + last + 1);
  };
  // Beside them the background's colour, since the image has all others.
  const casing = pixelOf(palette(isDark).background);
  for (const [place, all] of runs) {
    const { top, bottom } = layout.lanes[places[place]];
    const ink = pixelOf(colors[place]);
    for (const [first, last] of all) {
      fill(top - 2 * thick, first, last, casing);
      fill(top - thick, first, last, ink);
      fill(bottom, first, last, ink);
      fill(bottom + thick, first, last, casing);
    }
  }
}

/**
 * Lines of events that are on no trace, by time; and what people should know of all that lies over the traces.
 * @param {Scene} scene
 * @returns {{lines: import('../types.js').Line[], notes: string[]}}
 */
export function linesOver(scene) {
  const { overs, frame, request } = scene;
  const notes = overs.flatMap((over) => over.notes);
  const most = Math.floor(frame.columns / (LINES_APART * request.pixelRatio));
  const lines = overs.flatMap(({ series, shown, colors, hasLines }) => {
    const { segments, channels, label } = series.manifest;
    if (!hasLines || !shown.length || !segments.length) return [];
    const places = new Map(Array.from(shown, (index, place) => [index, place]));
    /** @type {import('../types.js').Line[]} */
    const own = [];
    let isDense = false;
    const range = pointRange({ ...scene, series }, frame.leftColumn, frame.leftColumn + frame.columns);
    visitPoints(range, ({ points: { times, channels: of, counts }, columnsOfTime }) => {
      isDense ||= !!counts;
      times?.forEach((time, index) => {
        const place = of && places.get(of[index]);
        const [low, column] = columnsOfTime(time);
        const x = column - frame.leftColumn;
        if (place === undefined || column < low || x < 0 || x >= frame.columns) return;
        own.push({ x, label: channels[/** @type {Uint32Array} */ (of)[index]].label, color: colors[place] });
      });
    });
    if (!isDense && own.length <= most) return own;
    notes.push(`${label}: too many to be lines, marks at the upper edge alone: zoom in`);
    return [];
  });
  return { lines: lines.sort((one, other) => one.x - other.x), notes };
}

/**
 * Events under the cursor, those on its trace first, then those that are nearest in time.
 * @param {Scene} scene
 * @param {number} column absolute
 * @param {string | undefined} id of the channel that the cursor is on
 * @returns {import('../types.js').EventUnder[]} one a unit
 */
export function eventsUnder(scene, column, id) {
  /** @type {Map<string, {event: import('../types.js').EventUnder, distance: number, isOther: boolean}>} */
  const found = new Map();
  for (const { series, shown, places } of scene.overs) {
    const { segments, channels } = series.manifest;
    if (!segments.length || !shown.length) continue;
    for (let near = column - REACH; near <= column + REACH; near += 1) {
      const { counts } = eventCounts(pointRange({ ...scene, series, wanted: [] }, near, near + 1), shown);
      counts.forEach((count, place) => {
        if (!count) return;
        const channel = channels[shown[place]];
        const key = `${series.uri} ${channel.id}`;
        const distance = Math.abs(near - column);
        const before = found.get(key);
        const event = { uri: series.uri, id: channel.id, label: channel.label || channel.id };
        const isOther = places[place] < 0 || scene.layout.lanes[places[place]].id !== id;
        found.set(key, { event, distance: Math.min(distance, before?.distance ?? distance), isOther });
      });
    }
  }
  return [...found.values()]
    .sort((one, other) => Number(one.isOther) - Number(other.isOther) || one.distance - other.distance)
    .map(({ event }) => event);
}
