/** @file RasterPlot: a row for each channel of events, a mark where it has some. */

import { drawEventMarks, eventColors, fullCount } from '../drawing/event_marks.js';
import { leastHeight, longestName, mostHeight } from '../drawing/lane_room.js';
import { drawColumns } from '../drawing/picture.js';
import { eventCounts } from '../drawing/points.js';
import { plainLanes } from '../drawing/scales.js';
import { notePoints, pointRange } from '../drawing/scenes.js';
import { timeOfColumn } from '../geometry/timeline.js';

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
    const { lanes, valueAxis } = plainLanes(drawn);
    const colors = eventColors(drawn.manifest, drawn.isDark);
    // Units lie at odd depths, and are known by their names.
    return {
      lanes: lanes.map((lane, place) => {
        const index = drawn.shown[place];
        const isBad = drawn.manifest.channels[index].bad;
        return { ...lane, isNamed: true, color: isBad ? lane.color : colors[index] };
      }),
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
      layout.lanes.forEach(({ top, bottom, color }, place) => {
        const rows = { x: from, top, bottom: bottom - top > 3 ? bottom - 1 : bottom };
        drawEventMarks(picture, rows, counts, { channels: shown.length, place }, { color, full, isDark });
      });
      return exact;
    });
  },
  async readOut(scene, column) {
    const { counts } = eventCounts(pointRange(scene, column, column + 1), scene.shown);
    const time = timeOfColumn(scene.timeline, scene.frame, column);
    return { time, kind: 'range', unit: 'events', stored: (place) => [counts[place], counts[place]] };
  },
};
