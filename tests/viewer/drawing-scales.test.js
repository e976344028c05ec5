import assert from 'node:assert/strict';
import test from 'node:test';
import { createPanelPainter } from '../../seriesview/viewer/drawing/painter.js';
import { createSeriesData } from '../../seriesview/viewer/drawing/series.js';
import { createTileCache } from '../../seriesview/viewer/drawing/tiles.js';
import { memoryFigure, memorySeries, memorySource, randomNumbers } from './memorySource.js';

/** @typedef {import('../../seriesview/viewer/types.js').Frame} Frame */

const HEIGHT = 160;
const FRAME = { samplesPerColumn: 16, columnsPerSample: 1, leftColumn: 0, columns: 200 };

/** Percentiles 1, 50 and 99, as docs/format.md has them. @param {number[]} values */
function percentiles(values) {
  const sorted = Float64Array.from(values.filter(Number.isFinite)).sort();
  return [1, 50, 99].map((q) => sorted[Math.floor((q * (sorted.length - 1) + 50) / 100)]);
}

/**
 * A series of these channels, with what is typical of them unless it is of before there was such a thing.
 * @param {Float64Array[]} channels one after the other
 * @param {boolean} [isOld]
 */
function seriesOf(channels, isOld = false) {
  const count = channels[0].length;
  const samples = new Float64Array(count * channels.length);
  channels.forEach((values, channel) =>
    values.forEach((value, index) => (samples[index * channels.length + channel] = value)),
  );
  const series = memorySeries([samples], { channels: channels.length, factors: [16, 64] });
  if (!isOld)
    series.manifest.channels.forEach((channel, index) => (channel.typical = percentiles([...channels[index]])));
  return series;
}

/**
 * @param {ReturnType<typeof seriesOf>} series
 * @param {{type?: string, settings?: import('../../seriesview/viewer/types.js').PanelSettings, frame?: Frame, painter?: ReturnType<typeof createPanelPainter>}} [more]
 */
async function painted(
  series,
  { type = 'ContinuousTraces', settings = { mode: 'stacked' }, frame = FRAME, painter = createPanelPainter() } = {},
) {
  const { timeline } = memoryFigure({ s: series }, [{ type, uri: 's' }], 1);
  const data = createSeriesData(memorySource({ s: series }, { finest: 1 }), 's', series.manifest, createTileCache());
  const request = { key: '0', type, seriesUri: 's', height: HEIGHT, pixelRatio: 1, settings };
  for (let round = 0; round < 10; round += 1) {
    /** @type {import('../../seriesview/viewer/drawing/tiles.js').TileRequest[]} */
    const wanted = [];
    const picture = painter.paint(data, timeline, frame, request, false, wanted);
    assert.equal(picture.error, null);
    if (picture.isComplete) return picture;
    await Promise.all(wanted.map((each) => each.load()));
  }
  throw new Error('never complete');
}

/** @param {() => number} random @param {number} [size] @param {number} [middle] */
function noise(random, size = 50, middle = 0) {
  return Float64Array.from({ length: 4000 }, () => middle + (random() + random() + random() - 1.5) * size);
}

/** @param {Float64Array} values @param {number} spoilt @param {() => number} random */
function spoiltBy(values, spoilt, random) {
  return values.map((value) => (random() < 0.02 ? spoilt : value));
}

/** @param {{center: number, baseline: number, pixelsPerUnit: number}} lane @param {number} value */
function rowOf(lane, value) {
  return lane.center - (value - lane.baseline) * lane.pixelsPerUnit;
}

