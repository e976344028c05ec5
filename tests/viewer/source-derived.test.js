/** Series that steps make of others in the worker: their windows, statistics and scales are those of all their samples. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { samples } from '../../seriesview/viewer/drawing/extracts.js';
import { withDerived } from '../../seriesview/viewer/source/derived.js';
import { parseSteps } from '../../seriesview/viewer/steps/parse.js';
import { hull, memorySeries, memorySource, randomNumbers } from './memorySource.js';

const STEPS = [{ highpass: 30, order: 2 }, { reference: 'mean' }];

/** @param {number} count */
function made(count) {
  const random = randomNumbers(count);
  const samples = Float64Array.from({ length: 3 * count }, (_, at) => 50 * Math.sin(at / 900) + random());
  /** @type {string[]} */
  const reads = [];
  const memory = memorySeries([samples], { channels: 3, rate: 1000 });
  const series = { s: memory.manifest };
  const source = withDerived(memorySource({ s: memory }, { onRead: (what) => reads.push(what) }), series);
  const steps = /** @type {import('../../seriesview/viewer/steps/parse.js').Step[]} */ (parseSteps(STEPS));
  return { source, steps, series, memory, reads, derived: source.derive('s', steps) };
}

/** @param {ReturnType<typeof made>} of @param {string} uri @param {number} first @param {number} step @param {number} columns */
const windowOf = ({ source }, uri, first, step, columns) =>
  source.getWindow(uri, { segment: 0, firstSample: first, samplesPerColumn: step, columns, channels: null });

test('columns are the hulls of filtered samples, whichever blocks they lie in', async () => {
  const of = made(9000);
  const all = (await windowOf(of, of.derived.uri, 0, 1, 9000)).values ?? new Float64Array();
  assert.equal(all.length, 27000);
  for (const [first, step, columns] of [
    [0, 7, 400],
    [2040, 3, 9],
    [8000, 16, 512],
    [8990, 20, 4],
  ]) {
    const { envelope, columns: found } = await windowOf(of, of.derived.uri, first, step, columns);
    for (let column = 0; column < found; column += 1) {
      const last = Math.min(first + (column + 1) * step, 8999);
      const expected = hull(Float64Array.from(all), 3, first + column * step, last);
      const own = Array.from(envelope?.subarray(6 * column, 6 * column + 6) ?? []);
      // Blocks that are computed together and apart differ by what a margin leaves.
      own.forEach((value, at) => assert.ok(Math.abs(value - expected[at]) < 1e-5, `${step} ${column}`));
    }
  }
});

test('samples are read once, and what is asked for again is there', async () => {
  const of = made(9000);
  await Promise.all([0, 512, 1024].map((first) => windowOf(of, of.derived.uri, first, 1, 512)));
  const before = of.reads.length;
  assert.equal(new Set(of.reads).size, before);
  await windowOf(of, of.derived.uri, 200, 2, 500);
  assert.equal(of.reads.length, before);
});

test('blocks of a filter that reaches far are no longer than what can be shown at once', async () => {
  const of = made(36_000);
  const derived = of.source.derive('s', parseSteps([{ highpass: 2 }]) ?? []);
  derived.mostSamples = () => 5000;
  assert.ok(derived.plan.margin > 4096);
  await windowOf(of, derived.uri, 17_000, 1, 100);
  // Raw samples are read in pieces of 8192.
  assert.ok(8192 * (of.reads.length - 2) < 2 * derived.plan.margin + 5000, of.reads.join());
});

test('statistics and scales are of filtered samples, and what is too much is refused in words', async () => {
  const of = made(9000);
  const { uri, plan } = of.derived;
  const all = (await windowOf(of, uri, 0, 1, 9000)).values ?? new Float64Array();
  const found = await of.source.getStatistics(uri, 0, 100, 4999, ['c1']);
  const own = Array.from({ length: 4900 }, (_, at) => all[3 * (100 + at) + 1]);
  const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
  assert.equal(found.count[0], 4900);
  assert.ok(Math.abs((found.mean[0] ?? NaN) - mean) < 1e-9);
  assert.equal(found.min[0], Math.min(...own));
  await of.derived.measure();
  const [low, middle, high] = plan.manifest.channels[0].typical ?? [];
  assert.ok(low < -0.1 && high > 0.1 && Math.abs(middle) < 0.1, `${low} ${middle} ${high}`);
  of.derived.mostSamples = () => 400;
  await assert.rejects(of.source.getStatistics(uri, 0, 100, 4999, null), /counted in up to 0.400 s: select less/);
  const saved = (/** @type {number} */ end) => samples(of.source, uri, plan.manifest, 0, 0, end, null, 1e6);
  assert.equal((await saved(6)).times.length, 6001);
  await assert.rejects(saved(7), /computed for up to 6.4 s: select less/);
});

