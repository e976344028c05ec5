/**
 * @file Automatic scales: lanes of channels, which depend on the series and the settings alone, never on what is
 * visible, so that a link gives the same picture everywhere.
 */

import { channelColors, fadedColor } from './colors.js';
import { limitsOf, median, nearOnes, typicalOf } from './typical.js';
import { nameOf } from './lane_room.js';
import { defaultOrder } from './order.js';

/** @typedef {import('../types.js').Lane} Lane */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('./series.js').SeriesData} SeriesData */

/** Half of one lane, or of a common one, is so many times the median typical deviation of channels of the same unit. */
const DEVIATIONS = 6;
/** Half of each of several lanes: what reaches further is drawn over the lanes beside it. */
const DEVIATIONS_OF_LANES = 2;
/**
 * Lanes hold all values of what is read off from its shape, beats and breaths, and of few channels of which nobody knows
 * what they are; lanes of brains and muscles overlap.
 */
const WHOLE_TYPES = ['ECG', 'RESP', 'PPG', 'TRIG', 'ADC', 'AUDIO', 'TEMP', 'GSR', 'MISC'];
const FEW = 4;
/** But not those values that are so many times the usual ones. */
const FAR_OF_LANES = 25;
const MARGIN = 1.05;
/** How much of its colour a bad channel keeps, or raw samples that are not what was asked for. */
export const PALE_SHARE = 0.35;
/** Lanes are not lower in physical units, so that pixels a unit are within doubles. */
const LEAST = 1e-300;
const MOST = Number.MAX_VALUE;
/** Of a number, what doubles beside it still tell from it. */
const RESOLUTION = 2 ** -50;

/**
 * What the scales of a series come from; arrays (channels,), physical units, NaN where unknown.
 * @typedef {object} Spread
 * @property {Float64Array} mean
 * @property {Float64Array} deviation standard deviation
 * @property {Float64Array} low
 * @property {Float64Array} high
 * @property {Float64Array} middle what lanes are drawn around
 * @property {Float64Array} typical deviation from it
 * @property {boolean} isRobust the last two come from percentiles, which no artefact moves
 */

/**
 * @typedef {object} Units how stored values become physical ones, for each channel
 * @property {Float64Array} scale
 * @property {Float64Array} offset
 * @property {string[]} unit
 */

/**
 * @param {SeriesManifest} manifest
 * @returns {Units}
 */
export function unitsOf({ channels, scale, offset, unit }) {
  return {
    scale: Float64Array.from(channels, (channel) => channel.scale ?? scale),
    offset: Float64Array.from(channels, (channel) => channel.offset ?? offset),
    unit: channels.map((channel) => channel.unit ?? unit),
  };
}

/**
 * What channels have in common that share a scale: unit and type, since brains, eyes and muscles differ in amplitude.
 * @param {SeriesManifest} manifest
 * @returns {string[]} one a channel
 */
export function kindsOf({ channels, unit }) {
  return channels.map((channel) => `${channel.type ?? ''} ${channel.unit ?? unit}`);
}

/**
 * @param {Pick<Drawn, 'manifest' | 'request' | 'shown'>} drawn
 * @returns {Float64Array} (shown,) what the automatic scale of each channel is multiplied with
 */
export function gainsOf({ manifest, request, shown }) {
  const byType = /** @type {Record<string, unknown>} */ (request.data?.gains ?? {});
  return Float64Array.from(shown, (index) => {
    const { type } = manifest.channels[index];
    const own = type !== undefined && Object.hasOwn(byType, type) ? Number(byType[type]) : 1;
    return (request.settings.gain ?? 1) * (own > 0 && Number.isFinite(own) ? own : 1);
  });
}

/**
 * Means, deviations and extremes of all channels; null while what they come from is not there.
 * @param {SeriesData} series
 * @returns {Spread | null}
 */
