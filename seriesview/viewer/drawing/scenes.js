/** @file What each type of panel draws: its channels, its lanes, and its columns. */

import { quantityText } from '../geometry/ticks.js';
import { columnOfTime, isRegular } from '../geometry/timeline.js';
import { pixelOf } from './colors.js';
import { drawImage } from './image.js';
import { drawPoints, drawRaster } from './marks.js';
import { modeOf } from './order.js';
import { drawPath, squareOf } from './path.js';
import { clearedRuns } from './picture.js';
import { planOf, whyNoSamples } from './plan.js';
import { eventCounts, pointHulls, visitPoints } from './points.js';
import { overlaidLanes, plainLanes, stackedLanes, tellable, unitsOf } from './scales.js';
import { colourHalves, withShownUnits } from './shown_units.js';
import { TILE_COLUMNS } from './tiles.js';
import { drawTraces } from './traces.js';
import { usualMost } from './typical.js';
import { visibleSegments, windowHulls } from './windows.js';

/** @typedef {import('../types.js').PanelRequest} PanelRequest */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('./columns.js').Hulls} Hulls */
/** @typedef {import('./panels.js').Scene} Scene */
/** @typedef {import('./picture.js').Picture} Picture */
/** @typedef {import('./scales.js').Layout} Layout */
/** @typedef {import('./scales.js').Spread} Spread */

/** Points of a tile of amplitudes that are drawn one by one; more are ranges of parts of columns. */
const POINTS_OF_TILE = 16 * TILE_COLUMNS;
const MANY_CHANNELS = 4;
const DEVIATIONS_OF_DENSITY = 6;
/** Differences of such numbers are within doubles. */
const MOST_DENSITY = 2 ** 1000;
const ROUNDED = 'columns are rounded to whole stored bins, right to a quarter of a column at their edges';

/**
 * @param {PanelRequest} request
 * @param {number} count of channels that are shown
 * @returns {'stacked' | 'overlaid' | 'image' | null} null: no panel of traces
 */
function modeOfPanel({ type, settings, height, pixelRatio }, count) {
  return type === 'ContinuousTraces' ? modeOf(settings.mode, height / pixelRatio, count) : null;
}

/**
 * @param {SeriesManifest} manifest
 * @param {Spread} spread
 * @param {Int32Array} shown
 * @param {PanelRequest} request
 * @param {boolean} isDark
 * @returns {Layout}
 */
export function layoutOf(manifest, spread, shown, request, isDark) {
  return withShownUnits(lanesOf(manifest, spread, shown, request, isDark), manifest, spread, shown, request);
}

/**
 * @param {SeriesManifest} manifest
 * @param {Spread} spread
 * @param {Int32Array} shown
 * @param {PanelRequest} request
 * @param {boolean} isDark
 * @returns {Layout}
 */
function lanesOf(manifest, spread, shown, request, isDark) {
  const { type, settings, height } = request;
  if (type === 'Position') return stackedLanes(manifest, spread, shown, settings, height, isDark, true);
  if (type === 'EventAmplitudes') return overlaidLanes(manifest, spread, shown, settings, height, isDark, true);
  const mode = modeOfPanel(request, shown.length);
  if (mode === 'stacked' || mode === 'overlaid') {
    const lay = mode === 'overlaid' ? overlaidLanes : stackedLanes;
    return lay(manifest, spread, shown, settings, height, isDark);
  }
  const layout = plainLanes(manifest, shown, settings, height, isDark);
  if (type === 'RasterPlot' && manifest.channels.every(({ group }) => group === manifest.channels[0].group)) {
    return { ...layout, lanes: layout.lanes.map((lane) => ({ ...lane, color: layout.lanes[0].color })) };
  }
  if (type !== 'ProbabilityDensity') return layout;
  const { binCenters } = request;
  const isKnown = binCenters?.length === manifest.channels.length;
  const lanes = layout.lanes.map((lane, place) =>
    isKnown ? { ...lane, label: String(binCenters[shown[place]]) } : lane,
  );
  return { lanes, valueAxis: densityAxis(manifest, shown, request) };
}