test('some of too many channels stand for all', async () => {
  const of = made(9000);
  const steps = /** @type {import('../../seriesview/viewer/steps/parse.js').Step[]} */ (parseSteps([{ highpass: 30 }]));
  const derived = of.source.derive('s', steps);
  derived.mostSamples = (numChannels) => (numChannels > 2 ? 0 : 4000);
  await derived.measure();
  const known = derived.plan.manifest.channels.map(({ typical }) => typical !== undefined);
  assert.deepEqual(known, [true, false, true]);
});

test('what has grown is filtered up to its new end, in the scale that it had', async () => {
  const of = made(3000);
  await of.derived.measure();
  const { typical } = of.derived.plan.manifest.channels[0];
  const grown = made(5000);
  of.memory.segments[0] = grown.memory.segments[0];
  Object.assign(of.series.s, { segments: grown.series.s.segments });
  const again = of.source.derive('s', of.steps);
  assert.notEqual(again.uri, of.derived.uri);
  assert.equal(of.source.derive('s', of.steps), again);
  assert.deepEqual(again.plan.manifest.channels[0].typical, typical);
  const { values } = await windowOf(of, again.uri, 4000, 1, 999);
  assert.deepEqual(values, (await windowOf(grown, grown.derived.uri, 4000, 1, 999)).values);
});

test('what was built is computed where its source alone has samples', async () => {
  const of = made(9000);
  const { manifest } = of.derived.plan;
  const levels = [{ ...of.series.s.levels[0], factor: 16, dtype: 'float64', shape: [563, 2, 3] }];
  const values = { linked: [], isComputed: /** @type {const} */ (true) };
  const built = { ...manifest, values, from: 's', steps: STEPS, levels };
  const source = memorySource({ s: of.memory });
  /** @type {any} */
  const without = { ...source, finestSamplesPerColumn: (/** @type {string} */ uri) => (uri === 'built' ? 16 : 1) };
  /** @type {string[]} */
  const asked = [];
  without.getWindow = (/** @type {string} */ uri, /** @type {any} */ request) => {
    asked.push(`${uri} ${request.samplesPerColumn}`);
    return source.getWindow('s', request);
  };
  const able = withDerived(without, { ...of.series, built: /** @type {any} */ (built) });
  assert.equal(able.finestSamplesPerColumn('built'), 1);
  const request = { segment: 0, firstSample: 32, samplesPerColumn: 1, columns: 100, channels: null };
  const found = await able.getWindow('built', request);
  assert.deepEqual(found.values, (await windowOf(of, of.derived.uri, 32, 1, 100)).values);
  await able.getWindow('built', { ...request, samplesPerColumn: 16, columns: 3 });
  assert.deepEqual(
    asked.filter((each) => each.startsWith('built')),
    ['built 16'],
  );
});

for (const [why, steps, channels] of /** @type {[string, any[], number][]} */ ([
  ['filters that ring for too long', [{ highpass: 0.0005 }], 3],
  ['filters whose margins are too much at once', [{ highpass: 0.01 }], 3],
  ['channels that are not there', [{ montage: [['c0', 'nowhere']] }], 1],
  ['other channels than it has', STEPS, 2],
]))
  test(`of what was built by ${why} there are levels`, () => {
    const of = made(9000);
    const values = { linked: [], isComputed: /** @type {const} */ (true) };
    const own = of.series.s.channels.slice(0, channels);
    const built = { ...of.series.s, channels: own, values, from: 's', steps };
    const source = memorySource({ s: of.memory });
    /** @type {any} */
    const without = { ...source, finestSamplesPerColumn: (/** @type {string} */ uri) => (uri === 'built' ? 16 : 1) };
    const able = withDerived(without, { ...of.series, built: /** @type {any} */ (built) });
    assert.equal(able.finestSamplesPerColumn('built'), 16);
  });
