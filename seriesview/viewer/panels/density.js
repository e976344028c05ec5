/**
 * @file ProbabilityDensity: an image, a row for each channel, which is one bin of what the probability is of, or of
 * frequency, where it is a power density: that is drawn in dB.
 */

import { drawImage } from '../drawing/image.js';
import { storedOrder } from '../drawing/order.js';
import { drawColumns } from '../drawing/picture.js';
import { valuesAt } from '../drawing/readout.js';
import { plainLanes, tellable, unitsOf } from '../drawing/scales.js';
import { hullsOf, laneUnits } from '../drawing/scenes.js';
import { usualMost } from '../drawing/typical.js';

/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */

const DEVIATIONS = 6;
const DB = 'dB';
/** Of powers that nothing is known of: from here up to the highest. */
const USUAL_DECIBELS = 60;
/** Differences of such numbers are within doubles. */
const MOST = 2 ** 1000;

/** @type {import('./registry.js').PanelType} */
export const density = {
  name: 'ProbabilityDensity',
  seriesTypes: ['continuous', 'discrete'],
  defaultFor: 'spectrogram',
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
    const unit = isPower(manifest) ? ' Hz' : '';
    const labelled = lanes.map((lane, place) => ({ ...lane, label: `${centers[shown[place]]}${unit}` }));
    return { lanes: labelled, valueAxis: valueAxis && { ...valueAxis, unit: unit.trim() } };
  },
  draw(scene, picture) {
    const { request, layout, spread } = scene;
    const { leftColumn, notes } = picture;
    const { manifest } = scene;
    const gain = request.settings.gain ?? 1;
    const stored = laneUnits(scene);
    const inDecibels = isPower(manifest);
    const units = inDecibels ? { scale: stored.scale.map(() => 1), offset: stored.offset.map(() => 0) } : stored;
    const range = inDecibels ? decibelRange(manifest, spread, gain) : rangeOf(spread, gain);
    const [low, high] = range.map((end) => units.scale.map(() => end));
    drawColumns(picture, (from, to) => {
      const hulls = hullsOf(scene, leftColumn + from, leftColumn + to, notes);
      const drawn = inDecibels
        ? { ...hulls, low: decibels(hulls.low, stored), high: decibels(hulls.high, stored) }
        : hulls;
      drawImage(picture, from, drawn, layout.lanes, units, low, high, false);
      return hulls.exact;
    });
  },
  async readOut(scene, column) {
    const found = await valuesAt(scene, column);
    if (!found || !isPower(scene.manifest)) return found;
    const stored = laneUnits(scene);
    const { channels, unit } = scene.manifest;
    /** @param {number} lane @returns {[number, number]} */
    const inDecibels = (lane) => {
      const powers = found.stored(lane).map((value) => value * stored.scale[lane] + stored.offset[lane]);
      // No power is known better than to a hundredth of a decibel.
      const [low, high] = powers.map((power) => Math.round(100 * decibel(power)) / 100);
      return [low, high];
    };
    return { ...found, stored: inDecibels, exact: undefined, unit: `${DB} re ${channels[0]?.unit ?? unit}` };
  },
};

/** @param {SeriesManifest} manifest @returns {boolean} its channels are frequencies, and its numbers power densities */
function isPower({ frequencies }) {
  return frequencies !== undefined;
}

/** @param {number} power @returns {number} NaN where there is none */
function decibel(power) {
  return power >= 0 ? 10 * Math.log10(power) : NaN;
}

/**
 * @param {Float64Array} values (columns, channels), stored
 * @param {import('../drawing/scenes.js').LaneUnits} units
 * @returns {Float64Array}
 */
function decibels(values, { scale, offset }) {
  return values.map((value, at) => decibel(value * scale[at % scale.length] + offset[at % scale.length]));
}

/**
 * Decibels of the first and the last colour: from the usual low of the quietest frequency to the usual high of the
 * loudest; a gain draws the same high in less of it.
 * @param {SeriesManifest} manifest
 * @param {import('../drawing/scales.js').Spread} spread
 * @param {number} gain
 * @returns {[number, number]}
 */
function decibelRange(manifest, spread, gain) {
  const { scale, offset } = unitsOf(manifest);
  /** @param {number} which of the percentiles @param {Float64Array} others @returns {number[]} */
  const ends = (which, others) =>
    Array.from(manifest.channels, ({ typical }, index) =>
      decibel(typical ? typical[which] * scale[index] + offset[index] : others[index]),
    ).filter(Number.isFinite);
  const high = Math.max(...ends(2, spread.high), -Infinity);
  const low = Math.min(...ends(0, spread.low), Infinity);
  if (!Number.isFinite(high)) return [-USUAL_DECIBELS, 0];
  const reach = high > low ? high - low : USUAL_DECIBELS;
  return [high - reach / gain, high];
}

/**
 * Values of the quantity at the channels; null: they are numbered.
 * @param {SeriesManifest} manifest
 * @param {import('../types.js').PanelRequest} request
 * @returns {number[] | null}
 */
function centersOf({ channels, frequencies }, { data }) {
  const centers = data?.bin_centers ?? frequencies;
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