test('2 % of samples at a fill move neither their own lane nor any other', async () => {
  for (const spoilt of [-9999, 1e36, -1e36, 32767]) {
    const random = randomNumbers(3);
    const clean = Array.from({ length: 8 }, () => noise(random));
    const before = await painted(seriesOf(clean));
    const after = await painted(seriesOf([spoiltBy(clean[0], spoilt, random), ...clean.slice(1)]));
    after.lanes.forEach((lane, index) => {
      assert.ok(Math.abs(lane.pixelsPerUnit / before.lanes[index].pixelsPerUnit - 1) < 0.1, `gain of lane ${index}`);
      assert.ok(Math.abs(rowOf(lane, 0) - lane.center) < (lane.bottom - lane.top) / 4, `place of lane ${index}`);
    });
    // Of all channels alike.
    const all = await painted(seriesOf(clean.map((values) => spoiltBy(values, spoilt, random))));
    assert.ok(Math.abs(all.lanes[3].pixelsPerUnit / before.lanes[3].pixelsPerUnit - 1) < 0.2);
    assert.ok(all.cut.above.length + all.cut.below.length > 0);
  }
});

test('a bad electrode does not make the others flat, neither beside them nor on one axis with them', async () => {
  const random = randomNumbers(4);
  const good = Array.from({ length: 5 }, () => noise(random));
  const bad = noise(random, 4000, 250_000);
  for (const mode of /** @type {const} */ (['stacked', 'overlaid'])) {
    const before = await painted(seriesOf(good), { settings: { mode } });
    const after = await painted(seriesOf([...good, bad]), { settings: { mode } });
    const ratio = (5 / 6) ** (mode === 'stacked' ? 1 : 0);
    assert.ok(Math.abs(after.lanes[0].pixelsPerUnit / before.lanes[0].pixelsPerUnit / ratio - 1) < 0.3, mode);
  }
});

test('a panel of one channel shows all of its range: no peak is cut off', async () => {
  const random = randomNumbers(5);
  const ecg = noise(random, 40).map((value, index) => (index % 200 < 5 ? 1100 : value));
  for (const mode of /** @type {const} */ (['stacked', 'overlaid'])) {
    const picture = await painted(seriesOf([ecg]), { settings: { mode } });
    assert.ok(picture.valueAxis && picture.valueAxis.high >= 1100 && picture.valueAxis.low <= Math.min(...ecg), mode);
    assert.deepEqual(picture.cut, { above: [], below: [] });
  }
  // One of several that is shown alone, too.
  const several = seriesOf([noise(random), ecg]);
  const alone = await painted(several, { settings: { mode: 'stacked', channels: ['c1'] } });
  assert.ok(alone.valueAxis && alone.valueAxis.high >= 1100);
});

test('unless that is far more than is usual, which is known of the columns where it is', async () => {
  const random = randomNumbers(6);
  const values = noise(random, 40);
  values[1605] = 1e6;
  const picture = await painted(seriesOf([values]));
  assert.ok(picture.valueAxis && picture.valueAxis.high < 200);
  assert.deepEqual(picture.cut.above, [[100, 101]]);
  assert.deepEqual((await painted(seriesOf([values]), { frame: { ...FRAME, leftColumn: 120 } })).cut.above, []);
});

test('what is cut off is known of every column after panning', async () => {
  const random = randomNumbers(7);
  const series = seriesOf(Array.from({ length: 3 }, () => noise(random)));
  const painter = createPanelPainter();
  const settings = /** @type {const} */ ({ mode: 'stacked', gain: 3 });
  for (const leftColumn of [0, 13, -40, 90, 0]) {
    const frame = { ...FRAME, columns: 90, leftColumn };
    const moved = await painted(series, { settings, frame, painter });
    assert.deepEqual(moved.cut, (await painted(series, { settings, frame })).cut);
  }
});

