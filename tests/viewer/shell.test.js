import assert from 'node:assert/strict';
import { test } from 'node:test';

import { labelRooms, makeBands, visibleBands } from '../../seriesview/viewer/app/bands.js';
import { automaticHeights, gutterWidth, pathSide } from '../../seriesview/viewer/app/heights.js';
import { ticksPerColumn } from '../../seriesview/viewer/geometry/ladder.js';
import { clampFrame, panFrame, timesOf, zoomFrame } from '../../seriesview/viewer/geometry/timeline.js';
import { place } from '../../seriesview/viewer/app/stand_in.js';
import { createHistory, fitFrame, readSettings, readState } from '../../seriesview/viewer/app/state.js';
import { traitsOf } from '../../seriesview/viewer/panels/registry.js';

/** @type {any} */
const timeline = {
  ticksPerSecond: 1000,
  startTime: 0,
  firstTime: 0,
  endTime: 1000,
  sessionStart: null,
  clockNotes: {},
  shifts: {},
  finest: 1,
  ladder: [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 64, 128, 256, 512, 1024],
};
/** @type {any} */
const figure = {
  views: [
    {
      label: '',
      panels: [
        { key: '0', seriesUri: 'a', traits: traitsOf('ContinuousTraces', undefined) },
        { key: '1', seriesUri: null, traits: traitsOf('Position', undefined) },
      ],
    },
    { label: '', panels: [] },
  ],
  series: { a: { channels: [{ id: 'one' }, { id: 'two' }, { id: '__proto__' }] } },
};

test('a whole state is read as it was written', () => {
  const settings = {
    channels: ['two', 'one'],
    mode: 'image',
    gain: 2,
    offsets: { one: -3 },
    height: 120,
    hidden: true,
  };
  const state = {
    view: 0,
    samplesPerColumn: 16,
    columnsPerSample: 1,
    leftColumn: -3,
    columns: 1000,
    panels: { 0: settings },
    time: 'wall',
    selection: { start: 1, end: 2 },
  };
  const read = readState(JSON.parse(JSON.stringify(state)), figure);
  assert.deepEqual({ ...read, ...read.frame, frame: undefined }, { ...state, frame: undefined });
});

test('wrong values fall back to defaults', () => {
  const wrong = [
    null,
    3,
    'x',
    [],
    {},
    { view: 9, samplesPerColumn: 0, columnsPerSample: 0, leftColumn: 0, columns: 10 },
    { view: -1, samplesPerColumn: 2, columnsPerSample: 2, leftColumn: 0, columns: 10 },
    { view: '0', samplesPerColumn: 2, columnsPerSample: 1, leftColumn: 0.5, columns: 10 },
    {
      samplesPerColumn: 1e300,
      columnsPerSample: 1,
      leftColumn: 0,
      columns: 10,
      panels: 'x',
      time: 'tea',
      selection: { start: 2, end: 1 },
    },
    { samplesPerColumn: 2, columnsPerSample: 1, leftColumn: 0, columns: 0, panels: { 0: 5, 7: {}, __proto__: {} } },
  ];
  for (const value of wrong) {
    assert.deepEqual(readState(value, figure), { view: 0, frame: null, panels: {}, time: undefined, selection: null });
  }
  const ids = new Set(['one']);
  const [traits, others] = ['ContinuousTraces', 'Position'].map((type) => traitsOf(type, undefined));
  const settings = { channels: ['x'], gain: 0, offsets: { x: 1, one: NaN }, height: 1e9, hidden: 1 };
  assert.deepEqual(readSettings({ ...settings, mode: 'pie', path: false }, ids, traits), {});
  assert.deepEqual(readSettings({ ...settings, mode: 'image', path: true }, ids, others), {});
  assert.deepEqual(readSettings({ path: false }, ids, others), { path: false });
  assert.deepEqual(readSettings({ channels: ['one', 'x', 'one', 5] }, ids, traits), { channels: ['one'] });
  const over = [new Set(['7', '8']), new Set(['a'])];
  /** @param {any} given */
  const chosen = (given) => readSettings({ over: given }, ids, traits, over).over;
  assert.deepEqual(chosen({ 0: ['8', 'x', '8'], 1: [], 2: ['a'] }), { 0: ['8'], 1: [] });
  for (const value of [{ 0: ['8', '7'], 1: ['x'] }, { 0: 'all' }, ['x'], 5, null])
    assert.equal(chosen(value), undefined);
});

