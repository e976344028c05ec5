/** @file A source of series that lie in memory, for tests of pure logic: every answer is found by going through all samples. */

import { makeTimeline } from '../../seriesview/viewer/geometry/timeline.js';
import { traitsOf } from '../../seriesview/viewer/panels/registry.js';

/** @typedef {import('../../seriesview/viewer/types.js').SeriesManifest} SeriesManifest */

/** A generator of repeatable numbers in [0, 1). @param {number} seed */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * @typedef {object} MemorySeries
 * @property {SeriesManifest} manifest
 * @property {Float64Array[]} segments samples of each segment, (n, channels)
 * @property {Float64Array[]} [times] of each segment's samples, or of all events
 * @property {Uint32Array} [eventChannels]
 * @property {Map<any, Float64Array>} arrays by ArrayInfo
 */

/**
 * A regular series with its levels and moments.
 * @param {Float64Array[]} segments
 * @param {object} options
 * @param {number} options.channels
 * @param {number} [options.rate]
 * @param {number[]} [options.starts] times of the segments' first samples
 * @param {number[]} [options.factors]
 * @param {Partial<SeriesManifest>} [options.more]
 * @param {Float64Array[]} [options.times]
 * @returns {MemorySeries}
 */
export function memorySeries(segments, { channels, rate = 1000, starts = [0], factors = [], more = {}, times }) {
  const lengths = segments.map((samples) => samples.length / channels);
  const arrays = new Map();
  const levels = factors.map((factor) => {
    const rows = segments.flatMap((samples) => {
      const count = samples.length / channels;
      const bins = count ? Math.max(1, Math.ceil((count - 1) / factor)) : 0;
      return Array.from({ length: bins }, (_, bin) =>
        hull(samples, channels, bin * factor, Math.min((bin + 1) * factor, count - 1)),
      );
    });
    const info = {
      factor,
      dtype: 'float64',
      shape: [rows.length, 2, channels],
      part_rows: 64,
      pack_parts: 1,
      pages: [],
    };
    arrays.set(info, Float64Array.from(rows.flat()));
    return info;
  });
  const momentRows = segments.flatMap((samples) =>
    Array.from({ length: Math.ceil(samples.length / channels / 64) }, (_, bin) =>
      moments(samples, channels, bin * 64, bin * 64 + 64),
    ),
  );
  const moment = {
    factor: 64,
    dtype: 'float64',
    shape: [momentRows.length, 3, channels],
    part_rows: 64,
    pack_parts: 1,
    pages: [],
  };
  arrays.set(moment, Float64Array.from(momentRows.flat()));
  const values = {
    dtype: 'float64',
    shape: [lengths.reduce((a, b) => a + b, 0), channels],
    part_rows: 128,
    pack_parts: 1,
    pages: [],
  };
  arrays.set(values, Float64Array.from(segments.flatMap((samples) => [...samples])));
  const finite = (/** @type {Float64Array} */ samples) => [...samples].filter(Number.isFinite);
  /** @type {SeriesManifest} */
  const manifest = {
    type: 'continuous',
    dtype: 'float64',
    numbersDtype: 'float64',
    absent: null,
    label: 'memory',
    unit: 'uV',
    scale: 1,
    offset: 0,
    channels: Array.from({ length: channels }, (_, index) => ({ id: `c${index}`, label: `channel ${index}` })),
    segments: segments.map((samples, index) => ({
      start_time: times ? times[index][0] : starts[index],
      end_time: times ? times[index][times[index].length - 1] : starts[index] + lengths[index] / rate,
      num_samples: lengths[index],
      min_value: finite(samples).length ? Math.min(...finite(samples)) : null,
      max_value: finite(samples).length ? Math.max(...finite(samples)) : null,
    })),
    sampling_frequency: times ? null : rate,
    notes: [],
    session_start: null,
    values,
    timestamps: times ? { dtype: 'float64', shape: [values.shape[0]], part_rows: 128, pack_parts: 1, pages: [] } : null,
    levels,
    moments: [moment],
    counts: [],
    ...more,
  };
  if (times && manifest.timestamps)
    arrays.set(manifest.timestamps, Float64Array.from(times.flatMap((each) => [...each])));
  return { manifest, segments, times, arrays };
}

