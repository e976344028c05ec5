/** @file Power spectra of a stretch of samples, by Welch's method, as scipy.signal.welch has it. */

import { isRegular } from '../geometry/timeline.js';
import { samples } from './extracts.js';

/** @typedef {import('../types.js').Spectrum} Spectrum */

const MOST_VALUES = 8e6;
/** A window is at most so long: frequencies are told apart to a quarter of a Hz. */
const LONGEST_SECONDS = 4;
/** So many windows, half over one another, are averaged where that leaves them long enough. */
const LEAST_WINDOWS = 7;
const SHORT_WINDOW = 256;
const LEAST_SAMPLES = 8;

/**
 * Power densities of the channels over a stretch of time, physical unit squared a Hz: the mean over Hann windows that
 * overlap by a half, each without its mean. Windows with a missing sample, and those over a gap, are left out.
 * @param {import('../types.js').Source} source
 * @param {string} uri
 * @param {import('../types.js').SeriesManifest} manifest
 * @param {number} startTime the series' own time
 * @param {number} endTime
 * @param {string[] | null} ids
 * @returns {Promise<Spectrum>}
 */
export async function spectrum(source, uri, manifest, startTime, endTime, ids) {
  const rate = manifest.sampling_frequency;
  if (!isRegular(manifest) || !rate) throw new Error('only what has a rate has one.');
  const most = MOST_VALUES / rate / (ids?.length ?? manifest.channels.length);
  if (endTime - startTime > most) throw new Error(`select at most ${Number(most.toPrecision(2))} s.`);
  const { times, values, channels } = await samples(source, uri, manifest, 0, startTime, endTime, ids, 2 * MOST_VALUES);
  const stretches = stretchesOf(times, rate);
  const longest = stretches.reduce((most, [first, end]) => Math.max(most, end - first), 0);
  if (longest < LEAST_SAMPLES) throw new Error('there are too few samples in the selection.');
  const length = windowLength(longest, rate);
  const window = Float64Array.from({ length }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / length));
  const scale = 1 / (rate * window.reduce((sum, value) => sum + value * value, 0));
  const fourier = makeFourier(length);
  const bins = length / 2 + 1;
  const density = new Float64Array(channels.length * bins);
  const windows = channels.map((_, channel) => {
    let count = 0;
    for (const [first, end] of stretches) {
      for (let start = first; start + length <= end; start += length / 2) {
        const piece = Float64Array.from({ length }, (_, i) => values[(start + i) * channels.length + channel]);
        const mean = piece.reduce((sum, value) => sum + value, 0) / length;
        if (!Number.isFinite(mean)) continue;
        const { real, imaginary } = fourier(piece.map((value, i) => (value - mean) * window[i]));
        for (let bin = 0; bin < bins; bin += 1) {
          const sides = bin === 0 || bin === length / 2 ? 1 : 2;
          density[channel * bins + bin] += sides * scale * (real[bin] ** 2 + imaginary[bin] ** 2);
        }
        count += 1;
      }
    }
    return count;
  });
  const mean = density.map((power, at) => power / windows[Math.floor(at / bins)]);
  const frequencies = Float64Array.from({ length: bins }, (_, bin) => (bin * rate) / length);
  return { frequencies, density: mean, channels, windows, seconds: length / rate };
}

/**
 * @param {Float64Array} times
 * @param {number} rate
 * @returns {[number, number][]} rows [first, end) without a gap
 */
function stretchesOf(times, rate) {
  /** @type {[number, number][]} */
  const found = [];
  let first = 0;
  for (let row = 1; row <= times.length; row += 1) {
    if (row < times.length && times[row] - times[row - 1] < 1.5 / rate) continue;
    found.push([first, row]);
    first = row;
  }
  return found;
}

/**
 * @param {number} count of samples in a row
 * @param {number} rate
 * @returns {number} samples of a window: a power of two
 */
function windowLength(count, rate) {
  const most = powerBelow(count);
  const averaged = Math.max(powerBelow((2 * count) / (LEAST_WINDOWS + 1)), Math.min(SHORT_WINDOW, most));
  return Math.min(averaged, Math.max(2 * powerBelow(LONGEST_SECONDS * rate * 0.999), Math.min(SHORT_WINDOW, most)));
}

/** @param {number} number at least 1 @returns {number} the highest power of two that is not above it */
function powerBelow(number) {
  return 2 ** Math.floor(Math.log2(Math.max(number, 1)));
}

/**
 * A Fourier transform of so many real numbers, a power of two.
 * @param {number} length
 * @returns {(input: Float64Array) => {real: Float64Array, imaginary: Float64Array}} the same arrays each time
 */
function makeFourier(length) {
  const cosines = Float64Array.from({ length: length / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / length));
  const sines = Float64Array.from({ length: length / 2 }, (_, i) => -Math.sin((2 * Math.PI * i) / length));
  const real = new Float64Array(length);
  const imaginary = new Float64Array(length);
  const places = new Uint32Array(length);
  for (let i = 1; i < length; i += 1) places[i] = (places[i >> 1] >> 1) | (i & 1 ? length >> 1 : 0);
  return (input) => {
    imaginary.fill(0);
    for (let i = 0; i < length; i += 1) real[i] = input[places[i]];
    for (let half = 1; half < length; half *= 2) {
      const stride = length / (2 * half);
      for (let start = 0; start < length; start += 2 * half) {
        for (let i = 0; i < half; i += 1) {
          const [one, other] = [start + i, start + i + half];
          const [cosine, sine] = [cosines[i * stride], sines[i * stride]];
          const turned = real[other] * cosine - imaginary[other] * sine;
          const turnedToo = real[other] * sine + imaginary[other] * cosine;
          real[other] = real[one] - turned;
          imaginary[other] = imaginary[one] - turnedToo;
          real[one] += turned;
          imaginary[one] += turnedToo;
        }
      }
    }
    return { real, imaginary };
  };
}