test('on a canvas at least as wide a link shows the same left column on the same rung', () => {
  const sent = { samplesPerColumn: 16, columnsPerSample: 1, leftColumn: 100, columns: 800 };
  for (const columns of [800, 801, 3000]) assert.deepEqual(fitFrame(timeline, sent, columns), { ...sent, columns });
});

test('on a narrower canvas all that the sender saw is there, on the first rung on which it fits', () => {
  for (const sent of [
    { samplesPerColumn: 16, columnsPerSample: 1, leftColumn: 100, columns: 800 },
    { samplesPerColumn: 1, columnsPerSample: 4, leftColumn: 4000, columns: 1000 },
  ]) {
    for (const columns of [799, 500, 200, 60]) {
      const frame = fitFrame(timeline, sent, columns);
      const zoom = frame.samplesPerColumn / frame.columnsPerSample;
      const sentZoom = sent.samplesPerColumn / sent.columnsPerSample;
      assert.ok(frame.leftColumn * zoom <= sent.leftColumn * sentZoom + 1e-9);
      assert.ok((frame.leftColumn + columns) * zoom >= (sent.leftColumn + sent.columns) * sentZoom - zoom);
    }
  }
  const sent = { samplesPerColumn: 16, columnsPerSample: 1, leftColumn: 100, columns: 800 };
  assert.equal(fitFrame(timeline, sent, 640).samplesPerColumn, 20);
});

test('without a frame there is the whole session', () => {
  const frame = fitFrame(timeline, null, 1000);
  assert.ok(frame.samplesPerColumn * 1000 >= 1e6);
});

test('a page begins where the grid does and is just as long as was asked for, and a link has its own range', () => {
  const { ticksPerSecond } = timeline;
  for (const columns of [240, 777, 1000, 1601]) {
    const frame = fitFrame(timeline, null, columns, 2.5);
    assert.equal(frame.leftColumn, 0);
    assert.equal((columns * frame.samplesPerColumn) / frame.columnsPerSample / ticksPerSecond, 2.5);
    const next = panFrame(timeline, frame, columns);
    assert.equal(timesOf(timeline, next).startTime - timeline.startTime, 2.5);
    // As long in a window of another width, and when a link is opened there.
    const wider = clampFrame(timeline, { ...next, columns: 900 });
    assert.equal(timesOf(timeline, wider).startTime - timeline.startTime, 2.5);
    assert.equal(timesOf(timeline, wider).endTime - timeline.startTime, 5);
    const state = readState({ view: 0, panels: {}, ...next }, figure);
    assert.deepEqual(fitFrame(timeline, state.frame, 900), wider);
    const [closer, further] = [1, -1].map((step) => zoomFrame(timeline, frame, step, 0));
    assert.ok(ticksPerColumn(closer) < ticksPerColumn(frame) && ticksPerColumn(frame) < ticksPerColumn(further));
    assert.ok(ticksPerColumn(further) <= 2 * ticksPerColumn(frame));
  }
  // Of very many samples a column zoom is by whole ones.
  assert.equal(fitFrame(timeline, null, 30, 2.5).columnsPerSample, 1);
  assert.deepEqual(fitFrame(timeline, null, 1000, 1e9), fitFrame(timeline, null, 1000));
  const sent = { samplesPerColumn: 16, columnsPerSample: 1, leftColumn: 7, columns: 1000 };
  assert.deepEqual(fitFrame(timeline, sent, 1000, 2.5), sent);
});

