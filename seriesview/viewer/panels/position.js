/** @file Position: the coordinates over time, and their path in the plane in a square beside them. */

import { pixelOf } from '../drawing/colors.js';
import { drawWhole } from '../drawing/picture.js';
import { valuesAt } from '../drawing/readout.js';
import { stackedLanes } from '../drawing/scales.js';
import { hullsOf, laneUnits } from '../drawing/scenes.js';
import { withShownUnits } from '../drawing/shown_units.js';
import { drawTraces } from '../drawing/traces.js';
import { limitsOf } from '../drawing/typical.js';
import { visibleSegments } from '../drawing/windows.js';
import { columnOfTime } from '../geometry/timeline.js';

/** @typedef {import('../drawing/columns.js').Hulls} Hulls */
/** @typedef {import('../drawing/scenes.js').Scene} Scene */

/** @type {import('../types.js').PanelChoice} */
const PATH = { key: 'path', text: 'Path in the plane, beside the traces', values: [false] };
/** Pixels between the square's border and the path. */
const MARGIN = 4;
/** Typical ones that are shown to each side of a coordinate's middle, where its whole range is very much more. */
const DEVIATIONS = 6;

/** @type {import('./registry.js').PanelType} */
export const position = {
  name: 'Position',
  seriesTypes: ['continuous', 'discrete'],
  traits: () => ({ order: 'stored', pathChannels: 2, choices: [PATH] }),
  lanes: (drawn) => withShownUnits(stackedLanes(drawn, true), drawn),
  draw(scene, picture) {
    const { leftColumn, width, notes } = picture;
    const units = laneUnits(scene);
    drawWhole(picture, () => {
      const hulls = hullsOf(scene, leftColumn, leftColumn + width, notes);
      drawTraces(picture, 0, hulls, scene.layout.lanes, units);
      picture.path = pathOf(scene, hulls, units);
      return hulls.exact;
    });
  },
  readOut: valuesAt,
};

/**
 * The path through the middles of the columns, y upwards, in a border; one scale for both coordinates.
 * @param {Scene} scene its first two channels are x and y
 * @param {Hulls} hulls
 * @param {import('../drawing/scenes.js').LaneUnits} units
 * @returns {import('../drawing/picture.js').Picture['path']} null: there is no room, or its series has no plane
 */
function pathOf(scene, hulls, { scale, offset }) {
  const { request, shown, spread, isDark } = scene;
  const side = request.pathSide ?? 0;
  if (side < 2 * MARGIN + 2 || shown.length < 2) return null;
  const limits = [0, 1].map((place) => limitsOf(spread, shown[place], DEVIATIONS));
  const extent = Math.max(...limits.map(([low, high]) => high - low));
  const pixelsPerUnit = (side - 2 * MARGIN - 1) / (extent || 1);
  if (!Number.isFinite(extent) || !Number.isFinite(pixelsPerUnit)) return null;
  const pixels = emptySquare(side);
  const ink = pixelOf(isDark ? '#ffffff' : '#000000');
  const { low, high, channels, columns } = hulls;
  /** Pixels from the middle of the square. @param {number} column @param {number} place @returns {number} */
  const fromMiddle = (column, place) => {
    const at = column * channels + place;
    const value = low[at] <= high[at] ? ((low[at] + high[at]) / 2) * scale[place] + offset[place] : NaN;
    return (value - (limits[place][0] / 2 + limits[place][1] / 2)) * pixelsPerUnit;
  };
  /** @param {number} x @param {number} y */
  const set = (x, y) => {
    if (x > 0 && x < side - 1 && y > 0 && y < side - 1) pixels[y * side + x] = ink;
  };
  const breaks = breaksOf(scene);
  let beforeX = NaN;
  let beforeY = NaN;
  for (let column = 0; column < columns; column += 1) {
    if (breaks[column]) beforeX = NaN;
    const x = Math.round((side - 1) / 2 + fromMiddle(column, 0));
    const y = Math.round((side - 1) / 2 - fromMiddle(column, 1));
    // Samples may be further apart than columns: the path goes on over columns without any.
    if (!(Math.abs(x) < 1e6 && Math.abs(y) < 1e6)) continue;
    const steps = Number.isNaN(beforeX) ? 0 : Math.max(Math.abs(x - beforeX), Math.abs(y - beforeY));
    for (let step = 1; step < steps; step += 1) {
      set(Math.round(beforeX + ((x - beforeX) * step) / steps), Math.round(beforeY + ((y - beforeY) * step) / steps));
    }
    set(x, y);
    beforeX = x;
    beforeY = y;
  }
  return { side, pixels };
}

/** @param {number} side @returns {Uint32Array} (side, side) with a border */
function emptySquare(side) {
  const ink = pixelOf('#808080');
  const pixels = new Uint32Array(side * side).fill(ink, 0, side).fill(ink, side * (side - 1));
  for (let row = 0; row < side; row += 1) pixels[row * side] = pixels[row * side + side - 1] = ink;
  return pixels;
}

/** @param {Scene} scene @returns {Uint8Array} (columns,) 1: a segment begins in the column, the path begins anew */
function breaksOf({ series, manifest, timeline, frame }) {
  const breaks = new Uint8Array(frame.columns);
  const shift = timeline.shifts[series.uri] ?? 0;
  const [first, end] = visibleSegments(series, timeline, frame, frame.leftColumn, frame.leftColumn + frame.columns);
  for (const { start_time: start } of manifest.segments.slice(first, end)) {
    breaks[Math.round(columnOfTime(timeline, frame, start + shift)) - frame.leftColumn] = 1;
  }
  return breaks;
}