/**
 * The axis of what the channels of a density stand for, where they are evenly spaced.
 * @param {SeriesManifest} manifest
 * @param {Int32Array} shown
 * @param {PanelRequest} request
 * @returns {Layout['valueAxis']}
 */
function densityAxis(manifest, shown, { binCenters }) {
  const count = shown.length;
  const centers = Array.from(shown, (index) =>
    binCenters?.length === manifest.channels.length ? binCenters[index] : index,
  );
  if (!count) return null;
  const step = count > 1 ? (centers[0] - centers[count - 1]) / (count - 1) : 1;
  const isEven = centers.every(
    (center, place) => Math.abs(centers[0] - place * step - center) <= 1e-6 * Math.abs(step),
  );
  if (!isEven || !(step > 0)) return null;
  return { unit: '', low: centers[count - 1] - step / 2, high: centers[0] + step / 2, isLinear: true };
}

/**
 * Draw the columns of a picture that are not exact yet.
 * @param {Scene} scene
 * @param {Picture} picture
 */
export function drawScene(scene, picture) {
  const { series, shown, frame, request } = scene;
  if (!series.manifest.segments.length || !shown.length) {
    clearedRuns(picture);
    picture.exact.fill(1);
    picture.notes.add(shown.length ? 'there is nothing in this series' : 'no channels are shown');
    return;
  }
  if (picture.exact.includes(0)) {
    if (request.type === 'EventAmplitudes') drawAmplitudes(scene, picture);
    else if (request.type === 'Position') drawPosition(scene, picture);
    else {
      for (const [from, to] of clearedRuns(picture)) {
        const exact = drawColumns(scene, picture, from, to);
        picture.exact.set(exact, from);
      }
    }
  }
  const end = frame.leftColumn + frame.columns;
  findMissing(scene, frame.leftColumn - TILE_COLUMNS, frame.leftColumn);
  findMissing(scene, end, end + TILE_COLUMNS);
}

/**
 * Physical value = stored * scale + offset, for the lanes of a scene.
 * @param {Scene} scene
 * @returns {{scale: Float64Array, offset: Float64Array}}
 */
export function laneUnits({ series, shown }) {
  const { scale, offset } = unitsOf(series.manifest);
  const scales = Float64Array.from(shown, (index) => scale[index]);
  return { scale: scales, offset: Float64Array.from(shown, (index) => offset[index]) };
}

/**
 * @param {Omit<Scene, 'layout' | 'spread'>} scene
 * @param {number} from absolute column
 * @param {number} to
 * @param {boolean} [isAhead]
 * @returns {import('./points.js').PointRange}
 */
export function pointRange({ series, timeline, frame, request, wanted }, from, to, isAhead = false) {
  const isSmall = series.manifest.channels.length <= MANY_CHANNELS;
  const maxPoints = request.type === 'EventAmplitudes' && isSmall ? POINTS_OF_TILE : TILE_COLUMNS;
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
  const { series, timeline, frame, shown, wanted } = scene;
  if (!isRegular(series.manifest)) {
    const { hulls, ...how } = pointHulls(pointRange(scene, from, to), shown);
    notePoints(notes, how, series);
    return hulls;
  }
  const plan = planOf(timeline, frame, series.manifest, series.uri, series.finest);
  for (const note of plan.notes) notes.add(note);
  return windowHulls(series, timeline, frame, from, to, shown, wanted);
}

/**
 * @param {Set<string>} notes
 * @param {{isApproximate: boolean, isBinned: boolean}} how
 * @param {Scene['series']} series
 */
function notePoints(notes, { isApproximate, isBinned }, { manifest, finest }) {
  if (isBinned) notes.add(`${whyNoSamples(manifest)}: ranges of bins of ${finest} samples are shown`);
  else if (isApproximate) notes.add(ROUNDED);
}

