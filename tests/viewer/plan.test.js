import assert from 'node:assert/strict';
import { test } from 'node:test';

import { planOf } from '../../seriesview/viewer/drawing/plan.js';
import { makeTimeline } from '../../seriesview/viewer/geometry/timeline.js';
import { parseSeries } from '../../seriesview/viewer/source/manifests.js';

/** @param {number} rate @param {number} samples @param {number[]} factors */
function seriesOf(rate, samples, factors) {
  const segments = [{ start_time: 0, end_time: samples / rate, num_samples: samples }];
  const page = `sha1://${'0'.repeat(40)}/page.dat`;
  const levels = factors.map((factor) => ({
    factor,
    dtype: 'float64',
    shape: [Math.ceil((samples - 1) / factor), 2, 1],
    part_rows: 65536,
    pack_parts: 1,
    pages: [page],
  }));
  return parseSeries({ type: 'continuous', sampling_frequency: rate, segments, levels });
}

test('columns of a series of another rate are right to a quarter of a column, and only what is so is said', () => {
  const series = { fast: seriesOf(30000, 3e6, [64, 256]), slow: seriesOf(30, 3000, [64]) };
  const panels = Object.keys(series).map((seriesUri) => ({ seriesUri }));
  for (const finest of [1, 64]) {
    const timeline = makeTimeline(panels, series, { fast: 1, slow: finest });
    for (const samplesPerColumn of timeline.ladder) {
      const plan = planOf(timeline, { samplesPerColumn, columnsPerSample: 1 }, series.slow, 'slow', finest);
      const text = plan.notes.join();
      if (finest === 1) {
        const isFine = plan.step === 1 || plan.isWhole || plan.step * 4 <= plan.samplesPerColumn;
        assert.ok(isFine, `${samplesPerColumn}: bins of ${plan.step} in columns of ${plan.samplesPerColumn}`);
        assert.ok(!text.includes('without raw samples'), text);
      } else if (plan.samplesPerColumn < finest) {
        assert.match(text, /without raw samples/);
      }
    }
  }
});
