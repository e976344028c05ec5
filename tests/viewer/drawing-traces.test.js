import assert from 'node:assert/strict';
import test from 'node:test';
import { pixelOf } from '../../seriesview/viewer/drawing/colors.js';
import { createPanelPainter } from '../../seriesview/viewer/drawing/painter.js';
import { createSeriesData } from '../../seriesview/viewer/drawing/series.js';
import { createTileCache } from '../../seriesview/viewer/drawing/tiles.js';
import { columnOfTime } from '../../seriesview/viewer/geometry/timeline.js';
import { memoryFigure, memorySeries, memorySource, randomNumbers } from './memorySource.js';

/** @typedef {import('../../seriesview/viewer/types.js').Frame} Frame */
/** @typedef {import('./memorySource.js').MemorySeries} MemorySeries */

/** @param {() => number} random @param {number} count @param {number} channels */
function noise(random, count, channels) {
  const samples = new Float64Array(count * channels);
  for (let index = 0; index < samples.length; index += 1) {
    const kind = random();
    samples[index] = kind < 0.02 ? NaN : kind < 0.024 ? Infinity : kind < 0.028 ? -Infinity : 40 * (random() - 0.5);
  }
  return samples;
}

/** @param {MemorySeries} series @param {Partial<import('../../seriesview/viewer/types.js').PanelRequest>} [more] */
function setUp(series, more = {}, finest = 1) {
  const { timeline } = memoryFigure({ s: series }, [{ type: 'ContinuousTraces', uri: 's' }], finest);
  const source = memorySource({ s: series }, { finest });
  const data = createSeriesData(source, 's', series.manifest, createTileCache());
  const request = {
    key: '0',
    type: 'ContinuousTraces',
    seriesUri: 's',
    height: 90,
    pixelRatio: 1,
    settings: {},
    ...more,
  };
  return { timeline, source, data, request };
}

/** Paint until nothing is missing. @param {ReturnType<typeof setUp>} scene @param {Frame} frame */
export async function paintWhole({ timeline, data, request }, frame, painter = createPanelPainter()) {
  for (let round = 0; round < 10; round += 1) {
    /** @type {import('../../seriesview/viewer/drawing/tiles.js').TileRequest[]} */
    const wanted = [];
    const picture = painter.paint(data, timeline, frame, request, false, wanted);
    if (picture.isComplete) return picture;
    await Promise.all(wanted.map((each) => each.load()));
  }
  throw new Error('never complete');
}

/**
 * The polyline of all samples of each segment, column by column, straight from its definition.
 * @param {MemorySeries} series @param {import('../../seriesview/viewer/types.js').Timeline} timeline @param {Frame} frame
 * @param {import('../../seriesview/viewer/types.js').Lane[]} lanes @param {number} height
 */
function bruteForce({ manifest, segments }, timeline, frame, lanes, height) {
  const { samplesPerColumn: k, columnsPerSample: m, leftColumn, columns } = frame;
  const pixels = new Uint32Array(columns * height);
  const width = manifest.channels.length;
  for (let x = 0; x < columns; x += 1) {
    for (const lane of lanes) {
      const channel = manifest.channels.findIndex(({ id }) => id === lane.id);
      const { scale = manifest.scale, offset = manifest.offset } = manifest.channels[channel];
      let low = Infinity;
      let high = -Infinity;
      segments.forEach((samples, segment) => {
        const count = samples.length / width;
        const first = Math.round(columnOfTime(timeline, frame, manifest.segments[segment].start_time));
        const column = leftColumn + x - first;
        /** @param {number} sample @param {number} share */
        const point = (sample, share) => {
          if (sample + Math.ceil(share) >= count) return;
          const value = samples[sample * width + channel];
          const at =
            share === 0
              ? value
              : share === 1
                ? samples[(sample + 1) * width + channel]
                : value + (samples[(sample + 1) * width + channel] - value) * share;
          if (Number.isNaN(at)) return;
          low = Math.min(low, at);
          high = Math.max(high, at);
        };
        if (column < 0 || column >= Math.max(1, Math.ceil(((count - 1) * m) / k))) return;
        if (m > 1) {
          const sample = Math.floor(column / m);
          point(sample, (column % m) / m);
          point(sample, ((column % m) + 1) / m);
        } else {
          for (let sample = column * k; sample <= Math.min((column + 1) * k, count - 1); sample += 1) point(sample, 0);
        }
      });
      if (low > high) continue;
      const rows = [low, high].map((stored) =>
        Math.round(lane.center - (stored * scale + offset + lane.offset - lane.baseline) * lane.pixelsPerUnit),
      );
      for (let row = 0; row < height; row += 1) {
        if (row >= Math.min(...rows) && row <= Math.max(...rows)) pixels[row * columns + x] = pixelOf(lane.color);
      }
    }
  }
  return pixels;
}