/**
 * Find what is missing, without drawing.
 * @param {Omit<Scene, 'layout' | 'spread'>} scene
 * @param {number} from absolute column
 * @param {number} to
 */
export function findMissing(scene, from, to) {
  const { series, timeline, frame, request, shown, wanted } = scene;
  const hasPoints = request.type === 'EventAmplitudes' || !isRegular(series.manifest);
  if (hasPoints) visitPoints(pointRange(scene, from, to, true), () => {});
  else windowHulls(series, timeline, frame, from, to, shown, wanted, true);
}

/**
 * Draw columns [from, to) of a picture whose columns do not depend on one another.
 * @param {Scene} scene
 * @param {Picture} picture
 * @param {number} from
 * @param {number} to
 * @returns {Uint8Array} (to - from,) which of them are exact
 */
function drawColumns(scene, { pixels, width, height, notes, cut }, from, to) {
  const { series, timeline, frame, request, shown, layout, spread, isDark } = scene;
  const { lanes } = layout;
  const gain = request.settings.gain ?? 1;
  const first = frame.leftColumn + from;
  const last = frame.leftColumn + to;
  if (request.type === 'RasterPlot') {
    const { counts, exact, isApproximate } = eventCounts(pointRange(scene, first, last), shown);
    if (isApproximate) notes.add(ROUNDED);
    const seconds = frame.samplesPerColumn / frame.columnsPerSample / timeline.ticksPerSecond;
    drawRaster(pixels, width, from, counts, lanes, fullCount(series.manifest, seconds) / gain, isDark);
    return exact;
  }
  const hulls = hullsOf(scene, first, last, notes);
  const { scale, offset } = laneUnits(scene);
  const mode = modeOfPanel(request, shown.length);
  if (mode === 'stacked' || mode === 'overlaid') {
    drawTraces(pixels, width, height, from, hulls, lanes, scale, offset, cut);
  } else if (mode === 'image') {
    const middle = Float64Array.from(shown, (index, place) => (spread.middle[index] || 0) - lanes[place].offset);
    const half = colourHalves(series.manifest, spread, shown, gain);
    const low = middle.map((value, place) => value - half[place]);
    notes.add(coloursNote(half, series.manifest, shown, spread.isRobust));
    if (request.settings.mode !== 'image') notes.add(lowLanesNote(request, shown.length));
    drawImage(
      pixels,
      width,
      from,
      hulls,
      lanes,
      scale,
      offset,
      low,
      middle.map((value, place) => value + half[place]),
      true,
    );
  } else {
    const [low, high] = densityRange(spread, gain);
    drawImage(
      pixels,
      width,
      from,
      hulls,
      lanes,
      scale,
      offset,
      scale.map(() => low),
      scale.map(() => high),
      false,
    );
  }
  return hulls.exact;
}

/**
 * @param {Float64Array} half (channels,) physical units from a channel's middle to its last colour
 * @param {SeriesManifest} manifest
 * @param {Int32Array} shown
 * @param {boolean} isRobust
 * @returns {string}
 */
function coloursNote(half, { channels, unit }, shown, isRobust) {
  const texts = new Set(Array.from(half, (value, place) => quantityText(value, channels[shown[place]].unit ?? unit)));
  const [first, ...others] = texts;
  return `colours: ${isRobust ? 'median' : 'mean'} \u00b1 ${first}${others.length ? ` to ${others[others.length - 1]}` : ''}`;
}

/**
 * @param {PanelRequest} request
 * @param {number} count of channels that are shown
 * @returns {string} why an image is shown that nobody asked for
 */
function lowLanesNote({ height, pixelRatio }, count) {
  const high = (height / pixelRatio / count).toFixed(1);
  return `an image, because each of ${count} traces would be ${high} pixels high (menu: mode)`;
}

/**
 * Events in a column that have the full colour: 1, or twice what a channel has on average.
 * @param {SeriesManifest} manifest
 * @param {number} seconds of a column
 * @returns {number}
 */