export function spreadOf(series) {
  const { manifest, coarsest, coarsestMoments } = series;
  const moments = series.momentRows();
  const rows = series.coarsestRows();
  if (series.scalesLacking().length) return null;
  const units = unitsOf(manifest);
  const spread = extremes(manifest, coarsest && rows ? rows : null, units);
  const count = manifest.channels.length;
  if (!moments || !coarsestMoments) return { ...spread, ...typicalOf(manifest, units, spread) };
  const isExact = coarsestMoments.dtype === 'int64';
  for (let channel = 0; channel < count; channel += 1) {
    const { mean, variance } = combined(moments, channel, count, isExact);
    spread.mean[channel] = mean * units.scale[channel] + units.offset[channel];
    spread.deviation[channel] = Math.sqrt(variance) * Math.abs(units.scale[channel]);
  }
  return { ...spread, ...typicalOf(manifest, units, spread) };
}

/**
 * Mean and variance of all bins of moments of one channel, stored values; NaN where nothing was counted.
 * @param {import('../types.js').Numbers} moments (bins, 3, channels)
 * @param {number} channel
 * @param {number} channels
 * @param {boolean} isExact count, sum and sum of squares; else count, mean, M2
 * @param {number} [first] bin
 * @param {number} [end]
 * @returns {{count: number, mean: number, variance: number}}
 */
export function combined(moments, channel, channels, isExact, first = 0, end = moments.length / (3 * channels)) {
  let count = 0;
  let mean = 0;
  let squares = 0;
  for (let bin = first; bin < end; bin += 1) {
    const base = bin * 3 * channels + channel;
    const binCount = moments[base];
    if (!(binCount > 0)) continue;
    const binMean = isExact ? moments[base + channels] / binCount : moments[base + channels];
    const binSquares = isExact
      ? Math.max(moments[base + 2 * channels] - binMean * moments[base + channels], 0)
      : moments[base + 2 * channels];
    const difference = binMean - mean;
    const share = binCount / (count + binCount);
    squares += binSquares + difference * difference * count * share;
    mean += difference * share;
    count += binCount;
  }
  return count ? { count, mean, variance: squares / count } : { count, mean: NaN, variance: NaN };
}

/**
 * Extremes from the coarsest level, else from the segments; the mean is their middle for now.
 * @param {SeriesManifest} manifest
 * @param {import('../types.js').Numbers | null} rows
 * @param {Units} units
 * @returns {Pick<Spread, 'low' | 'high' | 'mean' | 'deviation'>}
 */
function extremes(manifest, rows, { scale, offset }) {
  const count = manifest.channels.length;
  const low = new Float64Array(count).fill(Infinity);
  const high = new Float64Array(count).fill(-Infinity);
  /** @param {number} channel @param {number} stored */
  const add = (channel, stored) => {
    const value = stored * scale[channel] + offset[channel];
    if (!Number.isFinite(value)) return;
    low[channel] = Math.min(low[channel], value);
    high[channel] = Math.max(high[channel], value);
  };
  for (let channel = 0; channel < count; channel += 1) {
    if (rows) {
      // Of means the number of samples lies beside each.
      const stride = manifest.hasMeans ? 2 * count : count;
      for (let place = channel; place < rows.length; place += stride) add(channel, rows[place]);
      continue;
    }
    for (const { min_value: least, max_value: most } of manifest.segments) {
      if (least !== null) add(channel, least);
      if (most !== null) add(channel, most);
    }
  }
  for (let channel = 0; channel < count; channel += 1) {
    if (low[channel] <= high[channel]) continue;
    low[channel] = NaN;
    high[channel] = NaN;
  }
  return { low, high, mean: low.map((value, index) => value / 2 + high[index] / 2), deviation: low.map(() => NaN) };
}

/**
 * Half the height of a lane in physical units, for each channel: the same for all channels of a kind.
 * @param {Spread} spread
 * @param {string[]} kinds one a channel
 * @param {number} [times] of the median typical deviation
 * @returns {Float64Array}
 */
export function laneHalves(spread, kinds, times = DEVIATIONS) {
  const halves = new Float64Array(kinds.length).fill(1);
  for (const each of new Set(kinds)) {
    const members = kinds.flatMap((name, index) => (name === each ? [index] : []));
    const above = (/** @type {Float64Array} */ values) =>
      members.map((index) => values[index]).filter((value) => value > 0);
    const reaches = members.map((index) => Math.min(reach(spread, index) * MARGIN, MOST)).filter((value) => value > 0);
    const furthest = spread.isRobust ? median(reaches) : reaches.reduce((most, value) => Math.max(most, value), 0);
    const typical = Math.min(times * (median(above(spread.typical)) || median(above(spread.deviation))), MOST);
    const half = typical > 0 && furthest > 0 ? Math.min(typical, furthest) : typical || furthest;
    if (half > 0) for (const index of members) halves[index] = half;
  }
  return halves.map((half, index) => tellable(half, spread.middle[index]));
}

