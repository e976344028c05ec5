import assert from 'node:assert/strict';
import test from 'node:test';
import { palette, pixelOf, plainColor } from '../../seriesview/viewer/drawing/colors.js';
import { createPanelPainter } from '../../seriesview/viewer/drawing/painter.js';
import { createSeriesData } from '../../seriesview/viewer/drawing/series.js';
import { createTileCache } from '../../seriesview/viewer/drawing/tiles.js';
import { columnOfTime, timeOfColumn } from '../../seriesview/viewer/geometry/timeline.js';
import { memoryFigure, memorySeries, memorySource, randomNumbers } from './memorySource.js';

/** @typedef {import('../../seriesview/viewer/types.js').Frame} Frame */
/** @typedef {import('../../seriesview/viewer/types.js').PanelSettings} PanelSettings */
/** @typedef {import('./memorySource.js').MemorySeries} MemorySeries */

/**
 * @param {MemorySeries} series
 * @param {string} type
 * @param {{settings?: PanelSettings, binCenters?: number[], reference?: MemorySeries, finest?: number}} [more]
 */
function setUp(series, type, { settings = {}, binCenters, reference, finest = 1 } = {}) {
  /** @type {Record<string, MemorySeries>} */
  const all = reference ? { reference, s: series } : { s: series };
  const panels = [...(reference ? [{ type: 'ContinuousTraces', uri: 'reference' }] : []), { type, uri: 's' }];
  const { timeline } = memoryFigure(all, panels, finest);
  const data = createSeriesData(memorySource(all, { finest }), 's', series.manifest, createTileCache());
  /** @type {import('../../seriesview/viewer/types.js').PanelRequest} */
  const request = {
    key: '0',
    type,
    seriesUri: 's',
    height: 60,
    pixelRatio: 1,
    settings,
    data: { bin_centers: binCenters },
  };
  return { timeline, data, request };
}