test('going back leads from rest to rest', (/** @type {any} */ context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  /** @type {string[]} */
  const entries = ['0'];
  let now = 0;
  const history = createHistory(
    (state, how) => {
      if (how === 'replace') entries.pop();
      entries.push(String(/** @type {any} */ (state).now));
    },
    () => ({ now }),
  );
  const move = () => {
    now += 1;
    history.moved();
    context.mock.timers.tick(100);
  };
  for (let step = 0; step < 5; step += 1) move();
  context.mock.timers.tick(2000);
  assert.deepEqual(entries, ['5']);
  for (let step = 0; step < 5; step += 1) move();
  context.mock.timers.tick(2000);
  assert.deepEqual(entries, ['5', '10']);
  history.begin();
  move();
  context.mock.timers.tick(300);
  history.begin();
  move();
  context.mock.timers.tick(2000);
  assert.deepEqual(entries, ['5', '10', '11', '12']);
  now = 10;
  history.forget();
  context.mock.timers.tick(2000);
  assert.deepEqual(entries, ['5', '10', '11', '12']);
});

test('visible bands are those of a search through all of them, and few', () => {
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const intervals = Array.from({ length: 20000 }, () => {
    const start = random() * 1000;
    return { start, end: start + (random() < 0.01 ? 40 : 0.03) * random(), label: `label ${Math.floor(random() * 3)}` };
  });
  const bands = makeBands(intervals);
  for (const [from, to] of [
    [0, 1000],
    [300, 310],
    [999, 1200],
    [-50, -1],
    [500, 500.01],
  ]) {
    const pixelOf = (/** @type {number} */ time) => ((time - from) / (to - from)) * 800;
    const found = visibleBands(bands, from, to, pixelOf);
    assert.ok(found.length <= 3 * 801, String(found.length));
    const painted = [new Uint8Array(800), new Uint8Array(800), new Uint8Array(800)];
    for (const band of found) painted[band.label].fill(1, band.from, band.to);
    const expected = [new Uint8Array(800), new Uint8Array(800), new Uint8Array(800)];
    for (const { start, end, label } of intervals) {
      if (end < from || start > to) continue;
      const first = Math.max(Math.floor(pixelOf(start)), 0);
      expected[bands.names.indexOf(label)].fill(1, first, Math.max(Math.ceil(pixelOf(end)), first + 1));
    }
    assert.deepEqual(painted, expected);
  }
});

test('panels share the room by weight, on whole device pixels, and are never too low', () => {
  const heights = automaticHeights([3, 1], 800, 1.5);
  assert.deepEqual(heights, [600, 200]);
  assert.ok(
    automaticHeights([1, 1, 1], 500, 1.25).every((height) => Number.isInteger(Math.round(height * 1.25 * 1e9) / 1e9)),
  );
  assert.ok(automaticHeights([1, 1, 1], 10, 1).every((height) => height >= 60));
});

test('a picture is put where its ticks are in another frame', () => {
  const frame = { samplesPerColumn: 16, columnsPerSample: 1, leftColumn: 100, columns: 50 };
  const closer = { samplesPerColumn: 1, columnsPerSample: 4, leftColumn: 6000, columns: 1000 };
  assert.deepEqual(place(frame, frame), { left: 0, right: 50, scale: 1 });
  assert.deepEqual(place(frame, closer), { left: 1600 * 4 - 6000, right: 1600 * 4 - 6000 + 50 * 64, scale: 64 });
  assert.deepEqual(place(closer, frame), { left: 1500 / 16 - 100, right: 1750 / 16 - 100, scale: 1 / 64 });
});

test('the label of a band ends where the next band begins', () => {
  const edges = [
    [0, 100],
    [20, 22],
    [40, 60],
    [40, 90],
    [200, 260],
  ];
  assert.deepEqual(
    labelRooms(
      edges.map(([from, to]) => ({ from, to })),
      18,
    ),
    [40, 0, 0, 50, 60],
  );
});

test('the label of a line goes on to the next line, and not beyond what it may have', () => {
  const lines = [0, 5, 40, 500].map((from) => ({ from, to: from + 1, isLine: true }));
  assert.deepEqual(labelRooms(lines, 18, 110), [5, 35, 110, 110]);
});

