import assert from 'node:assert/strict';
import test from 'node:test';
import { depthName, depthRuns, depthTicks } from '../../seriesview/viewer/app/depths.js';
import { defaultOrder } from '../../seriesview/viewer/drawing/order.js';
import { modeOf } from '../../seriesview/viewer/panels/traces.js';

/** @typedef {{id: string, label: string, group?: string, x?: number, y?: number}} Placed */

/** @param {Omit<Placed, 'id' | 'label'>[]} places @returns {Placed[]} */
function named(places) {
  return places.map((place, index) => ({ id: String(index), label: `ch${index}`, ...place }));
}

/** @param {Placed[]} channels each 10 rows high, in the order from the top */
function lanesOf(channels) {
  const rest = { unit: 'uV', baseline: 0, pixelsPerUnit: 0, offset: 0, color: '#000000' };
  return channels.map((channel, at) => ({
    ...rest,
    ...channel,
    top: 10 * at,
    bottom: 10 * at + 10,
    center: 10 * at + 5,
  }));
}

test("a probe's tip is at the bottom, channels side by side go by x, those without a position come last", () => {
  const channels = named([{ x: 0, y: 0 }, { x: 48, y: 20 }, { x: 16, y: 20 }, {}, { x: 0, y: 40 }]);
  const order = [...defaultOrder(/** @type {any} */ ({ channels }))];
  assert.deepEqual(order, [4, 2, 1, 0, 3]);
  const unplaced = named([{}, {}, {}]);
  assert.deepEqual([...defaultOrder(/** @type {any} */ ({ channels: unplaced }))], [0, 1, 2]);
});

test('lanes that are too low for traces are an image, unless something else is chosen', () => {
  const mode = (/** @type {string | undefined} */ chosen, /** @type {number} */ height, /** @type {number} */ count) =>
    modeOf({ settings: { mode: chosen }, height: 2 * height, pixelRatio: 2 }, count);
  assert.equal(mode(undefined, 640, 384), 'image');
  assert.equal(mode('stacked', 640, 384), 'stacked');
  assert.equal(mode(undefined, 640, 32), 'stacked');
  assert.equal(mode(undefined, 400, 100), 'stacked');
  assert.equal(mode(undefined, 399, 100), 'image');
});

test('depths are where the channels are that have them', () => {
  const lanes = lanesOf(named([{ y: 60 }, { y: 40 }, { y: 40 }, { y: 20 }, { y: 0 }, {}]));
  const [run, ...others] = depthRuns(lanes);
  assert.deepEqual(others, []);
  assert.deepEqual([run.first, run.last], [0, 4]);
  assert.deepEqual(
    depthName(run, () => true),
    { name: '\u00b5m', unit: '' },
  );
  const ticks = depthTicks(run, 3);
  assert.deepEqual(
    ticks.map(({ label }) => label),
    ['0', '20', '40', '60'],
  );
  assert.deepEqual(
    ticks.map(({ row }) => row),
    [45, 35, 20, 5],
  );
});

test('each shank has an axis of its own, and so have the two sides of a hole', () => {
  const shanks = lanesOf(named([2, 1].flatMap((shank) => [40, 20, 0].map((y) => ({ group: `shank ${shank}`, y })))));
  const namesOf = (/** @type {number} */ most) =>
    depthRuns(shanks).map((run) => depthName(run, (text) => text.length <= most));
  assert.deepEqual(
    depthRuns(shanks).map((run) => [run.first, run.last]),
    [
      [0, 2],
      [3, 5],
    ],
  );
  assert.deepEqual(
    namesOf(20).map(({ name, unit }) => name + unit),
    ['shank 2, \u00b5m', 'shank 1, \u00b5m'],
  );
  assert.deepEqual(namesOf(8)[0], { name: 'shank 2', unit: ' \u00b5m' });
  assert.deepEqual(namesOf(5)[0], { name: '\u00b5m', unit: '' });
  assert.deepEqual(namesOf(1)[0], { name: '', unit: ' \u00b5m' });
  const banks = lanesOf(named([5040, 5020, 5000, 40, 20, 0].map((y) => ({ y }))));
  assert.deepEqual(
    depthRuns(banks).map(({ depths }) => depths),
    [
      [5040, 5020, 5000],
      [40, 20, 0],
    ],
  );
  const labels = depthRuns(banks).flatMap((run) => depthTicks(run, 2).map(({ label }) => label));
  assert.ok(
    labels.every((label) => Number(label) <= 40 || Number(label) >= 5000),
    labels.join(),
  );
});

test('without positions, or out of their order, there is no axis of depth', () => {
  assert.deepEqual(depthRuns(lanesOf(named([{}, {}, {}]))), []);
  assert.deepEqual(depthRuns(lanesOf(named([{ y: 0 }, { y: 0 }, { y: 0 }]))), []);
  assert.deepEqual(depthRuns([]), []);
  const upwards = depthRuns(lanesOf(named([{ y: 0 }, { y: 20 }, { y: 40 }])));
  assert.deepEqual(
    depthTicks(upwards[0], 2).map(({ row }) => row),
    [5, 15, 25],
  );
});
