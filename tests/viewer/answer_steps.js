/**
 * @file Answers what steps make of series, as JSON: on standard input cases of {manifest, steps, segments: (n, C) numbers, null
 * for NaN, spans: [segment, first, last]}; of each the channels afterwards and the samples of the spans, or the fault of the steps.
 */

import { json } from 'node:stream/consumers';
import process from 'node:process';

import { withDerived } from '../../seriesview/viewer/source/derived.js';
import { emptyNumbers } from '../../seriesview/viewer/source/numbers.js';
import { channelPlaces } from '../../seriesview/viewer/source/series.js';
import { faultOf } from '../../seriesview/viewer/steps/offers.js';
import { parseSteps } from '../../seriesview/viewer/steps/parse.js';

/** @param {any} given @returns {Promise<any>} */
async function answered({ manifest, steps, segments, spans }) {
  const error = faultOf(manifest, steps);
  if (error) return { error };
  const width = manifest.channels.length;
  const samples = segments.map((/** @type {(number | null)[]} */ values) => {
    const dtype = values.includes(null) ? (manifest.absent?.dtype ?? manifest.dtype) : manifest.dtype;
    const numbers = emptyNumbers(dtype, values.length);
    numbers.set(values.map((value) => value ?? NaN));
    return numbers;
  });
  /** @type {any} */
  const memory = {
    async getWindow(
      /** @type {string} */ _,
      /** @type {import('../../seriesview/viewer/types.js').WindowRequest} */ {
        segment,
        firstSample,
        columns,
        channels,
      },
    ) {
      const length = samples[segment].length / width;
      const last = Math.min(firstSample + columns, length - 1);
      const places = channelPlaces(manifest, channels);
      const values = emptyNumbers('float64', (last + 1 - firstSample) * places.length);
      for (let sample = firstSample, at = 0; sample <= last; sample += 1)
        for (const place of places) values[at++] = samples[segment][sample * width + place];
      return { values: samples[segment] instanceof Int16Array ? Int16Array.from(values) : values };
    },
  };
  const source = withDerived(memory, { s: manifest });
  const { uri, plan } = source.derive('s', parseSteps(steps) ?? []);
  const { dtype, channels } = plan.manifest;
  const windows = [];
  for (const [segment, first, last] of spans) {
    const request = { segment, firstSample: first, samplesPerColumn: 1, columns: Math.max(last - first - 1, 1) };
    const { values } = await source.getWindow(uri, { ...request, channels: null });
    windows.push(Array.from(values ?? [], (value) => (Number.isNaN(value) ? null : value)));
  }
  return { dtype, channels, sources: plan.sources, windows };
}

const answers = [];
for (const each of await json(process.stdin)) answers.push(await answered(each));
process.stdout.write(JSON.stringify(answers));
