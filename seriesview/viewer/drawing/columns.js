/**
 * @file From stored bins and samples to columns: the lowest and highest stored value of each column and channel.
 *
 * A column is the hull of its bins, of the polyline between samples closer than a sample a column, or of the samples
 * whose times it covers. NaN counts for nothing.
 */

/** @typedef {import('../types.js').Numbers} Numbers */

/**
 * @typedef {object} Hulls columns one after another, the channels of each side by side, stored values in float64
 * @property {number} first absolute number of the first column
 * @property {number} columns
 * @property {number} channels
 * @property {Float64Array} low (columns, channels); above `high` where a column has nothing
 * @property {Float64Array} high (columns, channels)
 * @property {Float64Array | null} weights (columns, channels) of means: samples, or bins, that each is of; low is high
 * @property {Uint8Array} exact (columns,) 0: coarser or finer data stand in, or nothing does; 2: not built yet, and empty
 */

/** In `exact` of columns that are not built yet. */
export const UNBUILT = 2;

/**
 * Bins of one segment that lie in a row: `data` (count, 2, width).
 * @typedef {object} Bins
 * @property {number} factor samples a bin
 * @property {number} first number in the segment of the first one
 * @property {number} count
 * @property {number} offset index into data of the first one
 * @property {number} width channels in data
 * @property {Numbers} data
 * @property {boolean} [hasCounts] of means: the number of samples lies beside each
 */

/**
 * Samples of one segment that lie in a row: `data` (count, width).
 * @typedef {object} Samples
 * @property {number} first
 * @property {number} count
 * @property {number} offset
 * @property {number} width
 * @property {Numbers} data
 */

/**
 * Where a segment lies on the column grid: sample i is at column origin + i / samplesPerColumn.
 * @typedef {object} Place
 * @property {number} origin absolute column of sample 0; whole where columns are whole bins
 * @property {number} samplesPerColumn of the series; may have a fraction
 * @property {number} columnsPerSample over 1 where a sample has whole columns; samplesPerColumn is 1 / that
 * @property {number} numSamples
 */

/**
 * Columns without anything.
 * @param {number} first
 * @param {number} columns
 * @param {number} channels
 * @param {boolean} [hasMeans]
 * @returns {Hulls}
 */
export function emptyHulls(first, columns, channels, hasMeans = false) {
  return {
    first,
    columns,
    channels,
    low: new Float64Array(columns * channels).fill(Infinity),
    high: new Float64Array(columns * channels).fill(-Infinity),
    weights: hasMeans ? new Float64Array(columns * channels) : null,
    exact: new Uint8Array(columns).fill(1),
  };
}

/**
 * First bin of a column and the one after its last. Edges that are not on the grid of bins are rounded to whole bins;
 * a column narrower than a bin has every bin that it touches.
 * @param {Place} place
 * @param {number} factor
 * @param {number} column absolute
 * @param {number} numBins of the segment
 * @param {Int32Array | Float64Array} result (2,)
 */
function binsOfColumn(place, factor, column, numBins, result) {
  const start = ((column - place.origin) * place.samplesPerColumn) / factor;
  const end = ((column + 1 - place.origin) * place.samplesPerColumn) / factor;
  const isNarrow = place.samplesPerColumn < factor;
  const low = isNarrow ? Math.floor(start) : Math.round(start);
  const high = isNarrow ? Math.ceil(end) : Math.round(end);
  result[0] = Math.min(Math.max(low, 0), numBins - 1);
  result[1] = Math.max(Math.min(high, numBins), result[0] + 1);
}

/**
 * Number of bins of a segment.
 * @param {number} numSamples
 * @param {number} factor
 * @returns {number}
 */
export function numBinsOf(numSamples, factor) {
  return numSamples === 0 ? 0 : Math.max(1, Math.ceil((numSamples - 1) / factor));
}

const span = new Float64Array(2);

/**
 * Add bins to the columns [from, to) that they lie in.
 * @param {Hulls} hulls
 * @param {number} from absolute column
 * @param {number} to
 * @param {Place} place
 * @param {Bins} bins
 * @param {Int32Array} positions (channels,) which channel of the data each channel of the hulls is
 */
export function addBins(hulls, from, to, place, bins, positions) {
  const { low, high, channels } = hulls;
  const { data, width } = bins;
  const numBins = numBinsOf(place.numSamples, bins.factor);
  const end = bins.first + bins.count;
  for (let column = from; column < to; column += 1) {
    binsOfColumn(place, bins.factor, column, numBins, span);
    const stop = Math.min(span[1], end);
    const target = (column - hulls.first) * channels;
    for (let bin = Math.max(span[0], bins.first); bin < stop; bin += 1) {
      const base = bins.offset + (bin - bins.first) * 2 * width;
      for (let channel = 0; channel < channels; channel += 1) {
        const position = base + positions[channel];
        if (hulls.weights) {
          addMean(hulls, target + channel, data[position], bins.hasCounts ? data[position + width] : 1);
          continue;
        }
        const least = data[position];
        const most = data[position + width];
        if (least < low[target + channel]) low[target + channel] = least;
        if (most > high[target + channel]) high[target + channel] = most;
      }
    }
  }
}

/**
 * @param {Hulls} hulls of means
 * @param {number} at
 * @param {number} mean NaN counts for nothing
 * @param {number} weight
 */
