/**
 * @file EventAmplitudes: a mark for each sample at its time and value; a range where there are many in a column. With `y`
 * and `color` (drawing/marks.js) a sample is one mark.
 */

import { pixelOf } from '../drawing/colors.js';
import { noteCut } from '../drawing/cuts.js';
import { defaultOrder } from '../drawing/order.js';
import { drawWhole } from '../drawing/picture.js';
import { visitPoints } from '../drawing/points.js';
import { pointAt, rangeAt } from '../drawing/readout.js';
import { overlaidLanes } from '../drawing/scales.js';
import { laneUnits, notePoints, pointRange } from '../drawing/scenes.js';
import { withShownUnits } from '../drawing/shown_units.js';
import { drawMarked, markedChannels, markedLanes, marksOfTile } from '../drawing/marks.js';
import { TILE_COLUMNS } from '../drawing/tiles.js';

/** @typedef {import('../drawing/picture.js').Picture} Picture */

/** Points of a tile that are drawn one by one; more are ranges of parts of columns. */
const POINTS_OF_TILE = 16 * TILE_COLUMNS;
const MANY_CHANNELS = 4;

/** @type {import('./registry.js').PanelType} */
export const amplitudes = {
  name: 'EventAmplitudes',
  seriesTypes: ['discrete', 'continuous'],
  defaultFor: 'discrete',
  traits: (_, data) => (isMarked(data) ? { weight: 2.5, hasChannels: false } : {}),
  channels: (manifest, { data = {} }) => (isMarked(data) ? markedChannels(manifest, data) : defaultOrder(manifest)),
  pointsOfTile({ channels, segments }, data, seconds) {
    if (isMarked(data)) return marksOfTile(segments, seconds);
    return channels.length <= MANY_CHANNELS ? POINTS_OF_TILE : TILE_COLUMNS;
  },
  lanes(drawn) {
    if (isMarked(drawn.request.data)) return markedLanes(drawn);
    return withShownUnits(overlaidLanes(drawn, true), drawn);
  },
  draw(scene, picture) {
    const { frame, request } = scene;
    if (isMarked(request.data)) {
      drawMarked(scene, picture);
      return;
    }
    const units = laneUnits(scene);
    const radius = Math.max(Math.round(request.pixelRatio), 1);
    // Marks reach into columns beside their own.
    const range = pointRange(scene, frame.leftColumn - radius, frame.leftColumn + frame.columns + radius);
    drawWhole(picture, () => {
      const { exact, ...how } = visitPoints(range, (tile) => drawPoints(scene, picture, tile, units, radius));
      notePoints(picture.notes, how, scene.series);
      return exact;
    });
  },
  readOut: async (scene, column, row) => (await pointAt(scene, column, row)) ?? rangeAt(scene, column),
};

/** @param {Record<string, unknown>} [data] @returns {boolean} whether a sample is one mark */
function isMarked({ y, color } = {}) {
  return typeof y === 'string' || typeof color === 'string';
}

/**
 * Draw points at times of their own: one or two in a bin as marks, more as a range from lowest to highest.
 * @param {import('../drawing/scenes.js').Scene} scene
 * @param {Picture} picture
 * @param {import('../drawing/points.js').PointTile} tile
 * @param {import('../drawing/scenes.js').LaneUnits} units
 * @param {number} radius of marks
 */
function drawPoints({ series, manifest, shown, layout }, picture, tile, { scale, offset }, radius) {
  const { pixels, width, height, leftColumn, cut } = picture;
  const { points, columnsOfTime, columnsOfBin } = tile;
  const { times, values, counts, envelope } = points;
  const channels = manifest.channels.length;
  // Else ranges alone, since what a bin has is the range of many.
  const hasSamples = series.finest === 1;
  layout.lanes.forEach((lane, place) => {
    const ink = pixelOf(lane.color);
    /** @param {number} stored */
    const rowOf = (stored) =>
      Math.round(
        lane.center - (stored * scale[place] + offset[place] + lane.offset - lane.baseline) * lane.pixelsPerUnit,
      );
    /** @param {number} column @param {number} stored */
    const mark = (column, stored) => {
      const row = rowOf(stored);
      noteCut(cut, column - leftColumn, row, row, height);
      drawMark(picture, column - leftColumn, row, radius, ink);
    };
    if (times && values) {
      for (let index = 0; index < times.length; index += 1) {
        const [column, last] = columnsOfTime(times[index]);
        if (column <= last) mark(last, values[index * channels + shown[place]]);
      }
    }
    if (!counts || !envelope) return;
    for (let bin = 0; bin < counts.length; bin += 1) {
      if (!counts[bin]) continue;
      const least = envelope[bin * 2 * channels + shown[place]];
      const most = envelope[(bin * 2 + 1) * channels + shown[place]];
      const [from, to] = columnsOfBin(bin);
      for (let column = from; column <= to; column += 1) {
        if (counts[bin] > 2 || !hasSamples) {
          const ends = [rowOf(least), rowOf(most)];
          noteCut(cut, column - leftColumn, Math.min(...ends), Math.max(...ends), height);
          const top = Math.max(Math.min(...ends) - radius, 0);
          const bottom = Math.min(Math.max(...ends) + radius, height - 1);
          const at = column - leftColumn;
          if (at >= 0 && at < width) for (let row = top; row <= bottom; row += 1) pixels[row * width + at] = ink;
        } else {
          mark(column, least);
          if (most !== least) mark(column, most);
        }
      }
    }
  });
}

/**
 * Draw a square mark, clipped to the picture.
 * @param {Picture} picture
 * @param {number} x of its middle
 * @param {number} y
 * @param {number} radius pixels to each side of the middle
 * @param {number} ink
 */
function drawMark({ pixels, width, height }, x, y, radius, ink) {
  if (!(y + radius >= 0 && y - radius < height)) return;
  const left = Math.max(x - radius, 0);
  const right = Math.min(x + radius, width - 1);
  const bottom = Math.min(y + radius, height - 1);
  if (right < left) return;
  for (let row = Math.max(y - radius, 0); row <= bottom; row += 1)
    pixels.fill(ink, row * width + left, row * width + right + 1);
}
