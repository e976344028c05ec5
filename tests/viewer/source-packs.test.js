import assert from 'node:assert/strict';
import test from 'node:test';

import { makeArtifacts } from '../../seriesview/viewer/source/artifacts.js';
import { SourceError } from '../../seriesview/viewer/source/errors.js';
import { filesOf } from '../../seriesview/viewer/source/web_files.js';
import { memory, packedArray } from './packed_arrays.js';

/**
 * A web server of artifacts in memory, in place of the network.
 * @param {any} context of the test
 * @param {ReturnType<typeof memory>['files']} files
 * @param {'ranges' | 'ignored' | 'refused' | 'forbidden' | 'cut off' | 'shifted'} manner how it takes ranges
 */
function serve(context, files, manner) {
  /** What was asked for, `hash` or `hash first-last`. @type {string[]} */
  const asked = [];
  const server = { asked, manner, running: 0, most: 0 };
  context.mock.method(
    globalThis,
    'fetch',
    async (/** @type {string} */ address, /** @type {any} */ { headers } = {}) => {
      const hash = address.slice(-40);
      const range = /^bytes=(\d+)-(\d+)$/.exec(headers?.Range ?? '');
      asked.push(range ? `${hash} ${range[1]}-${range[2]}` : hash);
      await new Promise((resolve) => setTimeout(resolve, 0));
      const file = files.get(hash);
      if (!file) return new Response(null, { status: 404 });
      if (!range || server.manner === 'ignored') return new Response(file);
      if (server.manner === 'refused') return new Response(null, { status: 416 });
      if (server.manner === 'forbidden') throw new TypeError('preflight');
      const shift = server.manner === 'shifted' ? 1 : 0;
      const last = Number(range[2]) + shift + (server.manner === 'cut off' ? 0 : 1);
      return new Response(file.slice(Number(range[1]) + shift, last), { status: 206 });
    },
  );
  return server;
}

const open = () => makeArtifacts({ ...filesOf('http://host/'), numbers: null });
const upTo = (/** @type {number} */ end, first = 0) => Array.from({ length: end - first }, (_, i) => first + i);

test('parts are read out of their packs by range, whatever the shape of the array', async (/** @type {any} */ context) => {
  const { files, put } = memory();
  serve(context, files, 'ranges');
  for (const [rows, partRows, packParts] of [
    [50, 4, 3],
    [1, 4, 3],
    [4, 4, 1],
    [13, 1, 64],
    [130, 1, 64],
    [1100, 2, 2],
    [24, 4, 3],
  ]) {
    const { array } = packedArray(put, rows, partRows, packParts);
    const artifacts = open();
    assert.deepEqual([...(await artifacts.readRows(array, 0, rows))], upTo(rows));
    for (let first = 0; first < rows; first += Math.ceil(rows / 7)) {
      const last = Math.min(rows, first + partRows + 1);
      assert.deepEqual([...(await open().readRows(array, first, last))], upTo(last, first));
    }
  }
});

test('only the stretch is asked for, and once; a part that is a whole pack is an artifact', async (/** @type {any} */ context) => {
  const { files, put } = memory();
  const server = serve(context, files, 'ranges');
  const { array, packs, parts } = packedArray(put, 50, 4, 3);
  const artifacts = open();
  await artifacts.readRows(array, 16, 20);
  await artifacts.readRows(array, 16, 20);
  assert.deepEqual(server.asked, [array.pages[0].slice(7, 47), `${packs[1]} 32-63`]);
  assert.deepEqual([...(await artifacts.readRows(array, 48, 50))], [48, 49]);
  assert.equal(packs[4], parts[12]);
  assert.equal(server.asked[2], packs[4]);
});

test('parts that were left out take no room in their pack', async (/** @type {any} */ context) => {
  const { files, put } = memory();
  const server = serve(context, files, 'ranges');
  const { array, packs } = packedArray(put, 50, 4, 3, [0, 4, 6, 7, 8]);
  const partial = {
    ...array,
    left_out: /** @type {[number, number][]} */ ([
      [0, 4],
      [16, 20],
      [24, 36],
    ]),
  };
  const artifacts = open();
  assert.deepEqual([...(await artifacts.readRows(partial, 4, 12))], upTo(12, 4));
  assert.deepEqual([...(await artifacts.readRows(partial, 20, 24))], upTo(24, 20));
  assert.deepEqual(server.asked.slice(1), [`${packs[0]} 0-31`, `${packs[0]} 32-63`, `${packs[1]} 32-63`]);
  await assert.rejects(artifacts.readRows(partial, 12, 18), { kind: 'refused' });
});

