/** @file ProbabilityDensity: an image, a row for each channel, which is one bin of what the probability is of. */

import { drawImage } from '../drawing/image.js';
import { storedOrder } from '../drawing/order.js';
import { drawColumns } from '../drawing/picture.js';
import { valuesAt } from '../drawing/readout.js';
import { plainLanes, tellable } from '../drawing/scales.js';
import { hullsOf, laneUnits } from '../drawing/scenes.js';
import { usualMost } from '../drawing/typical.js';

/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */

const DEVIATIONS = 6;
/** Differences of such numbers are within doubles. */
const MOST = 2 ** 1000;

/** @type {import('./registry.js').PanelType} */
export const density = {
  name: 'ProbabilityDensity',
  seriesTypes: ['continuous', 'discrete'],
  traits: () => ({ order: 'stored', hasChannels: false }),
  channels(manifest, request) {
    const centers = centersOf(manifest, request);
    return storedOrder(manifest).sort((one, other) => (centers ? centers[other] - centers[one] : 0) || other - one);
  },
  lanes(drawn) {
    const { manifest, request, shown } = drawn;
    const centers = centersOf(manifest, request);
    const { lanes } = plainLanes(drawn);
    const valueAxis = axisOf(Array.from(shown, (index) => centers?.[index] ?? index));
    if (!centers) return { lanes, valueAxis };
    return { lanes: lanes.map((lane, place) => ({ ...lane, label: String(centers[shown[place]]) })), valueAxis };
  },
  draw(scene, picture) {
    const { request, layout, spread } = scene;
    const { leftColumn, notes } = picture;
    const units = laneUnits(scene);
    const [low, high] = rangeOf(spread, request.settings.gain ?? 1).map((end) => units.scale.map(() => end));
    drawColumns(picture, (from, to) => {
      const hulls = hullsOf(scene, leftColumn + from, leftColumn + to, notes);
      drawImage(picture, from, hulls, layout.lanes, units, low, high, false);
      return hulls.exact;
    });
  },
  readOut: valuesAt,
};

/**
 * Values of the quantity at the channels; null: they are numbered.
 * @param {SeriesManifest} manifest
 * @param {import('../types.js').PanelRequest} request
 * @returns {number[] | null}
 */
function centersOf({ channels }, { data }) {
  const centers = data?.bin_centers;
  const isKnown = Array.isArray(centers) && centers.length === channels.length && centers.every(Number.isFinite);
  return isKnown ? centers : null;
}

/**
 * The axis of what the channels stand for, where they are evenly spaced.
 * @param {number[]} centers from the top
 * @returns {import('../drawing/scales.js').Layout['valueAxis']}
 */
function axisOf(centers) {
  const last = centers.length - 1;
  if (last < 0) return null;
  const step = last ? (centers[0] - centers[last]) / last : 1;
  const isEven = centers.every(
    (center, place) => Math.abs(centers[0] - place * step - center) <= 1e-6 * Math.abs(step),
  );
  if (!isEven || !(step > 0)) return null;
  return { unit: '', low: centers[last] - step / 2, high: centers[0] + step / 2, isLinear: true };
}

/**
 * Densities of the first and the last colour.
 * @param {import('../drawing/scales.js').Spread} spread
 * @param {number} gain
 * @returns {[number, number]}
 */
function rangeOf(spread, gain) {
  const { low, high, mean, deviation } = spread;
  const count = mean.length;
  const average = mean.reduce((sum, value) => sum + (value || 0), 0) / count;
  const square =
    mean.reduce((sum, value, index) => sum + ((value || 0) - average) ** 2 + (deviation[index] || 0) ** 2, 0) / count;
  const most = high.reduce((found, value) => (value > found ? value : found), -Infinity);
  const least = Math.max(
    low.reduce((found, value) => (value < found ? value : found), 0),
    -MOST,
  );
  const typical = average + DEVIATIONS * Math.sqrt(square);
  const usual = usualMost(spread, DEVIATIONS, most - least);
  const top = usual ?? Math.min(typical > least ? typical : most, Number.isFinite(most) ? most : typical);
  return [least, least + tellable(top > least ? Math.min(top, MOST) - least : 1, least) / gain];
}
