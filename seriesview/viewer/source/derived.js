/** @file Series that steps make of others, computed here from raw samples block by block: what is read of them is as if stored. */

import { keyOfSteps, parseSteps } from '../steps/parse.js';
import { planSteps } from '../steps/plan.js';
import { SourceError } from './errors.js';
import { makeKept } from './kept.js';
import { emptyNumbers } from './numbers.js';
import { channelPlaces } from './series.js';
import { makeHulls } from './windows.js';

/** @typedef {import('../types.js').Numbers} Numbers */
/** @typedef {import('../types.js').SampleWindow} SampleWindow */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('../types.js').Source} Source */
/** @typedef {import('../steps/parse.js').Step} Step */
/** @typedef {import('../steps/plan.js').Plan} Plan */

/**
 * @typedef {object} Derived
 * @property {string} uri that it goes by here
 * @property {string} of URI of its source
 * @property {Plan} plan
 * @property {(numChannels: number) => number} mostSamples of a stretch of some channels that can be computed at once; below 1: none
 * @property {(signal?: AbortSignal) => Promise<void>} measure finds what is typical of its channels
 */
/** @typedef {Source & {derive: (uri: string, steps: Step[]) => Derived}} DerivingSource */

export const TOO_FAR = 'these filters reach too far to be computed here';
/** Blocks begin at multiples of at least so many samples. */
const LEAST_BLOCK = 2048;
const CHUNK_VALUES = 2 ** 19;
const MOST_CHUNK = 8192;
/** So many screens of samples are computed for a file or a spectrum. */
const MOST_SCREENS = 16;
const KEPT_BYTES = 64 * 2 ** 20;
/** What is typical comes from so many stretches of so many samples at most, evenly apart. */
const STRETCHES = 8;
const STRETCH_SAMPLES = 2048;

/**
 * The source, and what steps make of its series.
 * @param {Source} source
 * @param {Record<string, SeriesManifest>} series by URI
 * @returns {DerivingSource}
 */