for (let seed = 1; seed <= 12; seed += 1) {
  test(`traces equal the polyline through all samples (${seed})`, async () => {
    const random = randomNumbers(seed);
    const channels = 1 + Math.floor(random() * 7);
    const numSegments = [1, 3, 40][seed % 3];
    const lengths = Array.from({ length: numSegments }, () => 1 + Math.floor((random() * 4000) / numSegments));
    const segments = lengths.map((length) => noise(random, length, channels));
    let clock = 0;
    const starts = lengths.map((length) => {
      const start = clock;
      clock += (length + Math.floor(random() * 90)) / 1000 + random() * 0.003;
      return start;
    });
    const scaled = { scale: seed % 2 ? -0.37 : 2.5, offset: 3 };
    const series = memorySeries(segments, { channels, starts, factors: [16, 64], more: scaled });
    const settings = [
      {},
      { mode: /** @type {'overlaid'} */ ('overlaid') },
      { channels: ['c0'], gain: 3, offsets: { c0: 4 } },
    ][seed % 3];
    const scene = setUp(series, { settings });
    const zooms = [
      [1, 1],
      [2, 1],
      [3, 1],
      [10, 1],
      [64, 1],
      [80, 1],
      [256, 1],
      [1, 2],
      [1, 5],
      [1, 32],
    ];
    for (const [samplesPerColumn, columnsPerSample] of zooms) {
      const total = (clock * 1000 * columnsPerSample) / samplesPerColumn;
      const leftColumn = Math.floor(random() * total) - 60;
      const frame = { samplesPerColumn, columnsPerSample, leftColumn, columns: 150 };
      const picture = await paintWhole(scene, frame);
      const expected = bruteForce(series, scene.timeline, frame, picture.lanes, 90);
      assert.deepEqual(picture.pixels, expected, `${samplesPerColumn}/${columnsPerSample} at ${leftColumn}`);
    }
  });
}

test('a shifted picture equals one that is drawn anew', async () => {
  const random = randomNumbers(99);
  const series = memorySeries([noise(random, 9000, 5), noise(random, 700, 5)], {
    channels: 5,
    starts: [0, 9.5],
    factors: [16, 64],
  });
  const scene = setUp(series);
  const painter = createPanelPainter();
  let leftColumn = 100;
  for (let move = 0; move < 30; move += 1) {
    leftColumn += Math.round((random() - 0.4) * 120);
    const frame = { samplesPerColumn: 10, columnsPerSample: 1, leftColumn, columns: 200 };
    const shifted = await paintWhole(scene, frame, painter);
    const anew = await paintWhole(scene, frame);
    assert.deepEqual(shifted.pixels, anew.pixels);
  }
});

test('coarser data stand in while tiles are missing, and the picture is not complete', async () => {
  const random = randomNumbers(5);
  const series = memorySeries([noise(random, 20000, 2)], { channels: 2, factors: [16, 64] });
  const scene = setUp(series);
  await paintWhole(scene, { samplesPerColumn: 64, columnsPerSample: 1, leftColumn: 0, columns: 300 });
  for (const [samplesPerColumn, columnsPerSample] of [
    [16, 1],
    [1, 1],
    [1, 4],
  ]) {
    const frame = { samplesPerColumn, columnsPerSample, leftColumn: 100, columns: 300 };
    const picture = createPanelPainter().paint(scene.data, scene.timeline, frame, scene.request, false, []);
    assert.equal(picture.isComplete, false);
    for (let x = 0; x < 300; x += 1) {
      assert.ok(Array.from({ length: 90 }, (_, row) => picture.pixels[row * 300 + x]).some((pixel) => pixel !== 0));
    }
  }
});

test('many segments are read as rows, few requests for all of them', async () => {
  const random = randomNumbers(6);
  const lengths = Array.from({ length: 500 }, () => 1 + Math.floor(random() * 100));
  const starts = lengths.map((_, index) => index * 0.15);
  const series = memorySeries(
    lengths.map((length) => noise(random, length, 2)),
    { channels: 2, starts, factors: [16, 64] },
  );
  const scene = setUp(series);
  const frame = { samplesPerColumn: 80, columnsPerSample: 1, leftColumn: 0, columns: 900 };
  /** @type {import('../../seriesview/viewer/drawing/tiles.js').TileRequest[]} */
  const wanted = [];
  const painter = createPanelPainter();
  painter.paint(scene.data, scene.timeline, frame, scene.request, false, wanted);
  await Promise.all(wanted.map((each) => each.load()));
  wanted.length = 0;
  painter.paint(scene.data, scene.timeline, frame, scene.request, false, wanted);
  assert.ok(wanted.every(({ key }) => key.includes('|rows|')));
  const picture = await paintWhole(scene, frame, painter);
  assert.deepEqual(picture.pixels, bruteForce(series, scene.timeline, frame, picture.lanes, 90));
});

test('without raw samples only whole bins are asked for', async () => {
  const random = randomNumbers(7);
  const series = memorySeries([noise(random, 5000, 3)], { channels: 3, factors: [16, 64], more: { values: null } });
  const scene = setUp(series, {}, 16);
  for (const samplesPerColumn of [16, 48, 80]) {
    const frame = { samplesPerColumn, columnsPerSample: 1, leftColumn: -5, columns: 150 };
    const picture = await paintWhole(scene, frame);
    assert.deepEqual(picture.pixels, bruteForce(series, scene.timeline, frame, picture.lanes, 90));
  }
});