test('many traces get more room than few, and than other panels', () => {
  const of = (/** @type {string} */ type, /** @type {number} */ numChannels) =>
    traitsOf(type, /** @type {any} */ ({ channels: new Array(numChannels) })).weight;
  assert.ok(of('ContinuousTraces', 32) > 2 * of('ContinuousTraces', 2));
  assert.equal(of('ContinuousTraces', 384), of('ContinuousTraces', 32));
  assert.ok(of('ContinuousTraces', 1) > of('Position', 2));
  assert.ok(of('RasterPlot', 16) > of('RasterPlot', 3));
  assert.equal(of('RasterPlot', 30), of('RasterPlot', 300));
});

test('panels are no higher than what they hold needs, and what they leave goes to the others', () => {
  assert.deepEqual(automaticHeights([2, 2, 2], 600, 1, [32, 32, 32], [36, 88, Infinity]), [36, 88, 476]);
  assert.deepEqual(automaticHeights([2, 1], 600, 1, [32, 32], [36, 200]), [36, 200]);
  const of = (/** @type {string} */ type, /** @type {any} */ manifest) => traitsOf(type, manifest).most;
  const channels = (/** @type {number} */ count) => ({
    channels: Array.from({ length: count }, (_, id) => ({ id: String(id), label: '' })),
  });
  assert.ok(Number(of('RasterPlot', channels(1))) < 40);
  assert.ok(Number(of('RasterPlot', channels(10))) > 200);
  assert.ok(Number(of('ContinuousTraces', channels(1))) <= 300);
  assert.equal(of('ContinuousTraces', channels(20)), undefined);
  const stages = { channels: [], intervals: { labels: ['W', 'R', 'N1'] } };
  assert.ok(Number(of('IntervalLanes', stages)) < 100);
});

test('the gutter grows with names, within bounds, but not for whole sentences', () => {
  assert.equal(gutterWidth([], 1280, 60), 92);
  assert.equal(gutterWidth([], 1280, 130.2), 157);
  assert.equal(gutterWidth([], 1280, 900), 230);
  assert.equal(gutterWidth([], 700, 900), 140);
  assert.equal(gutterWidth([], 500, 900), 58);
  const channels = ['left arousal', 'N', `said ${'by somebody '.repeat(9)}`].map((label) => ({ id: label, label }));
  assert.equal(traitsOf('RasterPlot', /** @type {any} */ ({ channels })).longest, 'left arousal');
  const one = /** @type {any} */ ({ channels: channels.slice(0, 1) });
  assert.equal(traitsOf('ContinuousTraces', one).longest, '');
});

test('panels of the least height take their room from the others, so that all are seen', () => {
  for (const [weights, room] of /** @type {[number[], number][]} */ ([
    [[6, 2, 1.5, 1.5, 1.5], 500],
    [[3, 1, 1], 230],
    [[9, 1, 2], 300],
  ])) {
    const heights = automaticHeights(weights, room, 1);
    assert.ok(heights.reduce((sum, height) => sum + height, 0) <= room, String(heights));
    assert.ok(
      heights.every((height) => height >= 72),
      String(heights),
    );
    assert.ok(heights[0] === Math.max(...heights));
  }
});

test('a path in the plane lies beside the pictures, where it is wanted and there is room', () => {
  /** @param {any} settings @param {string} [type] @returns {any} */
  const host = (settings, type = 'Position') => ({
    panel: { traits: traitsOf(type, undefined) },
    numChannels: 2,
    settings: () => settings,
  });
  assert.equal(gutterWidth([host({})], 1200), 156);
  assert.equal(gutterWidth([host({})], 800), 92);
  assert.equal(gutterWidth([host({})], 500), 58);
  for (const settings of [{ path: false }, { hidden: true }, { channels: ['x'] }])
    assert.equal(gutterWidth([host(settings)], 1200), 92);
  assert.equal(gutterWidth([host({}, 'ContinuousTraces')], 1200), 92);
  assert.deepEqual([pathSide(156, 94), pathSide(156, 400), pathSide(92, 94), pathSide(58, 94)], [94, 110, 46, 0]);
});