/** @param {ReturnType<typeof setUp>} scene @param {Frame} frame */
async function paintWhole({ timeline, data, request }, frame, painter = createPanelPainter()) {
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

/** Times that never fall, with repeats. @param {() => number} random @param {number} count */
function unevenTimes(random, count) {
  const times = new Float64Array(count);
  for (let index = 1; index < count; index += 1)
    times[index] = times[index - 1] + (random() < 0.1 ? 0 : random() * 0.004);
  return times;
}

/** @param {() => number} random @param {number} count */
function events(random, count, channels = 3) {
  const times = unevenTimes(random, count);
  const eventChannels = Uint32Array.from(times, () => Math.floor(random() * channels));
  const series = memorySeries([new Float64Array(count * channels)], { channels, times: [times] });
  /** @type {MemorySeries['manifest']} */
  const manifest = { ...series.manifest, type: 'event', moments: [], values: null, timestamps: null };
  return { ...series, manifest, eventChannels, times: [times] };
}

const RUNGS = [
  [1, 8],
  [1, 1],
  [3, 1],
  [40, 1],
];

test('irregular traces: the hull of the samples whose times a column covers, however many there are', async () => {
  const random = randomNumbers(3);
  const times = unevenTimes(random, 6000);
  const samples = Float64Array.from({ length: 12000 }, () => (random() < 0.02 ? NaN : random() * 8));
  const series = memorySeries([samples], { channels: 2, times: [times], factors: [16, 64] });
  const scene = setUp(series, 'ContinuousTraces');
  for (const [samplesPerColumn, columnsPerSample] of RUNGS) {
    const frame = { samplesPerColumn, columnsPerSample, leftColumn: Math.floor(random() * 60) - 9, columns: 140 };
    const picture = await paintWhole(scene, frame);
    const expected = new Uint32Array(140 * 60);
    const first = Math.floor(frame.leftColumn / 512) * 512;
    for (let x = 0; x < 140; x += 1) {
      const column = frame.leftColumn + x - first;
      const start = timeOfColumn(scene.timeline, frame, first);
      const end = timeOfColumn(scene.timeline, frame, first + 512);
      const edges = [column, column + 1].map((each) => start + (end - start) * (each / 512));
      picture.lanes.forEach((lane, channel) => {
        const inside = [...times.keys()].filter((index) => times[index] >= edges[0] && times[index] <= edges[1]);
        const values = inside.map((index) => samples[index * 2 + channel]).filter((value) => !Number.isNaN(value));
        const rows = values.map((value) => Math.round(lane.center - (value - lane.baseline) * lane.pixelsPerUnit));
        for (let row = Math.min(...rows); row <= Math.max(...rows); row += 1) {
          if (row >= 0 && row < 60) expected[row * 140 + x] = pixelOf(lane.color);
        }
      });
    }
    if (Math.floor((frame.leftColumn + 139) / 512) * 512 === first) assert.deepEqual(picture.pixels, expected);
  }
});

test('a raster has a mark in each column and channel that has an event, one by one or counted', async () => {
  const random = randomNumbers(4);
  const series = events(random, 3000);
  const scene = setUp(series, 'RasterPlot');
  for (const [samplesPerColumn, columnsPerSample] of [
    [1, 4],
    [2, 1],
    [16, 1],
  ]) {
    const frame = { samplesPerColumn, columnsPerSample, leftColumn: 100, columns: 200 };
    const picture = await paintWhole(scene, frame);
    const times = /** @type {Float64Array[]} */ (series.times)[0];
    for (let x = 0; x < 200; x += 1) {
      const inside = [...times.keys()].filter(
        (i) => Math.floor(columnOfTime(scene.timeline, frame, times[i]) + 1e-9) === 100 + x,
      );
      picture.lanes.forEach((lane, channel) => {
        const hasEvent = inside.some((index) => series.eventChannels[index] === channel);
        if (hasEvent) assert.notEqual(picture.pixels[lane.center * 200 + x], 0);
      });
    }
    assert.ok(picture.pixels.includes(0));
  }
});

test('amplitudes: marks at time and value, ranges where there are many, the same after panning', async () => {
  const random = randomNumbers(8);
  const times = unevenTimes(random, 9000);
  const samples = Float64Array.from(times, () => random() * 100);
  const series = memorySeries([samples], {
    channels: 1,
    times: [times],
    factors: [64, 256],
    more: { type: 'discrete' },
  });
  const scene = setUp(series, 'EventAmplitudes');
  const painter = createPanelPainter();
  for (const leftColumn of [300, 340, 290, 1500]) {
    const frame = { samplesPerColumn: 1, columnsPerSample: 2, leftColumn, columns: 200 };
    const picture = await paintWhole(scene, frame, painter);
    assert.deepEqual(picture.pixels, (await paintWhole(scene, frame)).pixels);
    const [lane] = picture.lanes;
    times.forEach((time, index) => {
      const x = Math.floor(columnOfTime(scene.timeline, frame, time)) - leftColumn;
      const row = Math.round(lane.center - (samples[index] - lane.baseline) * lane.pixelsPerUnit);
      if (x >= 0 && x < 200) assert.equal(picture.pixels[row * 200 + x], pixelOf(lane.color));
    });
    assert.ok(picture.valueAxis && picture.valueAxis.low < 0 && picture.valueAxis.high > 100);
  }
  const dense = await paintWhole(scene, { samplesPerColumn: 64, columnsPerSample: 1, leftColumn: 0, columns: 200 });
  assert.ok(dense.pixels.includes(pixelOf(dense.lanes[0].color)));
});

test('an image has a row of colours for each channel, the highest value is the brightest', async () => {
  const channels = 5;
  const samples = new Float64Array(2000 * channels);
  for (let sample = 0; sample < 2000; sample += 1) samples[sample * channels + Math.floor(sample / 400)] = 1;
  const series = memorySeries([samples], { channels, factors: [16, 64], more: { unit: '' } });
  const binCenters = [10, 20, 30, 40, 50];
  const scene = setUp(series, 'ProbabilityDensity', { binCenters });
  const picture = await paintWhole(scene, { samplesPerColumn: 16, columnsPerSample: 1, leftColumn: 0, columns: 125 });
  assert.deepEqual(picture.valueAxis, { unit: '', low: 5, high: 55, isLinear: true });
  assert.deepEqual(
    picture.lanes.map(({ id }) => id),
    ['c4', 'c3', 'c2', 'c1', 'c0'],
  );
  assert.deepEqual(
    picture.lanes.map(({ label }) => label),
    ['50', '40', '30', '20', '10'],
  );
  const brightest = picture.pixels[58 * 125 + 3];
  const darkest = picture.pixels[2 * 125 + 3];
  assert.notEqual(brightest, darkest);
  assert.equal(picture.pixels[2 * 125 + 120], brightest);
  assert.equal(picture.pixels[58 * 125 + 120], darkest);
  const traces = setUp(series, 'ContinuousTraces', { settings: { mode: 'image' } });
  const image = await paintWhole(traces, { samplesPerColumn: 16, columnsPerSample: 1, leftColumn: -10, columns: 125 });
  assert.equal(image.pixels[9], 0);
  assert.notEqual(image.pixels[10], 0);
});

test('a position has two lanes, and its path in a square beside them', async () => {
  const samples = Float64Array.from({ length: 4000 }, (_, i) =>
    i % 2 ? 50 * Math.sin(i / 300) : 80 * Math.cos(i / 300),
  );
  const series = memorySeries([samples], { channels: 2, factors: [64] });
  const scene = setUp(series, 'Position');
  const frame = { samplesPerColumn: 8, columnsPerSample: 1, leftColumn: 0, columns: 250 };
  const without = await paintWhole(scene, frame);
  assert.equal(without.path, null);
  assert.equal(without.lanes.length, 2);
  const picture = await paintWhole({ ...scene, request: { ...scene.request, pathSide: 50 } }, frame);
  assert.deepEqual(picture.pixels, without.pixels);
  const { side, pixels } = /** @type {{side: number, pixels: Uint32Array}} */ (picture.path);
  const inks = [...pixels.keys()].filter((index) => pixels[index] === pixelOf('#000000'));
  const places = inks.map((index) => [index % side, Math.floor(index / side)]);
  const [columns, rows] = [0, 1].map((axis) => places.map((place) => place[axis]));
  assert.ok(inks.length > 60);
  // One scale for both: x goes from edge to edge, y over five eighths of that.
  assert.deepEqual([Math.min(...columns), Math.max(...columns)], [4, 45]);
  assert.ok(Math.abs(Math.max(...rows) - Math.min(...rows) - 41 * 0.625) <= 2);
});

test('a series of another rate: exact where rates divide, interpolated or rounded to whole bins where not', async () => {
  const random = randomNumbers(11);
  const reference = memorySeries([Float64Array.from({ length: 8000 }, random)], {
    channels: 1,
    rate: 1000,
    factors: [64],
  });
  for (const rate of [250, 333, 20, 3000, 2970]) {
    const count = 8 * rate;
    const samples = Float64Array.from({ length: count }, () => random() * 10);
    const series = memorySeries([samples], { channels: 1, rate, starts: [0], factors: [16, 64] });
    const scene = setUp(series, 'ContinuousTraces', { reference });
    for (const samplesPerColumn of [1, 4, 10, 64]) {
      const frame = { samplesPerColumn, columnsPerSample: 1, leftColumn: 5, columns: 100 };
      const picture = await paintWhole(scene, frame);
      const perColumn = (samplesPerColumn * rate) / 1000;
      const [lane] = picture.lanes;
      const at = (/** @type {number} */ position) => {
        const index = Math.min(Math.floor(position), count - 2);
        return samples[index] + (samples[index + 1] - samples[index]) * (position - index);
      };
      assert.equal(picture.notes.length, Number.isInteger(perColumn) || perColumn < 4 ? 0 : 1);
      if (picture.notes.length) continue;
      for (let x = 0; x < 100; x += 1) {
        const start = (5 + x) * perColumn;
        const end = (6 + x) * perColumn;
        const values = [at(start), at(end)];
        for (let sample = Math.ceil(start); sample <= end; sample += 1) values.push(samples[sample]);
        const rows = values.map((value) => Math.round(lane.center - (value - lane.baseline) * lane.pixelsPerUnit));
        for (let row = 0; row < 60; row += 1) {
          const isInside = row > Math.min(...rows) && row < Math.max(...rows);
          if (isInside) assert.notEqual(picture.pixels[row * 100 + x], 0);
          const isOutside = row < Math.min(...rows) - 1 || row > Math.max(...rows) + 1;
          if (isOutside) assert.equal(picture.pixels[row * 100 + x], 0);
        }
      }
    }
  }
});

test('lanes do not depend on what is visible; default order is group, depth from the top, as stored', async () => {
  const random = randomNumbers(12);
  const series = memorySeries([Float64Array.from({ length: 12000 }, random)], { channels: 4, factors: [16, 64] });
  series.manifest.channels = [
    { id: 'a', label: 'a', group: '10', y: 1 },
    { id: 'b', label: 'b', group: '2', y: 9 },
    { id: 'c', label: 'c', group: '2', y: 3 },
    { id: 'd', label: 'd', group: '10', y: 1 },
  ];
  const scene = setUp(series, 'ContinuousTraces');
  const one = await paintWhole(scene, { samplesPerColumn: 1, columnsPerSample: 4, leftColumn: 0, columns: 50 });
  const other = await paintWhole(scene, { samplesPerColumn: 64, columnsPerSample: 1, leftColumn: 20, columns: 50 });
  assert.deepEqual(one.lanes, other.lanes);
  assert.deepEqual(
    one.lanes.map(({ id }) => id),
    ['b', 'c', 'a', 'd'],
  );
  const chosen = setUp(series, 'ContinuousTraces', { settings: { channels: ['d', 'nothing', 'c'] } });
  const subset = await paintWhole(chosen, { samplesPerColumn: 4, columnsPerSample: 1, leftColumn: 0, columns: 50 });
  assert.deepEqual(
    subset.lanes.map(({ id }) => id),
    ['d', 'c'],
  );
  assert.equal(subset.lanes[0].color, one.lanes[3].color);
});

test('a panel says in words what it cannot show', () => {
  const series = memorySeries([new Float64Array(10)], { channels: 1, more: { type: 'event' } });
  const scene = setUp(series, 'ContinuousTraces');
  const frame = { samplesPerColumn: 1, columnsPerSample: 1, leftColumn: 0, columns: 10 };
  const picture = createPanelPainter().paint(scene.data, scene.timeline, frame, scene.request, false, []);
  assert.match(picture.error ?? '', /cannot show a series of type event/);
});

test('colours can be told apart and read, by colour-blind people too', () => {
  // Machado, Oliveira and Fernandes (2009), severity 1.
  const kinds = {
    normal: [1, 0, 0, 0, 1, 0, 0, 0, 1],
    protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
    deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
    tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
  };
  /** @param {string} css */
  const linear = (css) =>
    [1, 3, 5]
      .map((at) => parseInt(css.slice(at, at + 2), 16) / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  /** @param {number[]} rgb */
  const lab = ([r, g, b]) => {
    const f = (/** @type {number} */ t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
    const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
    const y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
    const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
  };
  const luminance = (/** @type {string} */ css) =>
    linear(css).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  for (const isDark of [false, true]) {
    const { colors, background } = palette(isDark);
    for (const color of [...colors, plainColor(isDark)]) {
      const [low, high] = [luminance(color), luminance(background)].sort((a, b) => a - b);
      assert.ok((high + 0.05) / (low + 0.05) >= 3, `${color} on ${background}`);
    }
    for (const [kind, matrix] of Object.entries(kinds)) {
      const seen = colors.map((css) => {
        const rgb = linear(css);
        return lab(
          [0, 3, 6].map((row) =>
            Math.min(
              Math.max(
                rgb.reduce((sum, v, i) => sum + v * matrix[row + i], 0),
                0,
              ),
              1,
            ),
          ),
        );
      });
      seen.forEach((one, index) => {
        for (const other of seen.slice(index + 1)) {
          const difference = Math.hypot(...one.map((v, i) => v - other[i]));
          assert.ok(difference > 12, `${kind} ${isDark} ${colors[index]} ${colors[seen.indexOf(other)]} ${difference}`);
        }
      });
    }
  }
});