function addMean({ low, high, weights }, at, mean, weight) {
  if (!weights || Number.isNaN(mean) || !(weight > 0)) return;
  const total = weights[at] + weight;
  low[at] = weights[at] ? low[at] + ((mean - low[at]) * weight) / total : mean;
  high[at] = low[at];
  weights[at] = total;
}

/**
 * Add samples to the means of the columns [from, to): each has those that begin in it, or else the one before.
 * @param {Hulls} hulls
 * @param {number} from absolute column
 * @param {number} to
 * @param {Place} place
 * @param {Samples} samples
 * @param {Int32Array} positions
 */
function addToMeans(hulls, from, to, place, samples, positions) {
  // The last of a block is the first of the next one, or the segment's last, which begins no interval.
  const known = samples.first + Math.max(samples.count - 1, 1);
  for (let column = from; column < to; column += 1) {
    const start = Math.max((column - place.origin) * place.samplesPerColumn, 0);
    const end = Math.min((column + 1 - place.origin) * place.samplesPerColumn, place.numSamples - 1);
    const begin = Math.ceil(start - 1e-9);
    const first = begin < end - 1e-9 ? begin : Math.floor(start + 1e-9);
    const stop = Math.max(first + 1, Math.ceil(end - 1e-9));
    for (let sample = Math.max(first, samples.first); sample < Math.min(stop, known); sample += 1) {
      const base = samples.offset + (sample - samples.first) * samples.width;
      const target = (column - hulls.first) * hulls.channels;
      for (let channel = 0; channel < hulls.channels; channel += 1)
        addMean(hulls, target + channel, samples.data[base + positions[channel]], 1);
    }
  }
}

/**
 * Add the polyline through samples to the columns [from, to).
 * @param {Hulls} hulls
 * @param {number} from absolute column
 * @param {number} to
 * @param {Place} place
 * @param {Samples} samples
 * @param {Int32Array} positions
 */
export function addSamples(hulls, from, to, place, samples, positions) {
  if (hulls.weights) {
    addToMeans(hulls, from, to, place, samples, positions);
    return;
  }
  const isWhole = place.columnsPerSample > 1 || (place.samplesPerColumn === 1 && Number.isInteger(place.origin));
  for (let column = from; column < to; column += 1) {
    if (isWhole) {
      const offset = column - place.origin;
      const sample = Math.floor(offset / place.columnsPerSample);
      const part = offset - sample * place.columnsPerSample;
      addPoint(hulls, column, samples, sample, part / place.columnsPerSample, positions);
      addPoint(hulls, column, samples, sample, (part + 1) / place.columnsPerSample, positions);
      continue;
    }
    const last = place.numSamples - 1;
    const start = Math.max((column - place.origin) * place.samplesPerColumn, 0);
    const end = Math.min((column + 1 - place.origin) * place.samplesPerColumn, last);
    if (start > end) continue;
    addPoint(hulls, column, samples, Math.floor(start), start - Math.floor(start), positions);
    for (let sample = Math.ceil(start); sample <= end; sample += 1)
      addPoint(hulls, column, samples, sample, 0, positions);
    addPoint(hulls, column, samples, Math.floor(end), end - Math.floor(end), positions);
  }
}

/**
 * Add the point at a share of the way from a sample to the next; nothing where one that is needed is not there.
 * @param {Hulls} hulls
 * @param {number} column absolute
 * @param {Samples} samples
 * @param {number} sample
 * @param {number} share 0 to 1
 * @param {Int32Array} positions
 */
function addPoint(hulls, column, samples, sample, share, positions) {
  const { low, high, channels } = hulls;
  const { data, width } = samples;
  const index = share === 1 ? sample + 1 : sample;
  const isBetween = share > 0 && share < 1;
  if (index < samples.first || index + (isBetween ? 1 : 0) >= samples.first + samples.count) return;
  const base = samples.offset + (index - samples.first) * width;
  const target = (column - hulls.first) * channels;
  for (let channel = 0; channel < channels; channel += 1) {
    const position = base + positions[channel];
    let value = data[position];
    if (isBetween) value += (data[position + width] - value) * share;
    if (value < low[target + channel]) low[target + channel] = value;
    if (value > high[target + channel]) high[target + channel] = value;
  }
}

/**
 * Absolute columns [first, end) that a segment covers, at least one.
 * @param {Place} place
 * @returns {[number, number]}
 */
export function columnsOfPlace(place) {
  const first = Math.floor(place.origin + 1e-6);
  const steps = (place.numSamples - 1) / place.samplesPerColumn;
  const length =
    place.columnsPerSample > 1 ? (place.numSamples - 1) * place.columnsPerSample : place.origin - first + steps;
  return [first, first + Math.max(1, Math.ceil(length - 1e-6))];
}

/**
 * Bins or samples that the columns [from, to) need: [first, end).
 * @param {Place} place
 * @param {number} factor 1: samples
 * @param {number} from absolute column
 * @param {number} to
 * @returns {[number, number]}
 */
export function binsOfColumns(place, factor, from, to) {
  if (factor === 1) {
    const last = place.numSamples - 1;
    const first = Math.floor((from - place.origin) * place.samplesPerColumn + 1e-9);
    const end = Math.ceil((to - place.origin) * place.samplesPerColumn - 1e-9);
    return [Math.min(Math.max(first, 0), last), Math.min(Math.max(end, 0), last) + 1];
  }
  const numBins = numBinsOf(place.numSamples, factor);
  binsOfColumn(place, factor, from, numBins, span);
  const first = span[0];
  binsOfColumn(place, factor, to - 1, numBins, span);
  return [first, span[1]];
}
