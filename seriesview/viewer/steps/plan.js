/**
 * @file What steps make of a series: its channels and numbers afterwards, what they need for it, and the computing. Python
 * (seriesview/steps/) has the same.
 */

import { emptyNumbers } from '../source/numbers.js';
import { fillOf, stageOf } from './stages.js';

/** @typedef {import('../types.js').Numbers} Numbers */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('./parse.js').Step} Step */
/** @typedef {import('./stages.js').Stage} Stage */
/** @typedef {import('./stages.js').StepChannel} StepChannel */

/**
 * @typedef {object} Plan
 * @property {SeriesManifest} manifest afterwards; without levels, and what is typical of channels is not known yet
 * @property {number} margin samples to each side
 * @property {(numChannels: number) => number} mostSamples of so many channels that are computed for a screen
 * @property {(number | null)[]} sources which channel each was before; null: made of several
 * @property {(places: Iterable<number>) => Uint32Array} inputs channels that some of those afterwards come from, ascending
 * @property {(values: Numbers, inputs: Uint32Array, places: Uint32Array, ends: [boolean, boolean], from: number, to: number) => Numbers} compute
 *   rows [from, to) of some channels afterwards, (to - from, places), of rows of stored values (n, inputs), NaN where missing
 */

/** Lowest and highest numbers of what stays integers. @type {Record<string, [number, number]>} */
const RANGES = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
};
/** Values of the source, with margins, that are gone through for a screen. */
const MOST_VALUES = 4e6;
/** Samples that are taken apart at once. */
const AT_ONCE = 32;
/** Added to a number and taken away again it rounds, halves to even ones. */
const ONES = 1.5 * 2 ** 52;

/**
 * @param {SeriesManifest} manifest regular
 * @param {Step[]} steps
 * @returns {Plan} throws an Error in words where it cannot be
 */
export function planSteps(manifest, steps) {
  const rate = manifest.sampling_frequency ?? 0;
  if (!(rate > 0)) throw new Error(`${manifest.label} is not sampled at equal distances: it cannot be filtered.`);
  let channels = sourceChannels(manifest);
  /** @type {Stage[]} */
  const stages = [];
  for (const step of steps) {
    const made = stageOf(step, channels, rate);
    stages.push(...made.stages);
    channels = made.channels;
  }
  const isInteger = Object.hasOwn(RANGES, manifest.dtype) && channels.every(({ keepsSteps }) => keepsSteps);
  const dtype = isInteger ? manifest.dtype : /64$/.test(manifest.dtype) ? 'float64' : 'float32';
  const numbersDtype = isInteger && channels.some(({ mayMiss }) => mayMiss) ? floatOf(dtype) : dtype;
  const margin = stages.reduce((sum, each) => sum + each.margin, 0);
  const middle = dtype.startsWith('uint') ? (RANGES[dtype][1] + 1) / 2 : 0;
  const shifts = channels.map(({ isCentred }) => (isCentred ? middle : 0));
  return {
    manifest: {
      ...manifest,
      preview: undefined,
      state: undefined,
      from: undefined,
      dtype,
      numbersDtype,
      absent: null,
      channels: channels.map((channel, place) => {
        const { id, label, scale, offset, unit, type, group, bad, x, y } = channel;
        const own = { id, label, scale, offset: offset - shifts[place] * scale, unit };
        const more = { ...(type ? { type } : {}), ...(group ? { group } : {}), ...(bad ? { bad } : {}) };
        return { ...own, ...more, ...(x === undefined ? {} : { x }), ...(y === undefined ? {} : { y }) };
      }),
      segments: manifest.segments.map((segment) => ({ ...segment, min_value: null, max_value: null })),
      levels: [],
      moments: [],
      counts: [],
    },
    margin,
    mostSamples: (numChannels) => MOST_VALUES / numChannels - 2 * margin,
    sources: channels.map(({ source }) => source),
    inputs(places) {
      const needed = stages.reduceRight((wanted, stage) => stage.needs(wanted), new Set(places));
      return Uint32Array.from(needed).sort();
    },
    compute(values, inputs, places, ends, from, to) {
      const wanted = [new Set(places)];
      for (const stage of [...stages].reverse()) wanted.unshift(stage.needs(wanted[0]));
      const length = values.length / inputs.length;
      let rows = rowsOf(values, inputs);
      stages.forEach((stage, number) => (rows = stage.run(rows, wanted[number + 1], length, ends)));
      const width = places.length;
      const found = emptyNumbers(numbersDtype, (to - from) * width);
      places.forEach((channel, place) => {
        const row = rows[channel];
        if (isInteger) round(row, from, to, shifts[channel], RANGES[dtype], fillOf(channels[channel], RANGES[dtype]));
        for (let index = from, at = place; index < to; index += 1, at += width) found[at] = row[index];
      });
      return found;
    },
  };
}

/** @param {SeriesManifest} manifest @returns {StepChannel[]} before any step */
function sourceChannels({ channels, scale, offset, unit, absent, dtype }) {
  const isFloat = dtype.startsWith('float');
  return channels.map((channel, source) => {
    const rule = absent?.channels[absent.channels.length === 1 ? 0 : source] ?? null;
    const own = { scale: channel.scale ?? scale, offset: channel.offset ?? offset, unit: channel.unit ?? unit };
    const kept = { keepsSteps: true, isCentred: false, rule, mayMiss: isFloat || rule !== null };
    return { ...channel, label: channel.label || channel.id, ...own, source, ...kept };
  });
}

/** @param {string} dtype of integers @returns {string} that holds them, and NaN */
function floatOf(dtype) {
  return dtype.endsWith('32') ? 'float64' : 'float32';
}

/**
 * @param {Numbers} values (n, inputs)
 * @param {Uint32Array} inputs
 * @returns {Float64Array[]} by channel; infinite ones are missing
 */
function rowsOf(values, inputs) {
  /** @type {Float64Array[]} */
  const rows = [];
  const width = inputs.length;
  const isFloat = values instanceof Float32Array || values instanceof Float64Array;
  const length = values.length / width;
  inputs.forEach((channel) => (rows[channel] = new Float64Array(length)));
  // Some samples of all channels at a time, which lie near one another.
  for (let first = 0; first < length; first += AT_ONCE) {
    const end = Math.min(first + AT_ONCE, length);
    for (let place = 0; place < width; place += 1) {
      const row = rows[inputs[place]];
      for (let index = first, at = first * width + place; index < end; index += 1, at += width) row[index] = values[at];
    }
  }
  if (!isFloat) return rows;
  for (const row of rows)
    for (let index = 0; row && index < length; index += 1) if (!Number.isFinite(row[index])) row[index] = NaN;
  return rows;
}

/**
 * Whole numbers in a range; what would stand for no value is moved by one.
 * @param {Float64Array} row
 * @param {number} from
 * @param {number} to
 * @param {number} shift added before
 * @param {[number, number]} range
 * @param {number | null} fill
 */
function round(row, from, to, shift, [low, high], fill) {
  const moved = fill === null ? 0 : fill < high ? fill + 1 : fill - 1;
  for (let index = from; index < to; index += 1) {
    const value = row[index] + shift + ONES - ONES;
    const within = value < low ? low : value > high ? high : value;
    row[index] = within === fill ? moved : within;
  }
}
