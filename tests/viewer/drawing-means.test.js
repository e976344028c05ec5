/** @file Columns of means: of samples and of bins, whole and rounded. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { addBins, addSamples, emptyHulls } from '../../seriesview/viewer/drawing/columns.js';

const positions = Int32Array.of(0);

test('a column is the mean of the samples that begin in it, each of which is in one block', () => {
  const hulls = emptyHulls(0, 3, 1, true);
  const place = { origin: 0, samplesPerColumn: 2, columnsPerSample: 1, numSamples: 6 };
  const blocks = [
    { first: 0, count: 4, offset: 0, width: 1, data: Float32Array.of(1, 3, 5, 100) },
    { first: 3, count: 3, offset: 0, width: 1, data: Float32Array.of(NaN, 8, 1000) },
  ];
  for (const block of blocks) addSamples(hulls, 0, 3, place, block, positions);
  assert.deepEqual([...hulls.low], [2, 5, 8]);
  assert.deepEqual(hulls.high, hulls.low);
});

test('closer than a sample each column has the one that it lies behind', () => {
  const hulls = emptyHulls(0, 4, 1, true);
  const place = { origin: 0, samplesPerColumn: 0.5, columnsPerSample: 2, numSamples: 3 };
  const block = { first: 0, count: 3, offset: 0, width: 1, data: Float32Array.of(1, 3, 5) };
  addSamples(hulls, 0, 4, place, block, positions);
  assert.deepEqual([...hulls.low], [1, 1, 3, 3]);
});

test('stored bins weigh as many samples as they are of', () => {
  const hulls = emptyHulls(0, 1, 1, true);
  const place = { origin: 0, samplesPerColumn: 8, columnsPerSample: 1, numSamples: 9 };
  const data = Float32Array.of(2, 4, 6, 2);
  addBins(hulls, 0, 1, place, { factor: 4, first: 0, count: 2, offset: 0, width: 1, data, hasCounts: true }, positions);
  assert.ok(Math.abs(hulls.low[0] - 20 / 6) < 1e-12);
});
