/** @file What a series is read from at a zoom: whole columns, bins that columns are rounded to, or samples. */

import { MOST_OF_PAGE, isPage, segmentColumns } from '../geometry/timeline.js';
import { sourceFactor, zoomLadder } from '../geometry/ladder.js';

/** @typedef {import('../types.js').Rung} Rung */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('../types.js').Timeline} Timeline */

/**
 * @typedef {object} Plan
 * @property {number} step samples a bin that tiles hold; 1: samples
 * @property {boolean} isWhole columns are whole bins (or samples whole columns), and segments start at whole columns
 * @property {number} samplesPerColumn of the series; may have a fraction
 * @property {number} columnsPerSample
 * @property {string[]} notes
 */

/** Columns of a series of another rate are rounded to bins of at most this part of a column. */
const FINEST_SHARE = 4;

/**
 * Why raw samples of a series without them cannot be shown, in words.
 * @param {SeriesManifest} manifest
 * @returns {string}
 */
export function whyNoSamples({ values }) {
  if (values?.linked && values.isComputed) return 'raw samples are computed from those of the source, by a backend';
  return values?.linked
    ? 'raw samples are in the recording itself, which only a backend reads'
    : 'stored without raw samples';
}

/**
 * @param {Timeline} timeline
 * @param {Rung} rung
 * @param {SeriesManifest} manifest regular, with at least one segment
 * @param {string} uri
 * @param {number} finest the smallest samplesPerColumn that is read exactly: 1 with raw samples
 * @returns {Plan}
 */
export function planOf(timeline, rung, manifest, uri, finest) {
  const { samplesPerColumn, columnsPerSample, isWhole } = segmentColumns(timeline, rung, manifest, uri, 0);
  const factors = manifest.levels.map((level) => level.factor);
  const own = { samplesPerColumn: columnsPerSample > 1 ? 1 / columnsPerSample : samplesPerColumn, columnsPerSample };
  if (isWhole && isCheap(samplesPerColumn, factors, finest)) {
    const ends = `zoom ends here, at bins of ${finest} samples: ${whyNoSamples(manifest)}`;
    return {
      ...own,
      step: samplesPerColumn,
      isWhole: true,
      notes: finest > 1 && samplesPerColumn === finest ? [ends] : [],
    };
  }
  const rounded = { samplesPerColumn: own.samplesPerColumn, columnsPerSample: 1, isWhole: false };
  // Finer than the finest bins, and pages: samples.
  const most = isPage(rung) ? MOST_OF_PAGE : 2 * FINEST_SHARE;
  if (finest === 1 && own.samplesPerColumn <= most) return { ...rounded, step: 1, notes: [] };
  const numSamples = manifest.segments.reduce((sum, segment) => sum + segment.num_samples, 0);
  const rungs = zoomLadder(factors, Math.max(numSamples, 1), finest === 1).filter((each) => each > 1);
  const fitting = rungs.filter((each) => each * FINEST_SHARE <= own.samplesPerColumn);
  const step = fitting.length ? fitting[fitting.length - 1] : Math.max(finest, rungs[0] ?? 2);
  const share = Math.min(step / 2 / own.samplesPerColumn, 1);
  const note = fitting.length
    ? `columns are rounded to whole bins of ${step} samples, right to ${share.toFixed(2)} of a column at their edges`
    : `${whyNoSamples(manifest)}: nothing finer than bins of ${step} samples can be shown`;
  return { ...rounded, step, notes: [note] };
}

/**
 * Whether whole columns can be read without going through far more samples than there are columns.
 * @param {number} samplesPerColumn
 * @param {number[]} factors
 * @param {number} finest
 * @returns {boolean}
 */
function isCheap(samplesPerColumn, factors, finest) {
  const factor = sourceFactor(samplesPerColumn, factors, finest === 1);
  if (factor === null) return false;
  return factor > 1 || !factors.length || samplesPerColumn < 4 * factors[0];
}