export function withDerived(source, series) {
  /** @type {Map<string, Derived>} */
  const known = new Map();
  /** By what they go by when they are first made, and the segments that they were made of.
   * @type {Map<string, {derived: Derived, segments: import('../types.js').Segment[]}>} */
  const latest = new Map();
  /** Series that were built, by URI; null: not to be computed here. @type {Map<string, Derived | null>} */
  const computed = new Map();
  const chunks = makeKept(KEPT_BYTES);
  const blocks = makeKept(KEPT_BYTES);

  /**
   * Raw samples [first, last) of a segment, whatever they are asked in: chunks on a grid.
   * @param {string} uri
   * @param {number} segment
   * @param {number} first
   * @param {number} last
   * @param {Uint32Array} inputs
   * @param {AbortSignal} [signal]
   * @returns {Promise<Numbers>} (last - first, inputs)
   */
  async function rawSamples(uri, segment, first, last, inputs, signal) {
    const { channels, segments, numbersDtype } = series[uri];
    const length = segments[segment].num_samples;
    const width = inputs.length;
    const ids = width === channels.length ? null : Array.from(inputs, (place) => channels[place].id);
    const rows = 2 ** Math.max(Math.floor(Math.log2(Math.min(CHUNK_VALUES / width, MOST_CHUNK))), 4);
    const numbers = Array.from(
      { length: Math.ceil(last / rows) - Math.floor(first / rows) },
      (_, index) => index + Math.floor(first / rows),
    );
    const found = await Promise.all(
      numbers.map((number) =>
        chunks.once(
          `${uri} ${segment} ${ids ? inputs.join() : ''} ${number} ${Math.min(rows, length - number * rows)}`,
          async (end) => {
            const columns = Math.max(Math.min(rows, length - number * rows) - 1, 1);
            const request = { segment, firstSample: number * rows, samplesPerColumn: 1, columns, channels: ids };
            const { values } = await source.getWindow(uri, request, end);
            if (!values) throw new SourceError('damaged', `${series[uri].label}: the answer holds no samples`);
            return values;
          },
          signal,
        ),
      ),
    );
    const isHeld = found.some((values) => values instanceof Float64Array || values instanceof Float32Array);
    const all = isHeld ? new Float64Array((last - first) * width) : emptyNumbers(numbersDtype, (last - first) * width);
    found.forEach((values, index) => {
      const begin = numbers[index] * rows;
      const [from, to] = [Math.max(first - begin, 0), Math.min(last - begin, rows)];
      all.set(values.subarray(from * width, to * width), (begin + from - first) * width);
    });
    return all;
  }

  /**
   * Samples [first, last) of some channels of a segment, from whole blocks.
   * @param {Derived} derived
   * @param {number} segment
   * @param {number} first
   * @param {number} last
   * @param {Uint32Array} places
   * @param {AbortSignal} [signal]
   * @returns {Promise<Numbers>} (last - first, places)
   */
  async function samples({ uri, of, plan, mostSamples }, segment, first, last, places, signal) {
    const { margin, manifest } = plan;
    const length = manifest.segments[segment].num_samples;
    const inputs = plan.inputs(places);
    const most = mostSamples(inputs.length);
    if (most < 1) throw new SourceError('refused', TOO_FAR);
    // Blocks as long as their margins, but far shorter than what is computed at once.
    const size = Math.max(2 ** Math.floor(Math.log2(Math.min(4 * margin + 1, most / 4))), LEAST_BLOCK);
    const width = places.length;
    const group = `${uri} ${segment} ${width === manifest.channels.length ? '' : places.join()}`;
    const keyOf = (/** @type {number} */ number) => `${group} ${number}`;
    const all = emptyNumbers(manifest.numbersDtype, (last - first) * width);
    const end = Math.ceil(last / size);
    for (let number = Math.floor(first / size); number < end;) {
      let next = number + 1;
      // Blocks that follow one another share their margins.
      while (!blocks.has(keyOf(number)) && next < end && !blocks.has(keyOf(next))) next += 1;
      const begin = number * size;
      const stop = Math.min(next * size, length);
      const compute = async (/** @type {AbortSignal} */ given) => {
        const [from, to] = [Math.max(begin - margin, 0), Math.min(stop + margin, length)];
        const raw = await rawSamples(of, segment, from, to, inputs, given);
        given.throwIfAborted();
        return plan.compute(raw, inputs, places, [from === 0, to === length], begin - from, stop - from);
      };
      const run =
        next === number + 1
          ? await blocks.once(keyOf(number), compute, signal)
          : await compute(signal ?? new AbortController().signal);
      if (next > number + 1)
        for (let each = number; each < next; each += 1)
          void blocks.once(keyOf(each), async () =>
            run.slice((each - number) * size * width, (each + 1 - number) * size * width),
          );
      const [low, high] = [Math.max(first, begin), Math.min(last, stop)];
      all.set(run.subarray((low - begin) * width, (high - begin) * width), (low - first) * width);
      number = next;
    }
    return all;
  }

  /** @param {Derived} derived @param {import('../types.js').WindowRequest} request @param {AbortSignal} [signal] @returns {Promise<SampleWindow>} */
  async function windowOf(derived, { segment, firstSample, samplesPerColumn: step, columns: asked, channels }, signal) {
    const { manifest } = derived.plan;
    const places = channelPlaces(manifest, channels);
    const length = manifest.segments[segment].num_samples;
    const columns = Math.min(asked, Math.max(Math.ceil((length - 1 - firstSample) / step), 1));
    const last = Math.min(firstSample + columns * step, length - 1);
    const values = await samples(derived, segment, firstSample, last + 1, places, signal);
    const answer = { firstSample, samplesPerColumn: step, factor: 1 };
    if (step === 1) return { ...answer, columns: last - firstSample, envelope: null, values };
    const own = Uint32Array.from(places.keys());
    const hulls = makeHulls(manifest.numbersDtype, columns, own);
    for (let sample = 0, at = 0; sample <= last - firstSample; sample += 1, at += own.length) {
      const column = Math.floor(sample / step);
      if (column < columns) hulls.addSample(column, values, at);
      // A sample between two columns belongs to both.
      if (column > 0 && sample % step === 0) hulls.addSample(column - 1, values, at);
    }
    return { ...answer, columns, envelope: hulls.finish(), values: null };
  }

  /** @param {Derived} derived @param {number} segment @param {number} first @param {number} last @param {string[] | null} channels */
  async function statisticsOf(derived, segment, first, last, channels) {
    const { manifest } = derived.plan;
    const places = channelPlaces(manifest, channels);
    const most = derived.mostSamples(derived.plan.inputs(places).length);
    if (last - first + 1 > most && most >= 1) {
      const seconds = most / (manifest.sampling_frequency ?? 1);
      throw new SourceError(
        'refused',
        `filtered samples are counted in up to ${seconds.toPrecision(3)} s: select less`,
      );
    }
    const values = await samples(derived, segment, first, last + 1, places);
    return statisticsOfRows(values, places.length);
  }

  /** @param {Derived} derived @param {AbortSignal} [signal] */
  async function measure(derived, signal) {
    const { manifest } = derived.plan;
    let places = Uint32Array.from(manifest.channels.keys());
    const mostOf = () => derived.mostSamples(derived.plan.inputs(places).length);
    // Of too many channels some stand for all: those of a kind share a scale.
    while (places.length > 1 && mostOf() < STRETCH_SAMPLES) places = places.filter((_, index) => index % 2 === 0);
    const most = mostOf();
    const total = manifest.segments.reduce((sum, segment) => sum + segment.num_samples, 0);
    const size = Math.min(STRETCH_SAMPLES, Math.floor(most), total);
    if (size < 1) return;
    const affordable = Math.floor((most + 2 * derived.plan.margin) / (size + 2 * derived.plan.margin));
    const count = Math.max(Math.min(STRETCHES, affordable, Math.floor(total / size)), 1);
    /** @type {Numbers[]} */
    const found = [];
    let fault = null;
    for (let stretch = 0; stretch < count; stretch += 1) {
      let first = Math.floor(((stretch + 0.5) * total) / count - size / 2);
      const segment = manifest.segments.findIndex(({ num_samples: length }) => {
        if (first < length) return true;
        first -= length;
        return false;
      });
      const last = Math.min(first + size, manifest.segments[segment].num_samples);
      try {
        found.push(await samples(derived, segment, first, last, places, signal));
      } catch (cause) {
        // Not every stretch goes along with what is shared.
        if (signal?.aborted) throw cause;
        fault = cause;
      }
    }
    if (!found.length) throw fault;
    places.forEach((channel, place) => {
      const values = found.flatMap((rows) =>
        Array.from({ length: rows.length / places.length }, (_, row) => rows[row * places.length + place]),
      );
      const sorted = Float64Array.from(values.filter(Number.isFinite)).sort();
      if (sorted.length)
        manifest.channels[channel].typical = [0.01, 0.5, 0.99].map(
          (share) => sorted[Math.floor(share * (sorted.length - 1) + 0.5)],
        );
    });
  }

  /**
   * What was built, and of what a source without a backend has no samples, computed from those of its source.
   * @param {string} uri
   * @returns {Derived | null}
   */
  function rebuilt(uri) {
    const manifest = series[uri];
    const from = manifest?.from;
    if (known.has(uri) || !from || !series[from] || !manifest.values?.linked || !manifest.values.isComputed)
      return null;
    const steps = parseSteps(manifest.steps);
    if (!steps || source.finestSamplesPerColumn(uri) === 1 || source.finestSamplesPerColumn(from) > 1) return null;
    const found = computed.has(uri) ? (computed.get(uri) ?? null) : recomputed(uri, from, steps);
    computed.set(uri, found);
    return found;
  }

  /**
   * What a manifest says that steps made of its source, where that can be made here, and is as large as it says.
   * @param {string} uri
   * @param {string} from
   * @param {Step[]} steps
   * @returns {Derived | null}
   */
  function recomputed(uri, from, steps) {
    const { channels, segments } = series[uri];
    try {
      const found = { ...derivedOf(uri, from, steps), measure: async () => {} };
      const { manifest, inputs } = found.plan;
      const isSame =
        manifest.channels.length === channels.length &&
        manifest.segments.length === segments.length &&
        manifest.segments.every(({ num_samples: length }, number) => length === segments[number].num_samples);
      if (!isSame || found.mostSamples(inputs(channels.keys()).length) < 1) return null;
      found.plan.manifest = { ...manifest, channels };
      return found;
    } catch {
      // Its levels are there.
      return null;
    }
  }

  /** @param {string} uri @param {string} from @param {Step[]} steps @returns {Derived} */
  function derivedOf(uri, from, steps) {
    const plan = planSteps(series[from], steps);
    /** @type {Derived} */
    const derived = {
      uri,
      of: from,
      plan,
      mostSamples: plan.mostSamples,
      measure: (signal) => measure(derived, signal),
    };
    return derived;
  }

  const of = (/** @type {string} */ uri) => known.get(uri)?.of ?? uri;
  return {
    ...source,
    derive(uri, steps) {
      const name = `${uri}#${keyOfSteps(steps)}`;
      const before = latest.get(name);
      if (before?.segments === series[uri].segments) return before.derived;
      // Of a recording that has grown since everything is made anew, but for the scale.
      const derived = derivedOf(before ? `${name} ${series[uri].segments.at(-1)?.num_samples}` : name, uri, steps);
      if (before) {
        const { channels } = before.derived.plan.manifest;
        derived.plan.manifest.channels.forEach((channel, place) => (channel.typical = channels[place].typical));
        if (channels.some(({ typical }) => typical)) derived.measure = async () => {};
        known.delete(before.derived.uri);
        delete series[before.derived.uri];
      }
      known.set(derived.uri, derived);
      latest.set(name, { derived, segments: series[uri].segments });
      return derived;
    },
    getSeries: async (uri) => known.get(uri)?.plan.manifest ?? source.getSeries(uri),
    finestSamplesPerColumn: (uri) => (rebuilt(uri) ? 1 : source.finestSamplesPerColumn(of(uri))),
    async getWindow(uri, request, signal) {
      const { samplesPerColumn, firstSample } = request;
      const isBin = (/** @type {{factor: number}} */ { factor }) =>
        samplesPerColumn % factor === 0 && firstSample % factor === 0;
      const derived = known.get(uri) ?? (series[uri]?.levels.some(isBin) ? null : rebuilt(uri));
      return derived ? windowOf(derived, request, signal) : source.getWindow(uri, request, signal);
    },
    async getStatistics(uri, segment, first, last, channels) {
      const derived = known.get(uri);
      return derived
        ? statisticsOf(derived, segment, first, last, channels)
        : source.getStatistics(uri, segment, first, last, channels);
    },
    measure: (uri) => known.get(uri)?.measure,
    mostSamples(uri, channels) {
      const derived = known.get(uri);
      if (!derived) return Infinity;
      const { inputs, manifest } = derived.plan;
      return MOST_SCREENS * derived.mostSamples(inputs(channelPlaces(manifest, channels)).length);
    },
    outOfReach: (uri) => source.outOfReach?.(of(uri)) ?? null,
  };
}

/**
 * @param {Numbers} values (n, width), NaN where missing
 * @param {number} width
 * @returns {import('../types.js').Statistics}
 */
function statisticsOfRows(values, width) {
  const rows = Array.from({ length: width }, (_, place) => {
    const own = new Float64Array(values.length / width);
    for (let index = 0, at = place; index < own.length; index += 1, at += width) own[index] = values[at];
    const there = own.filter(Number.isFinite);
    if (!there.length) return { count: 0, mean: null, rms: null, std: null, min: null, max: null };
    const count = there.length;
    const mean = there.reduce((sum, value) => sum + value, 0) / count;
    const std = Math.sqrt(there.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count);
    const [min, max] = there.reduce(
      ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
      [Infinity, -Infinity],
    );
    return { count, mean, std, rms: Math.hypot(mean, std), min, max };
  });
  const column = (/** @type {'count' | 'mean' | 'rms' | 'std' | 'min' | 'max'} */ key) => rows.map((row) => row[key]);
  return /** @type {any} */ ({
    count: column('count'),
    mean: column('mean'),
    rms: column('rms'),
    std: column('std'),
    min: column('min'),
    max: column('max'),
  });
}
