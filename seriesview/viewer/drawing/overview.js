/** @file The whole session in a few columns: RMS of all channels, and gaps. */

import { isRegular } from '../geometry/timeline.js';
import { defaultOrder } from './order.js';
import { combined, unitsOf } from './scales.js';

/** @typedef {import('../types.js').Overview} Overview */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('../types.js').Timeline} Timeline */
/** @typedef {import('./series.js').SeriesData} SeriesData */

const MOST_ROWS = 384;
const MOST_GAPS = 1000;

/**
 * Root mean square around the channel's mean over the whole session, from the coarsest moments.
 * @param {SeriesData | null} series
 * @param {Timeline} timeline
 * @param {number} columns
 * @returns {Promise<Overview>}
 */
export async function overview(series, timeline, columns) {
  const { firstTime, endTime } = timeline;
  const nothing = { columns, firstTime, endTime, channels: [], rms: new Float32Array(0), gaps: [] };
  if (!series) return nothing;
  const { manifest, coarsestMoments } = series;
  const shift = timeline.shifts[series.uri] ?? 0;
  const gaps = gapsOf(manifest, shift);
  const longest = gaps.sort((one, other) => other.end - other.start - (one.end - one.start)).slice(0, MOST_GAPS);
  longest.sort((one, other) => one.start - other.start);
  if (!coarsestMoments) return { ...nothing, gaps: longest };
  if (!series.momentRows()) await series.momentRequest().load();
  const moments = series.momentRows();
  if (!moments) return { ...nothing, gaps: longest };
  const order = defaultOrder(manifest);
  const rows = Math.min(order.length, MOST_ROWS);
  const shown = Array.from({ length: rows }, (_, row) => order[Math.floor((row * order.length) / rows)]);
  const spans = binsOfColumns(manifest, coarsestMoments.factor, shift, timeline, columns);
  const { scale } = unitsOf(manifest);
  const isExact = coarsestMoments.dtype === 'int64';
  const rms = new Float32Array(rows * columns).fill(NaN);
  shown.forEach((channel, row) => {
    const { mean: whole } = combined(moments, channel, order.length, isExact);
    for (let column = 0; column < columns; column += 1) {
      const [first, end] = [spans[2 * column], spans[2 * column + 1]];
      if (first >= end) continue;
      const { count, mean, variance } = combined(moments, channel, order.length, isExact, first, end);
      if (count) rms[row * columns + column] = Math.sqrt(variance + (mean - whole) ** 2) * Math.abs(scale[channel]);
    }
  });
  const ids = shown.map((channel) => manifest.channels[channel].id);
  return { columns, firstTime, endTime, channels: ids, rms, gaps: longest };
}

/**
 * Rows of moments that reach into each column: first and end, two numbers a column.
 * @param {SeriesManifest} manifest
 * @param {number} factor
 * @param {number} shift
 * @param {Timeline} timeline
 * @param {number} columns
 * @returns {Float64Array} (columns, 2)
 */
function binsOfColumns(manifest, factor, shift, { firstTime, endTime }, columns) {
  const spans = new Float64Array(2 * columns);
  for (let column = 0; column < columns; column += 1) spans[2 * column] = Infinity;
  let row = 0;
  for (const { start_time: start, end_time: end, num_samples: count } of manifest.segments) {
    const perSample = (end - start) / Math.max(count, 1);
    const bins = Math.ceil(count / factor);
    for (let bin = 0; bin < bins; bin += 1) {
      const from = start + bin * factor * perSample + shift;
      const to = start + Math.min((bin + 1) * factor, count) * perSample + shift;
      const first = Math.floor(((from - firstTime) / (endTime - firstTime)) * columns);
      const last = Math.ceil(((to - firstTime) / (endTime - firstTime)) * columns) - 1;
      for (let column = Math.max(first, 0); column <= Math.min(Math.max(last, first), columns - 1); column += 1) {
        spans[2 * column] = Math.min(spans[2 * column], row + bin);
        spans[2 * column + 1] = Math.max(spans[2 * column + 1], row + bin + 1);
      }
    }
    row += bins;
  }
  return spans;
}

/**
 * Gaps between segments, in order.
 * @param {SeriesManifest} manifest
 * @param {number} shift
 * @returns {{start: number, end: number}[]} view times
 */
export function gapsOf(manifest, shift) {
  const slack = isRegular(manifest) ? 0.5 / (manifest.sampling_frequency ?? 1) : 0;
  return manifest.segments.flatMap(({ end_time: end }, segment) => {
    const next = manifest.segments[segment + 1];
    return next && next.start_time - end > slack ? [{ start: end + shift, end: next.start_time + shift }] : [];
  });
}
