/** @file RasterPlot: a row for each channel of events, a mark where it has some. */

import { fadedPixel } from '../drawing/colors.js';
import { leastHeight, longestName, mostHeight } from '../drawing/lane_room.js';
import { drawColumns } from '../drawing/picture.js';
import { eventCounts } from '../drawing/points.js';
import { plainLanes } from '../drawing/scales.js';
import { notePoints, pointRange } from '../drawing/scenes.js';
import { timeOfColumn } from '../geometry/timeline.js';

/** The faintest that a column with an event is drawn. */
const FAINTEST = 0.3;
const SHADES = 16;
/** More rows ask for no more room. */
const MANY = 30;

/** @type {import('./registry.js').PanelType} */
export const raster = {
  name: 'RasterPlot',
  seriesTypes: ['event'],
  defaultFor: 'event',
  traits: (numChannels, { lines }, manifest) => ({
    weight: 1.2 + Math.min(numChannels, MANY) / 10,
    least: leastHeight(numChannels),
    most: mostHeight(numChannels),
    longest: longestName(manifest),
    hasGain: false,
    ...(lines === true ? { hasLines: true } : {}),
  }),
  lanes(drawn) {
    const { channels } = drawn.manifest;
    const { lanes, valueAxis } = plainLanes(drawn);
    const isOne = !channels.some(({ group }) => group !== channels[0].group);
    // Units lie at odd depths, and are known by their names.
    return {
      lanes: lanes.map((lane) => ({ ...lane, isNamed: true, color: isOne ? lanes[0].color : lane.color })),
      valueAxis,
    };
  },
  draw(scene, picture) {
    const { series, timeline, frame, request, shown, layout, isDark } = scene;
    const seconds = frame.samplesPerColumn / frame.columnsPerSample / timeline.ticksPerSecond;
    const full = fullCount(scene.manifest, seconds) / (request.settings.gain ?? 1);
    drawColumns(picture, (from, to) => {
      const range = pointRange(scene, frame.leftColumn + from, frame.leftColumn + to);
      const { counts, exact, isApproximate } = eventCounts(range, shown);
      notePoints(picture.notes, { isApproximate }, series);
      drawMarks(picture, from, counts, layout.lanes, full, isDark);
      return exact;
    });
  },
  async readOut(scene, column) {
    const { counts } = eventCounts(pointRange(scene, column, column + 1), scene.shown);
    const time = timeOfColumn(scene.timeline, scene.frame, column);
    return { time, kind: 'range', unit: 'events', stored: (place) => [counts[place], counts[place]] };
  },
};

/**
 * Events in a column that have the full colour: 1, or twice what a channel has on average.
 * @param {import('../types.js').SeriesManifest} manifest
 * @param {number} seconds of a column
 * @returns {number}
 */
function fullCount({ segments, channels }, seconds) {
  const events = segments.reduce((sum, segment) => sum + segment.num_samples, 0);
  const duration = segments.reduce((sum, segment) => sum + segment.end_time - segment.start_time, 0);
  return duration > 0 ? Math.max((2 * events * seconds) / duration / channels.length, 1) : 1;
}

/**
 * Draw some columns: a mark where a channel has events, fainter where it has few for a dense raster.
 * @param {import('../drawing/picture.js').Picture} picture
 * @param {number} x column of the picture for the first column of the counts
 * @param {Float64Array} counts (columns, lanes)
 * @param {import('../types.js').Lane[]} lanes
 * @param {number} full events in a column that have the full colour
 * @param {boolean} isDark
 */
function drawMarks({ pixels, width }, x, counts, lanes, full, isDark) {
  const columns = lanes.length ? counts.length / lanes.length : 0;
  lanes.forEach(({ top, bottom, color }, place) => {
    const shades = Uint32Array.from({ length: SHADES + 1 }, (_, shade) =>
      fadedPixel(color, isDark, FAINTEST + ((1 - FAINTEST) * shade) / SHADES),
    );
    const end = bottom - top > 3 ? bottom - 1 : bottom;
    for (let column = 0; column < columns; column += 1) {
      const count = counts[column * lanes.length + place];
      if (!count) continue;
      const ink = shades[Math.min(Math.floor((count / full) * SHADES), SHADES)];
      for (let row = top; row < end; row += 1) pixels[row * width + x + column] = ink;
    }
  });
}
