/**
 * @file What is typical of channels: where most of their values lie, whatever artefacts, fills and bad electrodes there
 * are. It comes from the percentiles of the manifest; of a series without them, from means and deviations.
 */

/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('./scales.js').Spread} Spread */
/** @typedef {import('./scales.js').Units} Units */

/** From the middle to percentile 99 of a normal distribution, in standard deviations. */
const DEVIATIONS_OF_PERCENTILE = 2.326;
/** One side of the middle that reaches so much further than the other is taken for an artefact. */
const LOPSIDED = 8;
/** A range so many times the typical one is not shown as a whole. */
const FAR = 50;

/**
 * The middle of each channel and its typical deviation from it, physical units; NaN where unknown.
 * @param {SeriesManifest} manifest
 * @param {Units} units
 * @param {Pick<Spread, 'mean' | 'deviation'>} spread
 * @returns {Pick<Spread, 'middle' | 'typical' | 'isRobust'>}
 */
export function typicalOf({ channels }, { scale, offset }, { mean, deviation }) {
  const isRobust = channels.some(({ typical }) => typical);
  if (!isRobust) return { middle: mean, typical: deviation, isRobust };
  const middle = new Float64Array(channels.length).fill(NaN);
  const typical = new Float64Array(channels.length).fill(NaN);
  channels.forEach((channel, index) => {
    if (!channel.typical) return;
    const [low, median, high] = channel.typical.map((stored) => stored * scale[index] + offset[index]);
    middle[index] = median;
    const [less, more] = [Math.abs(median - low), Math.abs(high - median)].sort((one, other) => one - other);
    const reach = less > 0 && more > LOPSIDED * less ? less : more;
    typical[index] = reach / DEVIATIONS_OF_PERCENTILE;
  });
  return { middle, typical, isRobust };
}

/**
 * The lowest and highest value that are to be shown of a channel: all of its range, unless that is very much more than
 * the typical one.
 * @param {Spread} spread
 * @param {number} index
 * @param {number} deviations typical ones to each side of the middle, where it is not shown as a whole
 * @param {number} [far] how many times the typical one a range is not shown as a whole
 * @returns {[number, number]} NaN where there is nothing
 */
export function limitsOf({ low, high, middle, typical, isRobust }, index, deviations, far = FAR) {
  const [least, most] = [low[index], high[index]];
  const side = typical[index] * deviations;
  const usual = 2 * DEVIATIONS_OF_PERCENTILE * typical[index];
  // Halves: the difference of two doubles may be none.
  if (!isRobust || !(usual > 0) || most / 2 - least / 2 <= (far * usual) / 2) return [least, most];
  return [Math.max(least, middle[index] - side), Math.min(most, middle[index] + side)];
}

/**
 * Which of some channels share an axis: all but those whose middle is so far from the others' that these would be flat.
 * @param {Spread} spread
 * @param {Float64Array} halves what is shown to each side of the middle
 * @returns {boolean[]}
 */
export function nearOnes({ middle, isRobust }, halves) {
  const known = Array.from(middle).filter(Number.isFinite);
  if (!isRobust || known.length < 3) return Array.from(middle, () => true);
  const center = median(known);
  const distance = median(known.map((value) => Math.abs(value - center)));
  return Array.from(middle, (value, index) => !(Math.abs(value - center) > FAR * Math.max(distance, halves[index])));
}

/**
 * Up to where values of channels that are alike go usually: what most channels keep below. Null where all values are
 * near enough to be shown.
 * @param {Spread} spread
 * @param {number} deviations typical ones above the middle
 * @param {number} range of all values
 * @returns {number | null}
 */
export function usualMost({ middle, typical, isRobust }, deviations, range) {
  if (!isRobust) return null;
  const tops = middle
    .map((value, index) => value + deviations * typical[index])
    .filter((top) => top > 0)
    .sort();
  const usual = tops[Math.floor(0.9 * tops.length)];
  return usual > 0 && range > FAR * usual ? usual : null;
}

/** @param {number[]} values @returns {number} 0 without any */
export function median(values) {
  if (!values.length) return 0;
  const sorted = Float64Array.from(values).sort();
  return sorted[(sorted.length - 1) >> 1] / 2 + sorted[sorted.length >> 1] / 2;
}