test('few channels of no known type, beats and breaths are shown whole, and lanes of brains overlap', async () => {
  const beats = noise(randomNumbers(11), 20).map((value, index) => (index % 100 < 4 ? 600 : value));
  const breaths = Float64Array.from({ length: 4000 }, (_, index) => 100 * Math.sin(index / 50));
  const brain = noise(randomNumbers(12), 60).map((value, index) => (index % 500 < 3 ? 300 : value));
  /** @param {Float64Array[]} channels @param {string[]} types */
  const typed = (channels, types) => {
    const series = seriesOf(channels);
    types.forEach((type, index) => Object.assign(series.manifest.channels[index], type && { type }));
    return painted(series);
  };
  /** Of each lane, whether all from `low` to `high` lies in it. */
  const isWhole = (
    /** @type {Awaited<ReturnType<typeof painted>>} */ { lanes },
    /** @type {number} */ index,
    /** @type {[number, number]} */ [low, high],
  ) => {
    const { center, baseline, pixelsPerUnit, top, bottom } = lanes[index];
    const [lowest, highest] = [low, high].map((value) => center - (value - baseline) * pixelsPerUnit);
    return highest >= top - 1 && lowest <= bottom + 1;
  };
  const unknown = await typed([beats, breaths], ['', '']);
  assert.ok(isWhole(unknown, 0, [-30, 600]) && isWhole(unknown, 1, [-100, 100]));
  assert.deepEqual(unknown.cut, { above: [], below: [] });
  const night = await typed([brain, brain, brain, beats, breaths], ['EEG', 'EEG', 'EEG', 'ECG', 'RESP']);
  assert.ok(!isWhole(night, 0, [-90, 300]));
  assert.ok(isWhole(night, 3, [-30, 600]) && isWhole(night, 4, [-100, 100]));
});

test('positions and amplitudes are not made flat by a lost track', async () => {
  const random = randomNumbers(8);
  const [x, y] = [noise(random, 100, 300), noise(random, 100, 200)].map((values) => spoiltBy(values, -1e7, random));
  const position = await painted(seriesOf([x, y]), { type: 'Position', settings: {} });
  position.lanes.forEach((lane, index) => {
    const middle = index ? 200 : 300;
    assert.ok(Math.abs(rowOf(lane, middle) - lane.center) < HEIGHT / 4);
    assert.ok(Math.abs(rowOf(lane, middle + 60) - rowOf(lane, middle)) > 8);
  });
  const amplitudes = await painted({ ...seriesOf([x]) }, { type: 'EventAmplitudes', settings: {} });
  assert.ok(amplitudes.valueAxis && amplitudes.valueAxis.low > -1000);
});

test('a series of which nothing is known to be typical is scaled by its deviations', async () => {
  const random = randomNumbers(9);
  const values = noise(random, 40);
  const picture = await painted(seriesOf([values], true));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  const furthest = Math.max(...values.map((value) => Math.abs(value - mean))) * 1.05;
  assert.ok(Math.abs(picture.lanes[0].pixelsPerUnit - HEIGHT / 2 / Math.min(6 * deviation, furthest)) < 1e-9);
});

test('constants and ranges at the ends of doubles are drawn, and hide no other', async () => {
  const random = randomNumbers(10);
  const usual = noise(random);
  const odd = [
    new Float64Array(4000).fill(2 ** 60),
    new Float64Array(4000).fill(-1e300),
    new Float64Array(4000),
    noise(random, 1e-310),
    noise(random, 1e-320),
    noise(random, 4, 2 ** 55),
    noise(random, 1).map((value) => value * 1.1e308),
    new Float64Array(4000).fill(NaN),
    new Float64Array(4000).fill(Infinity),
  ];
  for (const isOld of [false, true]) {
    for (const values of odd) {
      for (const type of ['ContinuousTraces', 'EventAmplitudes', 'Position', 'ProbabilityDensity']) {
        for (const mode of /** @type {const} */ (['stacked', 'overlaid', 'image'])) {
          const alone = await painted(seriesOf([values], isOld), { type, settings: { mode } });
          for (const { baseline, pixelsPerUnit } of alone.lanes)
            assert.ok(Number.isFinite(baseline) && Number.isFinite(pixelsPerUnit));
          if (Number.isFinite(values[0]))
            assert.ok(alone.pixels.some(Boolean), `${type} ${mode} ${values[0]} ${values[1]}`);
          if (alone.valueAxis)
            assert.ok(alone.valueAxis.low < alone.valueAxis.high, `${type} ${mode} ${values[0]} ${values[1]}`);
        }
      }
    }
  }
  const before = await painted(seriesOf(Array.from({ length: 9 }, () => usual)));
  const among = await painted(seriesOf([usual, ...odd.slice(0, 4), usual, usual, usual, usual]));
  assert.ok(among.lanes[0].pixelsPerUnit > before.lanes[0].pixelsPerUnit / 3);
});
