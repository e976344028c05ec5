/** @file IntervalLanes: a lane for each label, a bar for each interval; a line for one of no length. */

import { palette, pixelOf, fadedPixel } from '../drawing/colors.js';
import { leastHeight, longestOf, mostHeight } from '../drawing/lane_room.js';
import { drawColumns } from '../drawing/picture.js';
import { laneRows } from '../drawing/scales.js';
import { countWhere } from '../geometry/search.js';
import { columnOfTime, timeOfColumn } from '../geometry/timeline.js';

/** @typedef {import('../types.js').Lane} Lane */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('../drawing/scenes.js').Scene} Scene */

/** Ends that are so near to an edge of a column, in columns, are on it. */
const ON_EDGE = 1e-6;
/** Bars are fainter than their first column, where they have more columns than this. */
const EDGED = 3;
const BAR_SHARE = 0.55;
/** More lanes ask for no more room. */
const MANY = 12;

/** @type {import('./registry.js').PanelType} */
export const lanes = {
  name: 'IntervalLanes',
  seriesTypes: ['interval'],
  traits(_, data, manifest) {
    const names = namesOf(manifest, data);
    return {
      weight: 0.6 + Math.min(names.length, MANY) / 8,
      least: leastHeight(names.length),
      most: mostHeight(names.length),
      longest: longestOf(names),
      order: 'stored',
      hasGain: false,
      hasChannels: false,
      replacesBands: true,
    };
  },
  channels: (manifest, request) => Int32Array.from(namesOf(manifest, request.data), (_, index) => index),
  lanes({ manifest, request, shown, isDark }) {
    const { colors } = palette(isDark);
    const names = namesOf(manifest, request.data);
    const made = Array.from(shown, (index, place) => {
      const { top, bottom } = laneRows(request.height, place, shown.length);
      return {
        id: String(index),
        label: names[index] || '(no label)',
        unit: '',
        top,
        bottom,
        center: Math.floor((top + bottom - 1) / 2),
        baseline: 0,
        pixelsPerUnit: 0,
        offset: 0,
        color: colors[place % colors.length],
      };
    });
    return { lanes: made, valueAxis: null };
  },
  draw(scene, picture) {
    const { leftColumn, width, pixels } = picture;
    drawColumns(picture, (from, to) => {
      const exact = new Uint8Array(to - from);
      const isThere = visit(scene, leftColumn + from, leftColumn + to, ({ top, bottom, color }, first, end) => {
        const edge = pixelOf(color);
        const rest = end - first > EDGED ? fadedPixel(color, scene.isDark, BAR_SHARE) : edge;
        const space = bottom - top > 6 ? 1 : 0;
        const [low, high] = [Math.max(first - leftColumn, from), Math.min(end - leftColumn, to)];
        for (let row = top + space; row < bottom - space; row += 1) {
          pixels.fill(rest, row * width + low, row * width + high);
          if (first - leftColumn >= low && first - leftColumn < high) pixels[row * width + first - leftColumn] = edge;
        }
      });
      return isThere ? exact.fill(1) : exact;
    });
  },
  async readOut(scene, column) {
    if (!scene.series.intervals()) await scene.series.intervalsRequest().load();
    const shift = scene.timeline.shifts[scene.series.uri] ?? 0;
    /** @type {Map<string, [number, number]>} */
    const found = new Map();
    visit(scene, column, column + 1, ({ id }, _first, _end, start, end) => {
      if (!found.has(id)) found.set(id, [start + shift, end + shift]);
    });
    return {
      time: timeOfColumn(scene.timeline, scene.frame, column),
      kind: 'range',
      unit: 's',
      isSparse: true,
      stored: (place) => found.get(scene.layout.lanes[place].id) ?? [NaN, NaN],
    };
  },
};

/**
 * Labels in the order of their lanes: those that the panel names, then others that there are.
 * @param {SeriesManifest} [manifest]
 * @param {Record<string, unknown>} [data]
 * @returns {string[]}
 */
function namesOf({ intervals } = /** @type {any} */ ({}), data) {
  const named = Array.isArray(data?.lanes) ? data.lanes.filter((each) => typeof each === 'string') : [];
  return [...new Set([...named, ...(intervals?.labels ?? [])])];
}

/**
 * Visit the intervals in the columns [from, to), by start.
 * @param {Scene} scene
 * @param {number} from absolute column
 * @param {number} to
 * @param {(lane: Lane, first: number, end: number, start: number, stop: number) => void} take columns [first, end) of one,
 *   absolute, and its own times
 * @returns {boolean} whether they are there
 */
function visit({ series, manifest, timeline, frame, request, layout }, from, to, take) {
  const intervals = series.intervals();
  if (!intervals) return false;
  const { times, labels, latest } = intervals;
  const shift = timeline.shifts[series.uri] ?? 0;
  const places = new Map(namesOf(manifest, request.data).map((name, index) => [name, index]));
  const laneOf = (manifest.intervals?.labels ?? []).map((name) => layout.lanes[places.get(name) ?? 0]);
  const startTime = timeOfColumn(timeline, frame, from - 1) - shift;
  const endTime = timeOfColumn(timeline, frame, to + 1) - shift;
  for (
    let row = countWhere(latest, (end) => end < startTime);
    row < latest.length && times[2 * row] <= endTime;
    row += 1
  ) {
    const [start, end] = [times[2 * row], times[2 * row + 1]];
    const first = Math.floor(columnOfTime(timeline, frame, start + shift) + ON_EDGE);
    const last = Math.max(Math.ceil(columnOfTime(timeline, frame, end + shift) - ON_EDGE), first + 1);
    const lane = laneOf[labels[row]];
    if (lane && first < to && last > from) take(lane, first, last, start, end);
  }
  return true;
}
