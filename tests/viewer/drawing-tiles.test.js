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

test('the loader asks for the nearest tiles first, drops what is no longer wanted, and asks for nothing twice', async () => {
  /** @type {string[]} */
  const asked = [];
  /** @type {Map<string, () => void>} */
  const answers = new Map();
  let arrived = 0;
  const loader = createLoader(() => (arrived += 1), () => {});
  /** @param {string} key @param {number} distance @param {boolean} [isAhead] */
  const request = (key, distance, isAhead = false) => ({
    key, distance, isAhead,
    load: () => new Promise((/** @type {(nothing: void) => void} */ resolve) => {
      asked.push(key);
      answers.set(key, resolve);
    }),
  });
  loader.want([request('ahead', 0, true), ...['c', 'a', 'b', 'd', 'e', 'f', 'g', 'h'].map((key) => request(key, key.charCodeAt(0)))]);
  assert.deepEqual(asked, ['a', 'b', 'c', 'd', 'e', 'f']);
  loader.want([request('b', 0), request('z', 1)]);
  answers.get('a')?.();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.deepEqual(asked, ['a', 'b', 'c', 'd', 'e', 'f', 'z']);
  assert.equal(arrived, 1);
});
