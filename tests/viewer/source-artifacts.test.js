import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import test from 'node:test';
import { deflateSync } from 'node:zlib';

import { makeArtifacts } from '../../seriesview/viewer/source/artifacts.js';
import { SourceError } from '../../seriesview/viewer/source/errors.js';
import { checkedUri, parseJson, parseSeries, parseWorkspace } from '../../seriesview/viewer/source/manifests.js';
import { decodeArray, numbersOf } from '../../seriesview/viewer/source/numbers.js';
import { hexadecimal, sha1, sha1Bytes } from '../../seriesview/viewer/source/sha1.js';
import { filesOf } from '../../seriesview/viewer/source/web_files.js';
import { digest, memory, packedArray } from './packed_arrays.js';

/** Artifacts in memory, and an array of float64 rows 0, 1, 2, ... in parts of 4, each a pack of its own. */
function stored() {
  const { files, put, bytes } = memory();
  return { files, put, bytes, ...packedArray(put, 50, 4, 1) };
}

test('SHA-1 is that of node, for all lengths around blocks', async () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 100_001]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 7919) >> 3);
    assert.equal(hexadecimal(sha1Bytes(bytes)), digest(bytes));
    assert.equal(await sha1(bytes.buffer), digest(bytes));
  }
});

test('float16 and 64-bit integers become the doubles that they are', () => {
  const halves = new Uint16Array([0, 0x8000, 0x3c00, 0xc000, 0x7c00, 0xfc00, 0x7e00, 1, 0x7bff]);
  const found = numbersOf(halves.buffer, 'float16');
  assert.deepEqual([...found], [0, -0, 1, -2, Infinity, -Infinity, NaN, 2 ** -24, 65504]);
  const signed = new BigInt64Array([-1n, -(2n ** 63n), 2n ** 53n, 12345678901n]);
  assert.deepEqual([...numbersOf(signed.buffer, 'int64')], [...signed].map(Number));
  const unsigned = new BigUint64Array([2n ** 64n - 1n, 5n]);
  assert.deepEqual([...numbersOf(unsigned.buffer, 'uint64')], [...unsigned].map(Number));
});

test('arrays of tasks are decoded from both forms', async () => {
  const data = Buffer.from(new Float32Array([1.5, NaN, -2, 4]).buffer);
  const form = { _type: 'ndarray', shape: [2, 2], dtype: 'float32' };
  const plain = await decodeArray({ ...form, data_b64: data.toString('base64') }, 'float32', 4);
  const packed = await decodeArray({ ...form, data_gzip_b64: deflateSync(data).toString('base64') }, 'float32', 4);
  const nested = await decodeArray(
    [
      [1.5, null],
      [-2, 4],
    ],
    'float32',
    4,
  );
  for (const found of [plain, packed, nested]) assert.deepEqual([...found], [1.5, NaN, -2, 4]);
  assert.deepEqual([...(await decodeArray([], 'int16', 0))], []);
  for (const wrong of [null, 7, {}, { ...form, dtype: 'object', data_b64: '' }, [[1, 2]]]) {
    await assert.rejects(decodeArray(wrong, 'float32', 4), { kind: 'damaged' });
  }
});

test('rows are read across parts', async () => {
  const { array, bytes } = stored();
  const artifacts = makeArtifacts({ bytes, numbers: null });
  for (const [first, last] of [
    [0, 50],
    [3, 5],
    [4, 8],
    [49, 50],
    [7, 7],
  ]) {
    const expected = Array.from({ length: last - first }, (_, i) => first + i);
    assert.deepEqual([...(await artifacts.readRows(array, first, last))], expected);
  }
  await assert.rejects(artifacts.readRows(array, 3, 51), RangeError);
});

test('a part is loaded once however often it is asked for at once, six loads run at most', async () => {
  const { array, bytes } = stored();
  let running = 0;
  let most = 0;
  let loads = 0;
  const artifacts = makeArtifacts({
    numbers: null,
    async bytes(uri) {
      loads += 1;
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 2));
      running -= 1;
      return bytes(uri);
    },
  });
  await Promise.all(Array.from({ length: 20 }, () => artifacts.readRows(array, 0, 50)));
  await artifacts.readRows(array, 0, 50);
  assert.equal(loads, 14);
  assert.equal(most, 6);
});

