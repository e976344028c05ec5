import assert from 'node:assert/strict';
import test from 'node:test';
import { createLoader, createTileCache } from '../../seriesview/viewer/drawing/tiles.js';

test('the cache forgets the least recently used tiles, by bytes', () => {
  /** @type {import('../../seriesview/viewer/drawing/tiles.js').TileCache<string>} */
  const cache = createTileCache(100);
  cache.set('g', 1, 0, 'a', 40);
  cache.set('g', 1, 1, 'b', 40);
  assert.equal(cache.get('g', 1, 0), 'a');
  cache.set('g', 2, 0, 'c', 40);
  assert.equal(cache.get('g', 1, 1), undefined);
  assert.equal(cache.get('g', 1, 0), 'a');
  assert.deepEqual(cache.steps('g'), [1, 2]);
  assert.deepEqual(cache.indices('g', 1), [0]);
  assert.equal(cache.bytes(), 80);
  cache.set('g', 1, 0, 'd', 10);
  assert.equal(cache.bytes(), 50);
  cache.set('other', 1, 0, 'e', 1000);
  assert.equal(cache.get('other', 1, 0), 'e');
  assert.equal(cache.bytes(), 1000);
});

/** @returns {Promise<void>} after everything that has come was dealt with */
const rest = () => new Promise((resolve) => setTimeout(resolve, 0));

/** A loader whose loads are answered by hand. @param {boolean} [endsThem] loads that are given up end at once */
function byHand(endsThem = true) {
  /** @type {string[]} */
  const asked = [];
  /** @type {string[]} */
  const ended = [];
  /** @type {string[]} */
  const arrived = [];
  /** @type {number[]} */
  const waiting = [];
  /** @type {Map<string, () => void>} */
  const answers = new Map();
  const loader = createLoader(
    (key) => arrived.push(key),
    (count) => waiting.push(count),
  );
  /** @param {string} key @param {number} [distance] @param {boolean} [isAhead] */
  const request = (key, distance = key.charCodeAt(0), isAhead = false) => ({
    key,
    distance,
    isAhead,
    load: (/** @type {AbortSignal | undefined} */ signal) =>
      new Promise((/** @type {(nothing: void) => void} */ resolve, reject) => {
        asked.push(key);
        answers.set(key, resolve);
        signal?.addEventListener('abort', () => {
          ended.push(key);
          if (endsThem) reject(signal.reason);
        });
      }),
  });
  return { loader, request, asked, ended, arrived, waiting, answers };
}

test('the loader asks for the nearest tiles first, and for nothing twice', async () => {
  const { loader, request, asked, arrived, answers } = byHand();
  const all = [request('ahead', 0, true), ...[...'cabdefgh'].map((key) => request(key))];
  loader.want(all);
  assert.deepEqual(asked, [...'abcdef']);
  loader.want(all);
  answers.get('a')?.();
  await rest();
  loader.want(all.filter(({ key }) => key !== 'a'));
  assert.deepEqual(asked, [...'abcdefg']);
  assert.deepEqual(arrived, ['a']);
});

test('what is no longer wanted is given up and makes room at once', async () => {
  const { loader, request, asked, ended, arrived, waiting, answers } = byHand();
  loader.want([...'abcdefgh'].map((key) => request(key)));
  loader.want([request('b'), request('z')]);
  assert.deepEqual(ended, [...'acdef']);
  await rest();
  assert.deepEqual(asked, [...'abcdef', 'z']);
  assert.equal(waiting.at(-1), 2);
  loader.want([request('a'), request('b'), request('z')]);
  assert.deepEqual(asked, [...'abcdef', 'z', 'a']);
  for (const key of ['b', 'z', 'a']) answers.get(key)?.();
  await rest();
  assert.deepEqual(arrived, ['b', 'z', 'a']);
  assert.equal(waiting.at(-1), 0);
  assert.equal(loader.failure([request('a'), request('c')]), null);
});

test('where nothing can be ended, no more is under way than else, and what is wanted again comes', async () => {
  const { loader, request, asked, arrived, answers } = byHand(false);
  loader.want([...'abcdef'].map((key) => request(key)));
  loader.want([...'uvwxyz'].map((key) => request(key)));
  await rest();
  assert.deepEqual(asked, [...'abcdef']);
  loader.want([request('a'), request('u')]);
  answers.get('a')?.();
  answers.get('b')?.();
  await rest();
  assert.deepEqual(asked, [...'abcdef', 'u']);
  assert.deepEqual(arrived, ['a', 'b']);
});

test('what is ahead waits for what is on the screen, and is given up for it', async () => {
  const { loader, request, asked, ended, answers } = byHand();
  const ahead = (/** @type {string} */ key) => request(key, 0, true);
  loader.want([request('a'), ahead('x')]);
  assert.deepEqual(asked, ['a']);
  answers.get('a')?.();
  await rest();
  assert.deepEqual(asked, ['a', 'x']);
  loader.want([ahead('x'), ahead('y')]);
  assert.deepEqual(asked, ['a', 'x', 'y']);
  loader.want([request('x'), request('b'), ahead('y')]);
  assert.deepEqual(ended, ['y']);
  await rest();
  assert.deepEqual(asked, ['a', 'x', 'y', 'b']);
  for (const key of ['x', 'b']) answers.get(key)?.();
  await rest();
  assert.deepEqual(asked, ['a', 'x', 'y', 'b', 'y']);
});