/**
 * @param {Float64Array} samples
 * @param {number} channels
 * @param {number} first
 * @param {number} last inclusive
 * @returns {number[]} lowest of each channel, then highest
 */
export function hull(samples, channels, first, last) {
  const low = new Array(channels).fill(NaN);
  const high = new Array(channels).fill(NaN);
  for (let sample = first; sample <= last; sample += 1) {
    for (let channel = 0; channel < channels; channel += 1) {
      const value = samples[sample * channels + channel];
      if (Number.isNaN(value)) continue;
      if (!(value >= low[channel])) low[channel] = value;
      if (!(value <= high[channel])) high[channel] = value;
    }
  }
  return [...low, ...high];
}

/** @param {Float64Array} samples @param {number} channels @param {number} first @param {number} end @returns {number[]} */
function moments(samples, channels, first, end) {
  const result = new Array(3 * channels).fill(0);
  for (let channel = 0; channel < channels; channel += 1) {
    const values = [];
    for (let sample = first; sample < Math.min(end, samples.length / channels); sample += 1) {
      const value = samples[sample * channels + channel];
      if (Number.isFinite(value)) values.push(value);
    }
    const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1);
    result[channel] = values.length;
    result[channels + channel] = mean;
    result[2 * channels + channel] = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  }
  return result;
}

/**
 * @param {Record<string, MemorySeries>} series by URI
 * @param {{finest?: number, onRead?: (what: string) => void}} [options]
 * @returns {import('../../seriesview/viewer/types.js').Source}
 */