/** @param {Spread} spread @param {number} index @returns {number} of the extreme that is further from the middle */
function reach({ low, high, middle }, index) {
  return Math.max(high[index] - middle[index], middle[index] - low[index]);
}

/**
 * First row of each lane and the row after its last, dividing the height evenly; they overlap where there are more
 * lanes than rows.
 * @param {number} height
 * @param {number} index
 * @param {number} count
 * @returns {{top: number, bottom: number}}
 */
export function laneRows(height, index, count) {
  const top = Math.min(Math.round((index * height) / count), height - 1);
  return { top, bottom: Math.max(Math.round(((index + 1) * height) / count), top + 1) };
}

/**
 * What lanes depend on.
 * @typedef {object} Drawn
 * @property {SeriesManifest} manifest
 * @property {Spread} spread
 * @property {Int32Array} shown indices of channels, in order from the top
 * @property {import('../types.js').PanelRequest} request
 * @property {boolean} isDark
 * @property {SeriesData[]} [over] events that are drawn over it
 */

/**
 * @typedef {object} Layout
 * @property {Lane[]} lanes in the order of the shown channels
 * @property {import('../types.js').Painted['valueAxis']} valueAxis
 */

/**
 * One lane below the other, each around its channel's middle. A lane alone holds all values of its channel, unless some
 * are very far from the others.
 * @param {Drawn} drawn
 * @param {boolean} [isWhole] each lane holds all values of its channel, from lowest to highest
 * @returns {Layout}
 */
export function stackedLanes(drawn, isWhole = false) {
  const { spread, shown } = drawn;
  const { height } = drawn.request;
  const gains = gainsOf(drawn);
  const kinds = kindsOf(drawn.manifest);
  const halves = laneHalves(spread, kinds, shown.length > 1 ? DEVIATIONS_OF_LANES : DEVIATIONS);
  const wholes = wholeHalves(drawn, kinds);
  // Not the rows that the lane happens to have: channels are compared with one another.
  const halfLane = Math.max(height / shown.length, 1) / 2;
  const lanes = labelledLanes(drawn).map((lane, place) => {
    const { top, bottom } = laneRows(height, place, shown.length);
    const center = Math.floor((top + bottom - 1) / 2);
    const index = shown[place];
    const whole = wholes.get(kinds[index]) ?? 0;
    const isOne = isWhole || (spread.isRobust && shown.length === 1);
    const [low, high] = limitsOf(spread, index, DEVIATIONS, isOne ? undefined : FAR_OF_LANES);
    const half = isOne ? high / 2 - low / 2 : whole;
    const isKnown = half > 0;
    const baseline = finite(isKnown ? low / 2 + high / 2 : spread.middle[index]);
    const pixelsPerUnit = (halfLane * gains[place]) / tellable(isKnown ? half * MARGIN : halves[index], baseline);
    return { ...lane, top, bottom, center, baseline, pixelsPerUnit };
  });
  return { lanes, valueAxis: lanes.length === 1 ? axisOf(lanes[0], height, lanes[0].offset) : null };
}

/**
 * Half the height of lanes that hold all values, by kind; none of kinds whose lanes overlap.
 * @param {Drawn} drawn
 * @param {string[]} kinds one a channel
 * @returns {Map<string, number>}
 */
function wholeHalves({ spread, manifest: { channels } }, kinds) {
  /** @type {Map<string, number>} */
  const halves = new Map();
  if (!spread.isRobust || channels.length < 2) return halves;
  channels.forEach(({ type }, index) => {
    if (type ? !WHOLE_TYPES.includes(type) : channels.length > FEW) return;
    const [low, high] = limitsOf(spread, index, DEVIATIONS, FAR_OF_LANES);
    halves.set(kinds[index], Math.max(high / 2 - low / 2 || 0, halves.get(kinds[index]) ?? 0));
  });
  return halves;
}