function fullCount({ segments, channels }, seconds) {
  const events = segments.reduce((sum, segment) => sum + segment.num_samples, 0);
  const duration = segments.reduce((sum, segment) => sum + segment.end_time - segment.start_time, 0);
  return duration > 0 ? Math.max((2 * events * seconds) / duration / channels.length, 1) : 1;
}

/**
 * Densities of the first and the last colour.
 * @param {Spread} spread
 * @param {number} gain
 * @returns {[number, number]}
 */
function densityRange(spread, gain) {
  const { low, high, mean, deviation } = spread;
  const count = mean.length;
  const average = mean.reduce((sum, value) => sum + (value || 0), 0) / count;
  const square =
    mean.reduce((sum, value, index) => sum + ((value || 0) - average) ** 2 + (deviation[index] || 0) ** 2, 0) / count;
  const most = high.reduce((found, value) => (value > found ? value : found), -Infinity);
  const least = Math.max(
    low.reduce((found, value) => (value < found ? value : found), 0),
    -MOST_DENSITY,
  );
  const typical = average + DEVIATIONS_OF_DENSITY * Math.sqrt(square);
  const usual = usualMost(spread, DEVIATIONS_OF_DENSITY, most - least);
  const top = usual ?? Math.min(typical > least ? typical : most, Number.isFinite(most) ? most : typical);
  return [least, least + tellable(top > least ? Math.min(top, MOST_DENSITY) - least : 1, least) / gain];
}

/**
 * @param {Scene} scene
 * @param {Picture} picture
 */
function drawAmplitudes(scene, picture) {
  const { series, frame, request, shown, layout } = scene;
  const { pixels, width, height, notes } = picture;
  const { scale, offset } = laneUnits(scene);
  const radius = Math.max(Math.round(request.pixelRatio), 1);
  const channels = series.manifest.channels.length;
  pixels.fill(0);
  picture.cut.fill(0);
  const end = frame.leftColumn + width;
  const range = pointRange(scene, frame.leftColumn - radius, end + radius);
  const hasSamples = series.finest === 1;
  const { exact, ...how } = visitPoints(range, (tile) => {
    drawPoints(
      pixels,
      width,
      height,
      frame.leftColumn,
      tile,
      layout.lanes,
      shown,
      scale,
      offset,
      channels,
      radius,
      hasSamples,
      picture.cut,
    );
  });
  notePoints(notes, how, series);
  // Marks reach into columns beside their own, so that pictures are drawn as a whole.
  picture.exact.fill(exact.includes(0) ? 0 : 1);
}

/**
 * @param {Scene} scene
 * @param {Picture} picture
 */
function drawPosition(scene, picture) {
  const { series, timeline, frame, request, shown, layout, spread, isDark } = scene;
  const { pixels, width, height, notes } = picture;
  const { scale, offset } = laneUnits(scene);
  pixels.fill(0);
  const hulls = hullsOf(scene, frame.leftColumn, frame.leftColumn + width, notes);
  picture.cut.fill(0);
  drawTraces(pixels, width, height, 0, hulls, layout.lanes, scale, offset, picture.cut);
  const square = squareOf(request.pathSide ?? 0, spread, shown);
  picture.path = null;
  if (square) {
    const breaks = new Uint8Array(width);
    const shift = timeline.shifts[series.uri] ?? 0;
    const [first, end] = visibleSegments(series, timeline, frame, frame.leftColumn, frame.leftColumn + width);
    for (let segment = first; segment < end; segment += 1) {
      const start = columnOfTime(timeline, frame, series.manifest.segments[segment].start_time + shift);
      breaks[Math.round(start) - frame.leftColumn] = 1;
    }
    const ink = pixelOf(isDark ? '#ffffff' : '#000000');
    picture.path = {
      side: square.side,
      pixels: drawPath(square, hulls, scale, offset, breaks, ink, pixelOf('#808080')),
    };
  }
  picture.exact.fill(hulls.exact.includes(0) ? 0 : 1);
}