for (const manner of /** @type {const} */ (['ignored', 'refused', 'forbidden', 'cut off'])) {
  test(`where ranges are ${manner}, packs are loaded whole, once`, async (/** @type {any} */ context) => {
    const { files, put } = memory();
    const server = serve(context, files, manner);
    const { array, packs } = packedArray(put, 48, 4, 4);
    const artifacts = open();
    const ask = (/** @type {number} */ part) => artifacts.readRows(array, 4 * part, 4 * part + 4);
    const found = await Promise.all(upTo(12).map(ask));
    assert.deepEqual(
      found.flatMap((rows) => [...rows]),
      upTo(48),
    );
    assert.deepEqual([...(await artifacts.readRows(array, 0, 48))], upTo(48));
    const whole = server.asked.filter((each) => packs.includes(each));
    const byRange = server.asked.filter((each) => each.includes(' '));
    assert.deepEqual([...new Set(whole)].length, whole.length);
    // The answer to the first range is the first pack; without any, one or two ranges tell that none is answered.
    if (manner !== 'cut off') assert.ok(byRange.length <= 2, server.asked.join('\n'));
    if (manner === 'ignored') assert.equal(whole.length + byRange.length, 3);
    else assert.equal(whole.length, 3);
  });
}

test('a whole pack that was given up by whoever asked first is there for the others', async (/** @type {any} */ context) => {
  const { files, put } = memory();
  serve(context, files, 'ignored');
  const { array } = packedArray(put, 48, 4, 4);
  const artifacts = open();
  await artifacts.readRows(array, 16, 17);
  const end = new AbortController();
  const given = artifacts.under(end.signal).readRows(array, 0, 1);
  const kept = artifacts.readRows(array, 8, 9);
  await new Promise((resolve) => setTimeout(resolve, 0));
  end.abort();
  await assert.rejects(given, { name: 'AbortError' });
  assert.deepEqual([...(await kept)], [8]);
});

for (const manner of /** @type {const} */ (['ranges', 'ignored'])) {
  test(`a damaged part is told as such, and only that part (ranges ${manner})`, async (/** @type {any} */ context) => {
    const { files, put } = memory();
    const server = serve(context, files, manner);
    const { array, packs, parts } = packedArray(put, 48, 4, 4);
    const pack = /** @type {Uint8Array<ArrayBuffer>} */ (files.get(packs[1]));
    const damaged = pack.slice();
    damaged[40] ^= 1;
    files.set(packs[1], damaged);
    const artifacts = open();
    await assert.rejects(artifacts.readRows(array, 20, 24), (/** @type {any} */ cause) => {
      return cause.kind === 'damaged' && cause.message.includes(parts[5]);
    });
    assert.equal(server.asked.filter((each) => each.startsWith(packs[1])).length, 2);
    assert.deepEqual([...(await artifacts.readRows(array, 24, 32))], upTo(32, 24));
    assert.deepEqual([...(await artifacts.readRows(array, 16, 20))], upTo(20, 16));
    files.set(packs[1], pack);
    assert.deepEqual([...(await artifacts.readRows(array, 20, 24))], upTo(24, 20));
    files.set(packs[0], /** @type {Uint8Array<ArrayBuffer>} */ (files.get(packs[0])).slice(0, 70));
    await assert.rejects(artifacts.readRows(array, 8, 12), { kind: 'damaged' });
    files.delete(packs[2]);
    await assert.rejects(artifacts.readRows(array, 32, 48), { kind: 'missing' });
  });
}

test('an answer of other bytes than asked for is never taken', async (/** @type {any} */ context) => {
  const { files, put } = memory();
  serve(context, files, 'shifted');
  const { array } = packedArray(put, 48, 4, 4);
  await assert.rejects(open().readRows(array, 4, 8), { kind: 'damaged' });
});

test('a source without stretches reads whole packs; numbers are asked for by the name of the stretch', async () => {
  const { bytes, put } = memory();
  const { array, packs, parts } = packedArray(put, 48, 4, 4);
  assert.deepEqual([...(await makeArtifacts({ bytes, numbers: null }).readRows(array, 3, 47))], upTo(47, 3));
  /** @type {string[]} */
  const asked = [];
  const artifacts = makeArtifacts({
    bytes: null,
    async numbers(uri, dtype, count) {
      asked.push(uri);
      if (dtype === 'uint8') return new Uint8Array(await bytes(uri));
      return Float64Array.from({ length: count }, (_, i) => i);
    },
  });
  await artifacts.readRows(array, 20, 24);
  assert.deepEqual(asked, [array.pages[0], `sha1://${parts[5]}/part.dat?chunkOf=${packs[1]}~32~64`]);
});

test('network faults in the middle are tried again by range', async (/** @type {any} */ context) => {
  const { files, put } = memory();
  const { array } = packedArray(put, 48, 4, 4);
  const { bytes } = filesOf('http://host/');
  serve(context, files, 'ranges');
  let faults = 0;
  let wholes = 0;
  const artifacts = makeArtifacts({
    numbers: null,
    bytes: (uri, isAgain, signal) => {
      wholes += 1;
      return bytes(uri, isAgain, signal);
    },
    stretch: async (uri, start, end, isAgain, signal) => {
      if (faults-- > 0) throw new SourceError('network', 'no connection');
      return filesOf('http://host/').stretch(uri, start, end, isAgain, signal);
    },
  });
  assert.deepEqual([...(await artifacts.readRows(array, 0, 4))], upTo(4));
  faults = 2;
  assert.deepEqual([...(await artifacts.readRows(array, 8, 12))], upTo(12, 8));
  assert.equal(wholes, 1, 'the page alone is read whole');
});