/**
 * All channels on one value axis: that holds their middles and DEVIATIONS around them, or their extremes; a channel that
 * is very far from the others is left aside.
 * @param {Drawn} drawn
 * @param {boolean} [isWhole] the axis holds all values, from lowest to highest
 * @returns {Layout}
 */
export function overlaidLanes(drawn, isWhole = false) {
  const { spread } = drawn;
  const { height, settings } = drawn.request;
  const { unit } = unitsOf(drawn.manifest);
  const halves = laneHalves(spread, kindsOf(drawn.manifest));
  const isWholeOne = isWhole || (spread.isRobust && unit.length === 1);
  const isNear = nearOnes(spread, halves);
  let low = Infinity;
  let high = -Infinity;
  for (let index = 0; index < unit.length; index += 1) {
    if (!isNear[index]) continue;
    const middle = finite(spread.middle[index]);
    const isKnown = isWholeOne && Number.isFinite(spread.low[index]);
    const [least, most] = isKnown
      ? limitsOf(spread, index, DEVIATIONS)
      : [middle - halves[index], middle + halves[index]];
    low = Math.min(low, least);
    high = Math.max(high, most);
  }
  if (!(low < high)) [low, high] = Number.isFinite(low) ? [low - halves[0], low + halves[0]] : [-1, 1];
  const margin = isWholeOne ? MARGIN : 1;
  const baseline = low / 2 + high / 2;
  const center = Math.floor((height - 1) / 2);
  const pixelsPerUnit = ((height / 2) * (settings.gain ?? 1)) / tellable((high / 2 - low / 2) * margin, baseline);
  const lanes = labelledLanes(drawn).map((lane) => {
    return { ...lane, top: 0, bottom: height, center, baseline, pixelsPerUnit };
  });
  return { lanes, valueAxis: lanes.length ? axisOf(lanes[0], height, 0) : null };
}

/**
 * Lanes of equal height without values: of images and rasters.
 * @param {Drawn} drawn
 * @returns {Layout}
 */
export function plainLanes(drawn) {
  const lanes = labelledLanes(drawn).map((lane, place) => {
    const { top, bottom } = laneRows(drawn.request.height, place, drawn.shown.length);
    return { ...lane, top, bottom, center: Math.floor((top + bottom - 1) / 2) };
  });
  return { lanes, valueAxis: null };
}

/** @param {Drawn} drawn @returns {Lane[]} without rows and scale */
function labelledLanes({ manifest, shown, request, isDark }) {
  const { unit } = unitsOf(manifest);
  const colors = channelColors(manifest.channels, defaultOrder(manifest), isDark);
  const nothing = { top: 0, bottom: 0, center: 0, baseline: 0, pixelsPerUnit: 0 };
  return Array.from(shown, (index) => {
    const { id, label, group, y, bad } = manifest.channels[index];
    const lane = {
      ...nothing,
      id,
      label: bad ? nameOf(label || id, bad) : label,
      unit: unit[index],
      offset: request.settings.offsets?.[id] ?? 0,
      color: bad || request.isPale ? fadedColor(colors[index], isDark, PALE_SHARE) : colors[index],
    };
    return { ...lane, ...(group ? { group } : {}), ...(Number.isFinite(y) ? { y } : {}) };
  });
}

/**
 * Values at the lower and the upper edge of the picture.
 * @param {Lane} lane
 * @param {number} height
 * @param {number} offset
 * @returns {import('../types.js').Painted['valueAxis']}
 */
function axisOf({ unit, center, baseline, pixelsPerUnit }, height, offset) {
  const low = baseline - offset - (height - 0.5 - center) / pixelsPerUnit;
  return { unit, low, high: baseline - offset + (center + 0.5) / pixelsPerUnit, isLinear: true };
}

/**
 * A distance from a value, at least as large as doubles beside it are apart.
 * @param {number} distance
 * @param {number} value
 * @returns {number} from LEAST to MOST
 */
export function tellable(distance, value) {
  return Math.min(Math.max(distance, Math.abs(finite(value)) * RESOLUTION, LEAST), MOST);
}

/** @param {number} value @returns {number} 0 where it is no number */
function finite(value) {
  return Number.isFinite(value) ? value : 0;
}
