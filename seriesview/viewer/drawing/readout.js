/** @file Values under the cursor. */

import { columnOfTime, isRegular, timeOfColumn } from '../geometry/timeline.js';
import { columnsOfPlace } from './columns.js';
import { eventsUnder } from './over.js';
import { planOf } from './plan.js';
import { visitPoints } from './points.js';
import { hullsOf, laneUnits, pointRange } from './scenes.js';
import { TILE_COLUMNS } from './tiles.js';
import { isWide } from '../source/numbers.js';
import { placeOfSegment, visibleSegments } from './windows.js';

/** @typedef {import('../types.js').Lane} Lane */
/** @typedef {import('../types.js').ReadOut} ReadOut */
/** @typedef {import('./scenes.js').Scene} Scene */

/** A point this many columns off is still under the cursor. */
const REACH = 4;

/**
 * @param {Scene} scene of the panel's last picture
 * @param {number} column absolute
 * @param {number} row of the picture
 * @returns {Promise<ReadOut | null>} the channel at the row first, then those beside it
 */
export async function readOut(scene, column, row) {
  /** @type {Scene} */
  const own = { ...scene, wanted: [] };
  if (!own.manifest.segments.length || !own.shown.length) return null;
  const found = ordered(own, await own.type.readOut(own, column, row), row);
  if (!found) return null;
  const events = own.overs.length ? { events: eventsUnder(own, column, found.values[0]?.id) } : {};
  return { ...found, ...(scene.isRaw ? { isRaw: true } : {}), ...events };
}

/**
 * What a panel of samples has in a column: one sample where they are apart, else the lowest and highest.
 * @param {Scene} scene
 * @param {number} column
 * @returns {Promise<Found | null>}
 */
export async function valuesAt(scene, column) {
  const { series, manifest, timeline, frame } = scene;
  if (!isRegular(manifest)) return (await pointAt(scene, column, null)) ?? rangeAt(scene, column);
  const plan = planOf(timeline, frame, manifest, series.uri, series.finest);
  return plan.step === 1 && plan.samplesPerColumn <= 1 ? sample(scene, column) : rangeAt(scene, column);
}

/**
 * @typedef {object} Found
 * @property {number} time view time
 * @property {'sample' | 'range'} kind
 * @property {(place: number) => [number, number]} stored lowest and highest of a lane; NaN where there is nothing
 * @property {(place: number) => bigint | null} [exact] what a lane's sample is, where a double does not hold it
 * @property {string} [unit] in place of the channel's, of values that are not stored ones
 * @property {boolean} [isSparse] lanes that have nothing there are left out
 */

/**
 * @param {Scene} scene
 * @param {Found | null} found
 * @param {number} row
 * @returns {ReadOut | null}
 */
function ordered(scene, found, row) {
  if (!found) return null;
  const { layout } = scene;
  const { scale, offset } = laneUnits(scene);
  const values = layout.lanes.map(({ id, label, unit, ...lane }, place) => {
    const stored = found.stored(place);
    const physical = found.unit ? stored : stored.map((value) => value * scale[place] + offset[place]);
    const low = Math.min(...physical);
    const high = Math.max(...physical);
    const isThere = !Number.isNaN(low);
    const at = isOverlaid(layout.lanes)
      ? lane.center - ((low + high) / 2 + lane.offset - lane.baseline) * lane.pixelsPerUnit
      : lane.center;
    const exact = isThere && scale[place] === 1 && offset[place] === 0 ? found.exact?.(place) : null;
    const ends = { low: isThere ? low : null, high: isThere ? high : null };
    const value = { id, label, unit: found.unit ?? unit, ...ends, ...(exact ? { exact: String(exact) } : {}) };
    return { value, distance: Number.isNaN(at) ? Infinity : Math.abs(at - row) };
  });
  values.sort((one, other) => (one.distance < other.distance ? -1 : one.distance > other.distance ? 1 : 0));
  const told = values.filter(({ value }) => !found.isSparse || value.low !== null);
  return { time: found.time, kind: found.kind, values: told.map(({ value }) => value) };
}

/** @param {Lane[]} lanes @returns {boolean} */
function isOverlaid(lanes) {
  return lanes.length > 1 && lanes[0].top === lanes[lanes.length - 1].top && lanes[0].pixelsPerUnit > 0;
}

