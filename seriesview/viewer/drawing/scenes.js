/** @file What panels of all types draw from: the columns of their series, and what of them is missing. */

import { isRegular } from '../geometry/timeline.js';
import { clearedRuns, unbuiltRuns } from './picture.js';
import { planOf, whyNoSamples } from './plan.js';
import { pointHulls, visitPoints } from './points.js';
import { unitsOf } from './scales.js';
import { TILE_COLUMNS } from './tiles.js';
import { windowHulls } from './windows.js';

/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('../types.js').Timeline} Timeline */
/** @typedef {import('./columns.js').Hulls} Hulls */
/** @typedef {import('./picture.js').Picture} Picture */
/** @typedef {import('./points.js').PointRange} PointRange */
/** @typedef {import('./scales.js').Drawn} Drawn */
/** @typedef {import('./series.js').SeriesData} SeriesData */
/** @typedef {import('./tiles.js').TileRequest} TileRequest */

/**
 * What decides which data a picture is made from.
 * @typedef {object} Reading
 * @property {import('../panels/registry.js').PanelType} type
 * @property {SeriesData} series
 * @property {Timeline} timeline
 * @property {Frame} frame
 * @property {Int32Array} shown indices of channels, in order from the top
 * @property {import('../types.js').PanelRequest} request
 * @property {TileRequest[]} wanted what is missing is added
 */
/**
 * What all painters get.
 * @typedef {Reading & Drawn & Drawing} Scene
 * @typedef {object} Drawing
 * @property {import('./scales.js').Layout} layout
 * @property {Below | null} below what is drawn before the rest, paler
 * @property {boolean} isRaw raw samples stand in for filtered ones
 * @property {import('./over.js').Over[]} overs events that are drawn after it
 */
/** @typedef {NonNullable<import('./filtered.js').Chosen['under']> & {spread: import('./scales.js').Spread}} Below */

const ROUNDED = 'columns are rounded to whole stored bins, right to a quarter of a column at their edges';

/**
 * Draw the columns of a picture that are not exact yet.
 * @param {Scene} scene
 * @param {Picture} picture
 */
export function drawScene(scene, picture) {
  const { type, manifest, shown, frame } = scene;
  if (!manifest.segments.length || !shown.length) {
    clearedRuns(picture);
    picture.exact.fill(1);
    picture.notes.add(shown.length ? 'there is nothing in this series' : 'no channels are shown');
    return;
  }
  if (picture.exact.includes(0)) type.draw(scene, picture);
  // What is not built yet is drawn when it comes, and has to be asked for until then.
  const first = scene.wanted.length;
  for (const [from, to] of unbuiltRuns(picture)) findMissing(scene, frame.leftColumn + from, frame.leftColumn + to);
  for (const each of scene.wanted.slice(first)) each.isAhead = false;
  const end = frame.leftColumn + frame.columns;
  findMissing(scene, frame.leftColumn - TILE_COLUMNS, frame.leftColumn);
  findMissing(scene, end, end + TILE_COLUMNS);
  for (const { series } of scene.overs) {
    findMissing({ ...scene, series }, frame.leftColumn - TILE_COLUMNS, frame.leftColumn);
    findMissing({ ...scene, series }, end, end + TILE_COLUMNS);
  }
}

/** @typedef {{scale: Float64Array, offset: Float64Array}} LaneUnits (lanes,) physical value = stored * scale + offset */

/** @param {Scene} scene @returns {LaneUnits} */
export function laneUnits({ manifest, shown }) {
  const { scale, offset } = unitsOf(manifest);
  const scales = Float64Array.from(shown, (index) => scale[index]);
  return { scale: scales, offset: Float64Array.from(shown, (index) => offset[index]) };
}

/**
 * @param {Reading} reading
 * @param {number} from absolute column
 * @param {number} to
 * @param {boolean} [isAhead]
 * @returns {PointRange}
 */
export function pointRange({ type, series, timeline, frame, request, wanted }, from, to, isAhead = false) {
  const seconds = (TILE_COLUMNS * frame.samplesPerColumn) / frame.columnsPerSample / timeline.ticksPerSecond;
  const maxPoints = type.pointsOfTile?.(series.manifest, request.data ?? {}, seconds) ?? TILE_COLUMNS;
  return { series, timeline, frame, from, to, maxPoints, wanted, isAhead };
}

/**
 * Hulls of some columns, whatever the series' times are.
 * @param {Scene} scene
 * @param {number} from absolute column
 * @param {number} to
 * @param {Set<string>} notes
 * @returns {Hulls}
 */
export function hullsOf(scene, from, to, notes) {
  const { series, manifest, timeline, frame, shown, wanted } = scene;
  if (!isRegular(manifest)) {
    const { hulls, ...how } = pointHulls(pointRange(scene, from, to), shown);
    notePoints(notes, how, series);
    return hulls;
  }
  const plan = planOf(timeline, frame, manifest, series.uri, series.finest);
  for (const note of plan.notes) notes.add(note);
  return windowHulls(series, timeline, frame, from, to, shown, wanted);
}

/**
 * @param {Set<string>} notes
 * @param {{isApproximate: boolean, isBinned?: boolean}} how
 * @param {SeriesData} series
 */
export function notePoints(notes, { isApproximate, isBinned }, { manifest, finest }) {
  if (isBinned) notes.add(`${whyNoSamples(manifest)}: ranges of bins of ${finest} samples are shown`);
  else if (isApproximate) notes.add(ROUNDED);
}

/**
 * Find what is missing, without drawing.
 * @param {Reading} reading
 * @param {number} from absolute column
 * @param {number} to
 */
export function findMissing(reading, from, to) {
  const { type, series, timeline, frame, shown, wanted } = reading;
  if (!series.manifest.segments.length) return;
  if (series.manifest.type === 'interval') {
    if (!series.intervals()) wanted.push(series.intervalsRequest());
    return;
  }
  const hasPoints = type.pointsOfTile || !isRegular(series.manifest);
  if (hasPoints) visitPoints(pointRange(reading, from, to, true), () => {});
  else windowHulls(series, timeline, frame, from, to, shown, wanted, true);
}