test('network faults are tried again, damage is loaded once more and told', async () => {
  const { array, bytes, files, parts } = stored();
  let faults = 2;
  const flaky = makeArtifacts({
    numbers: null,
    async bytes(uri) {
      faults -= 1;
      if (faults >= 0) throw new SourceError('network', 'no connection');
      return bytes(uri);
    },
  });
  assert.equal((await flaky.readRows(array, 0, 1)).length, 1);
  const whole = /** @type {Uint8Array<ArrayBuffer>} */ (files.get(parts[2]));
  files.set(
    parts[2],
    whole.map((byte, i) => (i === 5 ? byte ^ 1 : byte)),
  );
  const artifacts = makeArtifacts({ bytes, numbers: null });
  await assert.rejects(artifacts.readRows(array, 0, 50), (/** @type {any} */ cause) => {
    return cause.kind === 'damaged' && cause.message.includes(parts[2]);
  });
  files.set(parts[2], whole);
  assert.equal((await artifacts.readRows(array, 0, 50)).length, 50);
  files.delete(parts[2]);
  assert.equal((await artifacts.readRows(array, 8, 12)).length, 4);
});

test('a file of which only chunks are stored is put together', async () => {
  const { put, bytes } = stored();
  const values = new Float64Array([1, 2, 3]);
  const chunk = put(new Uint8Array(values.buffer)).slice(7, 47);
  const list = { size: 24, sha1: chunk, chunks: [{ start: 0, end: 24, sha1: chunk }] };
  const chunks = put(new TextEncoder().encode(JSON.stringify(list))).slice(7, 47);
  const artifacts = makeArtifacts({
    numbers: null,
    bytes: async (uri) => (uri.includes('?') ? Promise.reject(new SourceError('missing', 'not whole')) : bytes(uri)),
  });
  const found = await artifacts.readNumbers(`sha1://${chunk}/values?manifest=${chunks}`, 'float64', 3);
  assert.deepEqual([...found], [1, 2, 3]);
});

test('manifests: NaN is read as null, defaults are filled in', () => {
  const text =
    '{"type": "discrete", "sampling_frequency": 1, "label": "NaN \\"Infinity", "segments": [{"start_time": 0,' +
    ' "end_time": 1, "num_samples": 3, "min_value": NaN, "max_value": -Infinity}]}';
  const manifest = parseSeries(parseJson(text));
  assert.equal(manifest.label, 'NaN "Infinity');
  assert.equal(manifest.segments[0].min_value, null);
  assert.deepEqual(manifest.channels, [{ id: '0', label: '' }]);
  assert.equal(manifest.dtype, 'float64');
  assert.equal(manifest.values, null);
  assert.throws(() => parseJson('{"a": Nan}'), { kind: 'damaged' });
});

const CHANNELS = Array.from({ length: 10 }, (_, index) => ({ id: String(index) }));

const ROWS = { uri: `sha1://${'b'.repeat(40)}/raw.dat`, offset: 0, row_stride: 2 };

test('of links to samples the files are kept, in every form', () => {
  const segments = [{ start_time: 0, end_time: 1, num_samples: 100 }];
  const good = { type: 'continuous', dtype: 'int16', sampling_frequency: 100, segments };
  const other = { uri: `sha1://${'c'.repeat(40)}/raw.edf`, records: { stride: 8, samples: 4, channel_offsets: [0] } };
  const files = [
    { num_samples: 60, link: ROWS },
    { num_samples: 40, link: other },
  ];
  assert.deepEqual(parseSeries({ ...good, values: { link: other } }).values, { linked: [other.uri] });
  assert.deepEqual(parseSeries({ ...good, values: { files } }).values, { linked: [ROWS.uri, other.uri] });
});