/**
 * The sample that is nearest to the middle of a column.
 * @param {Scene} scene
 * @param {number} column
 * @returns {Promise<Found | null>}
 */
async function sample({ series, timeline, frame, shown }, column) {
  const plan = planOf(timeline, frame, series.manifest, series.uri, series.finest);
  const [firstSegment, endSegment] = visibleSegments(series, timeline, frame, column, column + 1);
  for (let segment = firstSegment; segment < endSegment; segment += 1) {
    const place = placeOfSegment(series, timeline, frame, plan, segment);
    const [first, end] = columnsOfPlace(place);
    const last = place.numSamples - 1;
    // One column more: it begins at the last sample.
    if (column < first || column > end || last < 0) continue;
    const nearest = Math.ceil((column + 0.5 - place.origin) * place.samplesPerColumn - 0.5 - 1e-9);
    const index = Math.min(Math.max(nearest, 0), last);
    const tile = Math.floor(Math.min(index, Math.max(last - 1, 0)) / TILE_COLUMNS);
    let choice = series.choose(segment, 1, tile, shown);
    if (!choice.tile) {
      await series.windowRequest(choice.group, segment, 1, tile, choice.ids).load();
      choice = series.choose(segment, 1, tile, shown);
    }
    const { tile: data, positions, width } = choice;
    const rate = series.manifest.sampling_frequency ?? 1;
    const start = series.manifest.segments[segment].start_time + (timeline.shifts[series.uri] ?? 0);
    const base = (index - tile * TILE_COLUMNS) * width;
    const stored = (/** @type {number} */ lane) => (data ? data[base + positions[lane]] : NaN);
    /** @type {Found} */
    const found = { time: start + index / rate, kind: 'sample', stored: (lane) => [stored(lane), stored(lane)] };
    const isBeyond = isWide(series.manifest.dtype) && shown.some((_, lane) => Math.abs(stored(lane)) >= 2 ** 53);
    if (!isBeyond) return found;
    const exact = await series.exact(
      segment,
      index,
      Array.from(shown, (channel) => series.manifest.channels[channel].id),
    );
    return exact ? { ...found, exact: (lane) => exact[lane] ?? null } : found;
  }
  return null;
}

/**
 * Lowest and highest value of a column.
 * @param {Scene} scene
 * @param {number} column
 * @returns {Promise<Found | null>} null where there is nothing
 */
export async function rangeAt(scene, column) {
  let hulls = hullsOf(scene, column, column + 1, new Set());
  if (scene.wanted.length) {
    await Promise.all(scene.wanted.map((request) => request.load()));
    hulls = hullsOf(scene, column, column + 1, new Set());
  }
  const { low, high } = hulls;
  if (low.every((value, place) => value > high[place])) return null;
  return {
    time: timeOfColumn(scene.timeline, scene.frame, column),
    kind: 'range',
    stored: (place) => (low[place] <= high[place] ? [low[place], high[place]] : [NaN, NaN]),
  };
}

/**
 * The nearest point at a time of its own, where points are drawn one by one.
 * @param {Scene} scene
 * @param {number} column
 * @param {number | null} row null: whatever its values are
 * @returns {Promise<Found | null>}
 */
export async function pointAt(scene, column, row) {
  const { series, timeline, frame, shown, layout } = scene;
  const { scale, offset } = laneUnits(scene);
  const shift = timeline.shifts[series.uri] ?? 0;
  const width = series.manifest.channels.length;
  let nearest = Infinity;
  /** @type {Found | null} */
  let found = null;
  visitPoints(pointRange(scene, column - REACH, column + REACH + 1), ({ points: { times, values } }) => {
    times?.forEach((time, index) => {
      const across = columnOfTime(timeline, frame, time + shift) - column - 0.5;
      if (!values || Math.abs(across) > REACH + 0.5) return;
      const rows = layout.lanes.map(({ center, baseline, pixelsPerUnit, ...lane }, place) => {
        const physical = values[index * width + shown[place]] * scale[place] + offset[place] + lane.offset;
        return row === null ? 0 : Math.abs(center - (physical - baseline) * pixelsPerUnit - row);
      });
      const distance = Math.hypot(across, Math.min(...rows));
      if (!(distance < nearest)) return;
      nearest = distance;
      const stored = (/** @type {number} */ place) => values[index * width + shown[place]];
      found = { time: time + shift, kind: 'sample', stored: (place) => [stored(place), stored(place)] };
    });
  });
  return found;
}