export function memorySource(series, { finest = 1, onRead = () => {} } = {}) {
  return {
    kind: 'tasks',
    readJson: async () => ({}),
    getSeries: async (uri) => series[uri].manifest,
    finestSamplesPerColumn: () => finest,
    async getWindow(uri, { segment, firstSample, samplesPerColumn, columns, channels }) {
      onRead(`window ${segment} ${firstSample} ${samplesPerColumn}`);
      const { manifest, segments } = series[uri];
      const width = manifest.channels.length;
      const wanted = channels ? channels.map((id) => manifest.channels.findIndex((each) => each.id === id)) : null;
      const samples = segments[segment];
      const count = samples.length / width;
      const found = Math.min(columns, Math.max(1, Math.ceil((count - 1 - firstSample) / samplesPerColumn)));
      const pick = (/** @type {number[]} */ row) => (wanted ? wanted.map((index) => row[index]) : row);
      const answer = { firstSample, samplesPerColumn, columns: found, factor: 1, envelope: null, values: null };
      if (samplesPerColumn === 1) {
        const end = Math.min(firstSample + found, count - 1);
        const rows = Array.from({ length: end - firstSample + 1 }, (_, row) =>
          pick([...samples.subarray((firstSample + row) * width, (firstSample + row + 1) * width)]),
        );
        return { ...answer, values: Float64Array.from(rows.flat()) };
      }
      const rows = Array.from({ length: found }, (_, column) => {
        const first = firstSample + column * samplesPerColumn;
        const both = hull(samples, width, first, Math.min(first + samplesPerColumn, count - 1));
        return [...pick(both.slice(0, width)), ...pick(both.slice(width))];
      });
      return { ...answer, envelope: Float64Array.from(rows.flat()) };
    },
    async getPoints(uri, startTime, endTime, maxPoints) {
      onRead(`points ${startTime} ${endTime}`);
      const { manifest, segments, times, eventChannels } = series[uri];
      const width = manifest.channels.length;
      const edges = Float64Array.from(
        { length: maxPoints + 1 },
        (_, i) => startTime + (endTime - startTime) * (i / maxPoints),
      );
      edges[maxPoints] = endTime;
      /** @type {{time: number, row: number[]}[]} */
      const all = [];
      (
        times ??
        segments.map((samples, segment) =>
          Float64Array.from(
            { length: samples.length / width },
            (_, i) => manifest.segments[segment].start_time + i / (manifest.sampling_frequency ?? 1),
          ),
        )
      ).forEach((each, segment) =>
        each.forEach((time, index) => {
          if (time < startTime || time > endTime) return;
          const row = eventChannels
            ? [eventChannels[index]]
            : [...segments[segment].subarray(index * width, (index + 1) * width)];
          all.push({ time, row });
        }),
      );
      if (all.length <= maxPoints) {
        const found = Float64Array.from(all, ({ time }) => time);
        if (eventChannels) return { times: found, channels: Uint32Array.from(all, ({ row }) => row[0]) };
        return { times: found, values: Float64Array.from(all.flatMap(({ row }) => row)) };
      }
      const inside = Array.from({ length: maxPoints }, (_, bin) =>
        all.filter(({ time }) => time >= edges[bin] && time <= edges[bin + 1]),
      );
      if (eventChannels) {
        const counts = inside.flatMap((events) =>
          manifest.channels.map((_, channel) => events.filter(({ row }) => row[0] === channel).length),
        );
        return { edges, counts: Uint32Array.from(counts) };
      }
      const envelope = inside.flatMap((found) =>
        hull(Float64Array.from(found.flatMap(({ row }) => row)), width, 0, found.length - 1),
      );
      return { edges, counts: Uint32Array.from(inside, ({ length }) => length), envelope: Float64Array.from(envelope) };
    },
    async getStatistics(uri, segment, firstSample, lastSample, channels) {
      const { manifest, segments } = series[uri];
      const width = manifest.channels.length;
      const wanted = channels
        ? channels.map((id) => manifest.channels.findIndex((each) => each.id === id))
        : manifest.channels.map((_, index) => index);
      const rows = wanted.map((channel) => {
        const values = [];
        for (let i = firstSample; i <= lastSample; i += 1) values.push(segments[segment][i * width + channel]);
        const finite = values.filter(Number.isFinite);
        if (!finite.length) return { count: 0, mean: null, rms: null, std: null, min: null, max: null };
        const mean = finite.reduce((a, b) => a + b, 0) / finite.length;
        const rms = Math.sqrt(finite.reduce((a, b) => a + b * b, 0) / finite.length);
        const std = Math.sqrt(finite.reduce((a, b) => a + (b - mean) ** 2, 0) / finite.length);
        return { count: finite.length, mean, rms, std, min: Math.min(...finite), max: Math.max(...finite) };
      });
      return {
        count: rows.map((row) => row.count),
        mean: rows.map((row) => row.mean),
        rms: rows.map((row) => row.rms),
        std: rows.map((row) => row.std),
        min: rows.map((row) => row.min),
        max: rows.map((row) => row.max),
      };
    },
    async readRows(array, firstRow, lastRow) {
      onRead(`rows ${firstRow} ${lastRow}`);
      const size = array.shape.slice(1).reduce((product, length) => product * length, 1);
      for (const { arrays } of Object.values(series)) {
        const data = arrays.get(array);
        if (data) return data.slice(firstRow * size, lastRow * size);
      }
      throw new Error('no such array');
    },
  };
}

/**
 * A figure of one view, its timeline, and a request for each panel.
 * @param {Record<string, MemorySeries>} series by URI
 * @param {{type: string, uri: string}[]} panels
 * @param {number} [finest]
 */
export function memoryFigure(series, panels, finest = 1) {
  const manifests = Object.fromEntries(Object.entries(series).map(([uri, { manifest }]) => [uri, manifest]));
  const list = panels.map(({ type, uri }, index) => {
    return { key: String(index), type, label: type, seriesUri: uri, traits: traitsOf(type, manifests[uri]) };
  });
  const timeline = makeTimeline(list, manifests, Object.fromEntries(Object.keys(series).map((uri) => [uri, finest])));
  const figure = {
    label: 'memory',
    workspaceUri: null,
    views: [{ label: 'view', panels: list }],
    series: manifests,
    intervalSeries: Object.keys(manifests).filter((uri) => manifests[uri].type === 'interval'),
    seriesNames: Object.fromEntries(Object.keys(manifests).map((uri) => [uri, uri])),
  };
  return { figure, timeline };
}