test('manifests that nobody can read are refused in words', () => {
  const segments = [{ start_time: 0, end_time: 1, num_samples: 100 }];
  const good = { type: 'continuous', dtype: 'int16', sampling_frequency: 100, segments };
  const pages = [`sha1://${'a'.repeat(40)}/page`];
  const values = { dtype: 'int16', shape: [100, 1], part_rows: 64, pack_parts: 1, pages };
  assert.equal(parseSeries({ ...good, values }).segments.length, 1);
  const wrong = [
    null,
    [],
    { ...good, format: 'seriesview-series/2' },
    { ...good, type: 'other' },
    { ...good, dtype: '__proto__' },
    { ...good, segments: [{ ...segments[0], num_samples: -1 }] },
    { ...good, segments: [{ ...segments[0], num_samples: 1.5 }] },
    { ...good, segments: [{ ...segments[0], start_time: null }] },
    { ...good, sampling_frequency: 0 },
    { ...good, channels: [{ id: 'a' }, { id: 'a' }] },
    { ...good, values: { ...values, shape: [99, 1] } },
    { ...good, values: { ...values, pages: ['http://elsewhere/page'] } },
    { ...good, values: { ...values, pages: [] } },
    { ...good, values: { ...values, part_rows: 0 } },
    { ...good, values: { ...values, pack_parts: 0 } },
    { ...good, values: { ...values, pack_parts: 65 } },
    { ...good, values: { ...values, pack_parts: undefined } },
    { ...good, values: { ...values, part_rows: 65536, pack_parts: 64, shape: [100, 10] }, channels: CHANNELS },
    { ...good, values: { ...values, kind: 'medians' } },
    { ...good, values: { pieces: [] } },
    { ...good, values: { files: [] } },
    { ...good, values: { files: [{ num_samples: 99, link: ROWS }] } },
    { ...good, values: { files: [{ num_samples: 100, link: { ...ROWS, uri: '/etc/passwd' } }] } },
    { ...good, values: { files: [{ num_samples: 100, link: { uri: ROWS.uri, chunk_shape: [1, 1] } }] } },
    { ...good, values: { link: { uri: ROWS.uri, spiral: 3 } } },
    { ...good, values: 7 },
    { ...good, values: { ...values, dtype: 'int32' } },
    { ...good, levels: [{ ...values, factor: 1 }] },
    { ...good, levels: Array.from({ length: 65 }, () => ({})) },
  ];
  for (const value of wrong) {
    assert.throws(
      () => parseSeries(value),
      (/** @type {any} */ cause) => cause instanceof SourceError && cause.message.length < 400,
    );
  }
  assert.throws(() => parseWorkspace({ format: 'seriesview-workspace/2' }), { kind: 'damaged' });
  for (const uri of ['file:///etc/passwd', 'sha1://abc/x', `sha1://${'g'.repeat(40)}/x`, 7, null]) {
    assert.throws(() => checkedUri(uri, 'here'), { kind: 'damaged' });
  }
});

test('a web server is asked for plain files; what it answers is told in words', async (/** @type {any} */ context) => {
  const { bytes, array } = stored();
  let status = 200;
  /** @type {string[]} */
  const asked = [];
  context.mock.method(globalThis, 'fetch', async (/** @type {string} */ address) => {
    asked.push(address);
    return new Response(await bytes(`sha1://${address.slice(-40)}/x`), { status });
  });
  const artifacts = () => makeArtifacts({ ...filesOf('http://host/folder/'), numbers: null });
  assert.equal((await artifacts().readRows(array, 0, 8)).length, 8);
  const hash = array.pages[0].slice(7, 47);
  assert.equal(asked[0], `http://host/folder/sha1/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash.slice(4, 6)}/${hash}`);
  for (const [answered, kind] of /** @type {[number, string][]} */ ([
    [404, 'missing'],
    [403, 'refused'],
    [503, 'network'],
  ])) {
    status = answered;
    await assert.rejects(artifacts().readRows(array, 0, 8), { kind });
  }
});

test('rows that are read may be kept and changed', async () => {
  const { array, bytes } = stored();
  const artifacts = makeArtifacts({ bytes, numbers: null });
  const rows = await artifacts.readRows(array, 0, 2);
  rows.fill(7);
  assert.equal(rows.buffer.byteLength, 16);
  assert.deepEqual([...(await artifacts.readRows(array, 0, 2))], [0, 1]);
});
