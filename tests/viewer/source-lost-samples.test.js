import assert from 'node:assert/strict';
import test from 'node:test';

import { openSource } from '../../seriesview/viewer/source/open.js';

const URI = `sha1://${'a'.repeat(40)}/series.json`;
const HASH = 'b'.repeat(40);
const LOST = { code: 'source-gone', message: 'The recording was moved.' };
const NOT_STORED = { code: 'artifact-missing', sha1: HASH, message: 'Not in the store.' };
const LEVEL = {
  factor: 16,
  dtype: 'int16',
  shape: [7, 2, 1],
  part_rows: 8,
  pack_parts: 1,
  pages: [`sha1://${'c'.repeat(40)}/page`],
};
const MOMENTS = {
  factor: 16,
  dtype: 'int64',
  shape: [7, 3, 1],
  part_rows: 8,
  pack_parts: 1,
  pages: [`sha1://${'d'.repeat(40)}/page`],
};

/** A backend whose linked file comes and goes. @param {object} [more] of the manifest */
function lostParent(more = {}) {
  const link = { uri: `sha1://${HASH}/raw.dat`, offset: 0, row_stride: 2, channel_stride: 2, byte_order: 'little' };
  const manifest = {
    type: 'continuous',
    dtype: 'int16',
    sampling_frequency: 10,
    label: 'S',
    segments: [{ start_time: 0, end_time: 10, num_samples: 100 }],
    values: { link },
    levels: [LEVEL],
    moments: [MOMENTS],
    ...more,
  };
  const parent = {
    /** @type {{code: string, message: string, sha1?: string} | null} */
    fault: LOST,
    /** @type {any[]} */
    asked: [],
    /** @type {import('../../seriesview/viewer/types.js').Outside} */
    outside: {
      getFileJson: async () => manifest,
      getFileBytes: async () => new TextEncoder().encode(JSON.stringify(manifest)).buffer,
      async runTask(functionId, _, kwargs) {
        const asked = /** @type {any} */ (kwargs);
        parent.asked.push([functionId, asked]);
        if (functionId.includes('manifest')) return manifest;
        const isWhole = (asked.samples_per_column ?? 1) % 16 === 0 || asked.last_sample === 15;
        if (parent.fault && !isWhole) throw Object.assign(new Error(), parent.fault);
        if (functionId.includes('statistics')) {
          return Object.fromEntries(['count', 'mean', 'rms', 'std', 'min', 'max'].map((key) => [key, [1]]));
        }
        const { columns, samples_per_column: step } = asked;
        const found =
          step === 1 ? { values: Array(columns + 1).fill([3]) } : { envelope: Array(columns).fill([[0], [1]]) };
        return { first_sample: 0, samples_per_column: step, columns, factor: 1, ...found };
      },
    },
  };
  return parent;
}

/** @param {ReturnType<typeof lostParent>} parent */
function sourceOf(parent) {
  const start = { hasTasks: true, hasByteRanges: false, leavesArraysEncoded: false };
  return openSource({ mode: 'parent', figureData: null, base: '', ...start }, parent.outside);
}

const SAMPLES = { segment: 0, firstSample: 0, samplesPerColumn: 1, columns: 3, channels: null };

test('samples out of reach are a fault with its reason, and are there again when they are', async () => {
  for (const fault of [LOST, NOT_STORED]) {
    const parent = lostParent();
    parent.fault = fault;
    const source = sourceOf(parent);
    await source.getSeries(URI);
    assert.equal(source.outOfReach?.(URI), null);
    const { message, ...facts } = fault;
    const isSaid = new RegExp(`^${message}$`, 'i');
    await assert.rejects(source.getWindow(URI, SAMPLES), { kind: 'refused', message: isSaid, ...facts });
    assert.match(source.outOfReach?.(URI) ?? '', isSaid);
    // Whole bins say nothing about samples.
    await source.getWindow(URI, { ...SAMPLES, samplesPerColumn: 16 });
    assert.equal(await source.seekSamples?.(URI), false);
    assert.match(source.outOfReach?.(URI) ?? '', isSaid);
    parent.fault = null;
    assert.equal(await source.seekSamples?.(URI), true);
    assert.equal(source.outOfReach?.(URI), null);
    assert.deepEqual([...((await source.getWindow(URI, SAMPLES)).values ?? [])], [3, 3, 3, 3]);
  }
});

test('other faults, and series without levels, are faults alone', async () => {
  const parent = lostParent();
  const fault = { ...NOT_STORED, sha1: 'e'.repeat(40) };
  parent.fault = fault;
  const source = sourceOf(parent);
  await assert.rejects(source.getWindow(URI, SAMPLES), { code: fault.code, sha1: fault.sha1 });
  assert.equal(source.outOfReach?.(URI), null);
  const short = sourceOf(lostParent({ levels: [], moments: [] }));
  await assert.rejects(short.getWindow(URI, SAMPLES), { code: LOST.code });
  assert.equal(short.outOfReach?.(URI), null);
});

test('statistics are those of whole bins while samples cannot be reached', async () => {
  const parent = lostParent();
  const source = sourceOf(parent);
  const found = await source.getStatistics(URI, 0, 3, 14, null);
  assert.deepEqual(found.covered, { firstSample: 0, lastSample: 15 });
  parent.fault = null;
  assert.equal(await source.seekSamples?.(URI), true);
  assert.deepEqual(parent.asked.at(-1)[1].first_sample, 3);
  assert.equal((await source.getStatistics(URI, 0, 3, 14, null)).covered, undefined);
});
