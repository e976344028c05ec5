import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';

import { openSource } from '../../seriesview/viewer/source/open.js';

const SERIES = { type: 'continuous', dtype: 'int16', sampling_frequency: 10, label: 'S' };

/** A parent that has a series of samples 0, 1, 2, ... 99 as files and, while there is one, a backend. */
function parentOf() {
  /** @type {Map<string, Uint8Array>} */
  const files = new Map();
  const put = (/** @type {Uint8Array} */ bytes) => {
    const hash = createHash('sha1').update(bytes).digest('hex');
    files.set(hash, bytes);
    return hash;
  };
  const part = put(new Uint8Array(Int16Array.from({ length: 100 }, (_, i) => i).buffer));
  const page = put(Uint8Array.from((part + part).match(/../g) ?? [], (pair) => parseInt(pair, 16)));
  const manifest = {
    ...SERIES,
    segments: [{ start_time: 0, end_time: 10, num_samples: 100 }],
    values: { dtype: 'int16', shape: [100, 1], part_rows: 128, pack_parts: 1, pages: [`sha1://${page}/page`] },
  };
  const uri = `sha1://${put(new TextEncoder().encode(JSON.stringify(manifest)))}/series.json`;
  const parent = {
    uri,
    files,
    hasBackend: true,
    /** @type {string[]} */
    tasks: [],
    /** @type {import('../../seriesview/viewer/types.js').Outside} */
    outside: {
      getFileJson: async () => manifest,
      async getFileBytes(of) {
        const found = files.get(of.slice(7, 47));
        if (!found) throw Object.assign(new Error(`${of} is not there`), { kind: 'missing' });
        return /** @type {ArrayBuffer} */ (found.slice().buffer);
      },
      async runTask(functionId, _, kwargs) {
        parent.tasks.push(functionId);
        if (!parent.hasBackend) throw Object.assign(new Error('Nobody is there.'), { code: 'no-backend' });
        if (functionId.includes('version')) return '1.0';
        const { columns } = /** @type {any} */ (kwargs);
        if (columns > 50) throw new Error('too many columns');
        const envelope = Array.from({ length: columns }, (_, i) => [[-i], [i]]);
        return { first_sample: 0, samples_per_column: 2, columns, factor: 1, envelope };
      },
    },
  };
  return parent;
}

/** @param {ReturnType<typeof parentOf>} parent @param {object} [abilities] */
function sourceOf(parent, abilities = {}) {
  const start = { hasTasks: true, hasByteRanges: true, leavesArraysEncoded: false, ...abilities };
  return openSource({ mode: 'parent', figureData: null, base: '', ...start }, parent.outside);
}

const WINDOW = { segment: 0, firstSample: 0, samplesPerColumn: 2, columns: 3, channels: null };

test('windows come from files while the backend is away', async (/** @type {any} */ context) => {
  context.mock.timers.enable({ apis: ['Date'], now: 1e6 });
  const parent = parentOf();
  const source = sourceOf(parent);
  const ask = async () => [...((await source.getWindow(parent.uri, WINDOW)).envelope ?? [])];
  const [fromBackend, fromFiles] = [
    [0, 0, -1, 1, -2, 2],
    [0, 2, 2, 4, 4, 6],
  ];
  assert.deepEqual(await ask(), fromBackend);
  parent.hasBackend = false;
  assert.deepEqual(await ask(), fromFiles);
  const asked = parent.tasks.length;
  assert.deepEqual(await ask(), fromFiles);
  assert.equal(parent.tasks.length, asked, 'no task is tried for a while');
  parent.hasBackend = true;
  context.mock.timers.tick(6000);
  assert.deepEqual(await ask(), fromFiles);
  assert.deepEqual(await ask(), fromBackend);
  parent.hasBackend = false;
  await ask();
  parent.hasBackend = true;
  source.retry?.();
  assert.deepEqual(await ask(), fromBackend);
});

test('what a backend refuses is told, and is no reason to look elsewhere', async () => {
  const parent = parentOf();
  const source = sourceOf(parent);
  await assert.rejects(source.getWindow(parent.uri, { ...WINDOW, columns: 60 }), {
    kind: 'refused',
    message: /too many/i,
  });
  assert.deepEqual(parent.tasks, ['seriesview.get_window.1']);
});

test('without a backend and without files the fault is the backend', async () => {
  const parent = parentOf();
  parent.files.clear();
  parent.hasBackend = false;
  for (const hasByteRanges of [true, false]) {
    await assert.rejects(sourceOf(parent, { hasByteRanges }).getSeries(parent.uri), {
      kind: 'backend',
      code: 'no-backend',
    });
  }
});

test('a parent that gives JSON alone gives manifests, and its arrays are refused in words', async () => {
  const parent = parentOf();
  const source = sourceOf(parent, { hasTasks: false, hasByteRanges: false });
  assert.equal((await source.getSeries(parent.uri)).label, 'S');
  await assert.rejects(source.getWindow(parent.uri, WINDOW), { kind: 'refused', message: /gives no bytes/i });
});

test('a series that failed can be asked for again', async () => {
  const parent = parentOf();
  const source = sourceOf(parent, { hasTasks: false });
  const kept = new Map(parent.files);
  parent.files.clear();
  await assert.rejects(source.getSeries(parent.uri), { kind: 'missing' });
  for (const [hash, bytes] of kept) parent.files.set(hash, bytes);
  assert.equal((await source.getSeries(parent.uri)).label, 'S');
});
