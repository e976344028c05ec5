/** @file The axis of a probe's channels: micrometres from its tip, where there is no room for all their names. */

import { valueTicks } from '../geometry/ticks.js';

/** @typedef {import('../types.js').Lane} Lane */
/**
 * Neighbouring lanes of one group along a probe, without a hole.
 * @typedef {object} Run
 * @property {string} group empty where there is one alone
 * @property {number} first index of its first lane
 * @property {number} last index of its last lane
 * @property {number[]} depths micrometres, one way, no two the same
 * @property {number[]} rows (depths,) where each is, device pixels
 */

/** Neighbours that are further apart than so many usual steps have an axis each. */
const HOLE = 4;
const UNIT = '\u00b5m';

/**
 * Runs of lanes by depth; empty where positions do not say where most channels are.
 * @param {Lane[]} lanes
 * @returns {Run[]}
 */
export function depthRuns(lanes) {
  /** @type {Run[]} */
  const runs = [];
  const usual = usualStep(lanes);
  const isOne = lanes.every(({ group }) => group === lanes[0].group);
  for (let first = 0, end; first < lanes.length; first = end) {
    end = endOfRun(lanes, first, usual);
    /** @type {Map<number, number[]>} */
    const places = new Map();
    for (const { y, top, bottom } of lanes.slice(first, end)) {
      if (y !== undefined) places.set(y, [...(places.get(y) ?? []), (top + bottom) / 2]);
    }
    if (places.size < 2) continue;
    const rows = [...places.values()].map((each) => each.reduce((sum, row) => sum + row, 0) / each.length);
    runs.push({ group: (!isOne && lanes[first].group) || '', first, last: end - 1, depths: [...places.keys()], rows });
  }
  const inRuns = runs.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  return 2 * inRuns > lanes.length ? runs : [];
}

/**
 * Round depths of a run, and the rows that they are at.
 * @param {Run} run
 * @param {number} most how many there may be
 * @returns {{row: number, label: string}[]} device pixels
 */
export function depthTicks({ depths, rows }, most) {
  const [low, high] = [depths[0], depths[depths.length - 1]].sort((one, other) => one - other);
  return valueTicks(low, high, most).map(({ value, label }) => {
    const after = depths.findIndex((_, at) => at > 0 && (value - depths[at - 1]) * (value - depths[at]) <= 0);
    const at = after < 0 ? 1 : after;
    const share = (value - depths[at - 1]) / (depths[at] - depths[at - 1]);
    return { row: rows[at - 1] + share * (rows[at] - rows[at - 1]), label };
  });
}

/**
 * What the axis of a run is called, and what stands behind its numbers: the unit is said in one of the two places.
 * @param {Run} run
 * @param {(text: string) => boolean} fits beside the axis
 * @returns {{name: string, unit: string}}
 */
export function depthName({ group }, fits) {
  if (!group || !fits(group)) return fits(UNIT) ? { name: UNIT, unit: '' } : { name: '', unit: ` ${UNIT}` };
  const name = `${group}, ${UNIT}`;
  return fits(name) ? { name, unit: '' } : { name: group, unit: ` ${UNIT}` };
}

/** @param {Lane[]} lanes @returns {number} the median distance of neighbours that are not side by side */
function usualStep(lanes) {
  const steps = lanes.slice(1).map((lane, index) => Math.abs((lane.y ?? NaN) - (lanes[index].y ?? NaN)));
  const real = steps.filter((step) => step > 0).sort((one, other) => one - other);
  return real.length ? real[real.length >> 1] : Infinity;
}

/** @param {Lane[]} lanes @param {number} first @param {number} usual @returns {number} */
function endOfRun(lanes, first, usual) {
  let way = 0;
  let end = first + 1;
  for (; end < lanes.length; end += 1) {
    const step = (lanes[end].y ?? NaN) - (lanes[end - 1].y ?? NaN);
    if (lanes[end].group !== lanes[first].group || !(Math.abs(step) <= HOLE * usual) || step * way < 0) break;
    way ||= step;
  }
  return end;
}
