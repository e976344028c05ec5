import assert from 'node:assert/strict';
import test from 'node:test';
import { makeQueue, makeShare } from '../../seriesview/viewer/source/loads.js';
import { makeArtifacts } from '../../seriesview/viewer/source/artifacts.js';

/** @returns {{load: (signal: AbortSignal) => Promise<string>, begun: () => number, ended: () => number, answer: (text: string) => void, fail: (error: Error) => void}} */
function byHand() {
  let begun = 0;
  let ended = 0;
  /** @type {(text: string) => void} */
  let answer = () => {};
  /** @type {(error: Error) => void} */
  let fail = () => {};
  const load = (/** @type {AbortSignal} */ signal) =>
    new Promise((/** @type {(text: string) => void} */ resolve, reject) => {
      begun += 1;
      answer = resolve;
      fail = reject;
      signal.addEventListener('abort', () => {
        ended += 1;
        reject(signal.reason);
      });
    });
  return { load, begun: () => begun, ended: () => ended, answer: (text) => answer(text), fail: (error) => fail(error) };
}

test('one load for all who ask; it is ended when the last of them gives up', async () => {
  const share = makeShare();
  const hand = byHand();
  const [one, other] = [new AbortController(), new AbortController()];
  const first = share('a', hand.load, one.signal);
  const second = share('a', hand.load, other.signal);
  assert.equal(hand.begun(), 1);
  one.abort();
  await assert.rejects(first, { name: 'AbortError' });
  assert.equal(hand.ended(), 0);
  other.abort();
  await assert.rejects(second, { name: 'AbortError' });
  assert.equal(hand.ended(), 1);
  const again = share('a', hand.load, new AbortController().signal);
  assert.equal(hand.begun(), 2);
  hand.answer('there');
  assert.equal(await again, 'there');
});

test('who gives up takes nothing from the others, and an asker without a signal waits to the end', async () => {
  const share = makeShare();
  const hand = byHand();
  const end = new AbortController();
  const given = share('a', hand.load, end.signal);
  const waiting = share('a', hand.load);
  end.abort();
  await assert.rejects(given, { name: 'AbortError' });
  assert.equal(hand.ended(), 0);
  hand.answer('there');
  assert.equal(await waiting, 'there');
  const late = new AbortController();
  const done = share('b', async () => 'done', late.signal);
  assert.equal(await done, 'done');
  late.abort();
  await assert.rejects(share('b', hand.load, late.signal), { name: 'AbortError' });
  assert.equal(hand.begun(), 1);
});

test('a fault is told to all, and the next one who asks begins anew', async () => {
  const share = makeShare();
  const hand = byHand();
  const both = [share('a', hand.load, new AbortController().signal), share('a', hand.load)];
  hand.fail(new Error('lost'));
  for (const each of both) await assert.rejects(each, /lost/);
  const again = share('a', hand.load);
  hand.answer('found');
  assert.equal(await again, 'found');
});

test('what waits in a queue and is given up is never begun', async () => {
  const queue = makeQueue(1);
  const hand = byHand();
  const running = queue(() => hand.load(new AbortController().signal));
  const end = new AbortController();
  let isBegun = false;
  const waiting = queue(async () => {
    isBegun = true;
  }, end.signal);
  end.abort();
  hand.answer('');
  await running;
  await assert.rejects(waiting, { name: 'AbortError' });
  assert.equal(isBegun, false);
  assert.equal(await queue(async () => 'next'), 'next');
});

test('rows that nobody waits for are not loaded; who asks for them later gets them', async () => {
  const hash = '0123456789abcdef0123456789abcdef01234567';
  const array = { dtype: 'uint8', shape: [4, 1], part_rows: 4, pack_parts: 1, pages: [`sha1://${hash}/page`] };
  /** @type {AbortSignal[]} */
  const signals = [];
  const artifacts = makeArtifacts({
    numbers: null,
    bytes: (_, __, signal) =>
      new Promise((_resolve, reject) => {
        if (!signal) throw new Error('no signal');
        signals.push(signal);
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
  });
  const end = new AbortController();
  const rows = artifacts.under(end.signal).readRows(array, 0, 4);
  await new Promise((resolve) => setTimeout(resolve, 0));
  end.abort();
  await assert.rejects(rows, { name: 'AbortError' });
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [true],
  );
  void artifacts.readRows(array, 0, 4).catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(signals.length, 2);
});
