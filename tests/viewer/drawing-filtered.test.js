/** What a panel with steps is drawn from, near and far, and with what was built. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { createSession } from '../../seriesview/viewer/drawing/session.js';
import { memoryFigure, memorySeries, memorySource } from './memorySource.js';

/** @typedef {import('../../seriesview/viewer/types.js').Painted} Painted */

const MONTAGE = [
  ['c0', 'c1'],
  ['c1', ['c0', 'c2']],
];
const STEPS = [{ montage: MONTAGE }, { lowpass: 20 }];
/** For a screen too many samples beside it have to be gone through. */
const SLOW = [{ montage: MONTAGE }, { lowpass: 0.01 }];
/** The same as a manifest has them. */
const WRITTEN = [
  { montage: [{ 'c0-c1': { c0: 1, c1: -1 } }, { 'c1-(c0+c2)/2': { c1: 1, c0: -0.5, c2: -0.5 } }] },
  { lowpass: 0.01, order: 5, phase: 'zero' },
];

/**
 * The picture of the first 100 columns.
 * @param {number} samplesPerColumn
 * @param {import('../../seriesview/viewer/types.js').PanelSettings} settings
 * @param {boolean} isBuilt
 * @returns {Promise<Painted>}
 */
async function painted(samplesPerColumn, settings, isBuilt) {
  const count = 20_000;
  const more = { channels: ['c0', 'c1', 'c2'].map((id) => ({ id, label: id })) };
  const samples = Float64Array.from({ length: 3 * count }, (_, at) => Math.sin(at / 50) + (at % 3));
  const raw = memorySeries([samples], { channels: 3, factors: [16, 256], more });
  const two = Float64Array.from({ length: 2 * count }, (_, at) => at % 5);
  const of = { from: 'raw', steps: isBuilt ? WRITTEN : [{ lowpass: 30 }] };
  const built = memorySeries([two], { channels: 2, factors: [16, 256], more: of });
  const series = { raw, built };
  const { figure, timeline } = memoryFigure(series, [{ type: 'ContinuousTraces', uri: 'raw' }]);
  const finest = (/** @type {string} */ uri) => (uri === 'built' ? 16 : 1);
  return new Promise((resolve) => {
    const source = { ...memorySource(series), finestSamplesPerColumn: finest };
    const session = createSession(source, figure, [timeline], (message) => {
      if (message.type === 'painted' && (message.painted.isComplete || message.painted.error)) resolve(message.painted);
    });
    const frame = { samplesPerColumn, columnsPerSample: 1, leftColumn: 0, columns: 100 };
    const panel = { key: '0', type: 'ContinuousTraces', seriesUri: 'raw', height: 90, pixelRatio: 1, settings };
    session.paint({ type: 'paint', number: 1, frame, panels: [panel], isDark: false });
  });
}

const ids = (/** @type {Painted} */ { lanes }) => lanes.map(({ id }) => id);

test('near, samples go through the steps; where they cannot, what was built with the same ones is drawn', async () => {
  const near = await painted(3, { steps: STEPS }, false);
  assert.equal(near.raw, null);
  assert.deepEqual(ids(near), ['c0-c1', 'c1-(c0+c2)/2']);
  const built = await painted(16, { steps: SLOW }, true);
  assert.equal(built.error, null);
  assert.equal(built.raw, null);
  // It has two channels, and names of its own.
  assert.deepEqual(ids(built), ['c0', 'c1']);
  const pale = await painted(16, { steps: SLOW }, false);
  assert.deepEqual(ids(pale), ['c0', 'c1', 'c2']);
  assert.equal(pale.raw?.why, 'these filters reach too far to be computed here');
  assert.equal(pale.raw?.line, '{from: DATASET, steps: [{montage: [[c0, c1], [c1, [c0, c2]]]}, {lowpass: 0.01}]}');
});

test('what is raw for now, or cannot be, says so', async () => {
  assert.deepEqual(ids(await painted(3, { steps: STEPS, isRaw: true }, false)), ['c0', 'c1', 'c2']);
  const wrong = await painted(3, { steps: [{ montage: [['c0', 'c9']] }] }, false);
  assert.match(wrong.error ?? '', /no channel c9/);
});
