/** @file Raw samples below filtered ones, in the same lanes and scale, paler, each around its own middle. */

import { channelColors, fadedColor } from './colors.js';
import { defaultOrder } from './order.js';
import { PALE_SHARE } from './scales.js';
import { hullsOf, laneUnits } from './scenes.js';

/** @typedef {import('../types.js').Lane} Lane */
/** @typedef {import('./columns.js').Hulls} Hulls */
/** @typedef {import('./scenes.js').Below} Below */
/** @typedef {import('./scenes.js').Scene} Scene */

/**
 * What is drawn first, and what is drawn over it, as one: the columns' channels are raw ones and then the others.
 * @param {Scene} scene
 * @param {Below} below
 * @param {Hulls} hulls of the scene
 * @param {Set<string>} notes
 * @returns {{hulls: Hulls, lanes: Lane[], units: import('./scenes.js').LaneUnits}}
 */
export function drawnBelow(scene, { series, sources, spread }, hulls, notes) {
  const { shown, layout, isDark } = scene;
  const places = Array.from(shown.keys()).filter((place) => (sources[shown[place]] ?? null) !== null);
  const of = Int32Array.from(places, (place) => sources[shown[place]] ?? 0);
  const raw = { ...scene, series, spread, manifest: series.manifest, shown: of };
  const rawHulls = hullsOf(raw, hulls.first, hulls.first + hulls.columns, notes);
  const colors = channelColors(series.manifest.channels, defaultOrder(series.manifest), isDark);
  // On an axis in common raw samples lie where their values are.
  const isStacked = !layout.valueAxis || layout.lanes.length === 1;
  const lanes = places.map((place, index) => {
    const lane = layout.lanes[place];
    const baseline = isStacked ? spread.middle[of[index]] || 0 : lane.baseline;
    return { ...lane, baseline, color: fadedColor(colors[of[index]], isDark, PALE_SHARE) };
  });
  const [one, other] = [laneUnits(raw), laneUnits(scene)];
  const joined = (/** @type {Float64Array} */ a, /** @type {Float64Array} */ b) => Float64Array.from([...a, ...b]);
  return {
    hulls: beside(rawHulls, hulls),
    lanes: [...lanes, ...layout.lanes],
    units: { scale: joined(one.scale, other.scale), offset: joined(one.offset, other.offset) },
  };
}

/** @param {Hulls} one @param {Hulls} other of the same columns @returns {Hulls} the channels of both */
function beside(one, other) {
  const channels = one.channels + other.channels;
  const joined = (/** @type {'low' | 'high'} */ key) => {
    const all = new Float64Array(other.columns * channels);
    for (let column = 0; column < other.columns; column += 1) {
      all.set(one[key].subarray(column * one.channels, (column + 1) * one.channels), column * channels);
      const own = other[key].subarray(column * other.channels, (column + 1) * other.channels);
      all.set(own, column * channels + one.channels);
    }
    return all;
  };
  const exact = other.exact.map((value, column) =>
    one.exact[column] === 1 ? value : Math.min(value, one.exact[column]),
  );
  return { ...other, channels, low: joined('low'), high: joined('high'), exact };
}
