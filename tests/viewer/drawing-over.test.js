import assert from 'node:assert/strict';
import test from 'node:test';
import { palette, pixelOf, plainColor } from '../../seriesview/viewer/drawing/colors.js';
import { eventColors, tracesOf } from '../../seriesview/viewer/drawing/event_marks.js';
import { createPanelPainter } from '../../seriesview/viewer/drawing/painter.js';
import { readOut } from '../../seriesview/viewer/drawing/readout.js';
import { createSeriesData } from '../../seriesview/viewer/drawing/series.js';
import { createTileCache } from '../../seriesview/viewer/drawing/tiles.js';
import { columnOfTime, timeOfColumn } from '../../seriesview/viewer/geometry/timeline.js';
import { imageTickRows, tickRows } from '../../seriesview/viewer/geometry/tick_rows.js';
import { memoryFigure, memorySeries, memorySource, randomNumbers } from './memorySource.js';

/** @typedef {import('../../seriesview/viewer/types.js').Frame} Frame */
/** @typedef {import('../../seriesview/viewer/types.js').PanelSettings} PanelSettings */
/** @typedef {import('./memorySource.js').MemorySeries} MemorySeries */

const HEIGHT = 120;
const RATE = 1000;
const PIECE = 0.0015;

/** @param {() => number} random @param {number} length @param {number} channels */
function traces(random, length, channels = 3) {
  const samples = Float64Array.from({ length: length * channels }, () => (random() < 0.01 ? NaN : random() * 8));
  return memorySeries([samples], { channels, rate: RATE, factors: [16, 64] });
}

/**
 * Events of as many channels as there are names of traces.
 * @param {Float64Array} times
 * @param {(string | undefined)[]} best
 * @param {() => number} random
 */
function events(times, best, random) {
  const series = memorySeries([new Float64Array(times.length * best.length)], {
    channels: best.length,
    times: [times],
  });
  const channels = best.map((best_channel, index) => ({ id: `u${index}`, label: `unit ${index}`, best_channel }));
  /** @type {MemorySeries['manifest']} */
  const manifest = { ...series.manifest, type: 'event', label: 'units', channels, values: null, timestamps: null };
  return { ...series, manifest, eventChannels: Uint32Array.from(times, () => Math.floor(random() * best.length)) };
}

/** @param {MemorySeries} below @param {MemorySeries} over @param {PanelSettings} [settings] */
function setUp(below, over, settings = {}) {
  const all = { s: below, e: over };
  const { timeline } = memoryFigure(all, [{ type: 'ContinuousTraces', uri: 's' }]);
  timeline.shifts.e = 0;
  const source = memorySource(all);
  const cache = createTileCache();
  const data = createSeriesData(source, 's', below.manifest, cache);
  const upper = createSeriesData(source, 'e', over.manifest, cache);
  const common = { key: '0', type: 'ContinuousTraces', seriesUri: 's', height: HEIGHT, pixelRatio: 1 };
  return { timeline, data, upper, request: { ...common, settings, data: {}, over: ['e'] } };
}

/** @param {ReturnType<typeof setUp>} scene @param {Frame} frame */
async function paintWhole({ timeline, data, upper, request }, frame, painter = createPanelPainter()) {
  for (let round = 0; round < 10; round += 1) {
    /** @type {import('../../seriesview/viewer/drawing/tiles.js').TileRequest[]} */
    const wanted = [];
    const picture = painter.paint(data, timeline, frame, request, false, wanted, undefined, [upper]);
    assert.equal(picture.error, null);
    if (picture.isComplete) return picture;
    await Promise.all(wanted.map((each) => each.load()));
  }
  throw new Error('never complete');
}

const RUNGS = [
  [1, 700],
  [1, 40],
  [1, 3],
  [1, 1],
  [2, 1],
  [7, 1],
  [48, 1],
];

test('traces have the colours of their units around events, and a mark where each event is', async () => {
  const random = randomNumbers(5);
  const below = traces(random, 6000);
  const times = Float64Array.from({ length: 900 }, () => random() * 6).sort();
  const best = ['c0', 'c2', 'c2', undefined, 'gone', 'channel 1'];
  const over = events(times, best, random);
  const scene = setUp(below, over);
  const plain = setUp(below, over, { over: { 0: [] } });
  const colors = eventColors(over.manifest, false);
  // Nothing of the one that is elsewhere.
  const lanes = [0, 2, 2, -1, NaN, 1];
  for (const [samplesPerColumn, columnsPerSample] of RUNGS) {
    const painter = createPanelPainter();
    let leftColumn = Math.floor(random() * 2000 * (columnsPerSample / samplesPerColumn));
    for (let move = 0; move < 3; move += 1) {
      const frame = { samplesPerColumn, columnsPerSample, leftColumn, columns: 150 };
      const picture = await paintWhole(scene, frame, painter);
      // What was moved is what is drawn from nothing.
      assert.deepEqual(picture.pixels, (await paintWhole(scene, frame)).pixels);
      const bare = await paintWhole(plain, frame);
      // Without events the colours are the usual ones, and pixels the same.
      assert.ok(picture.lanes.every(({ color }) => color === plainColor(false)));
      assert.equal(bare.lanes[0].color, palette(false).colors[0]);
      const isClose = samplesPerColumn / columnsPerSample / RATE <= PIECE;
      const marks = new Set(colors.map(pixelOf));
      const laneInks = bare.lanes.map(({ color }) => pixelOf(color));
      for (let x = 0; x < 150; x += 1) {
        const column = leftColumn + x;
        const [from, to] = [column, column + 1].map((edge) => timeOfColumn(scene.timeline, frame, edge));
        const isDrawn = (/** @type {number} */ index) => !Number.isNaN(lanes[over.eventChannels[index]]);
        const unitsAt = [...times.keys()].filter(
          (index) => times[index] >= from - 1e-12 && times[index] <= to + 1e-12 && isDrawn(index),
        );
        const near = [...times.keys()].filter((index) => {
          const [first, last] = [-PIECE, PIECE].map((away) =>
            Math.floor(columnOfTime(scene.timeline, frame, times[index] + away)),
          );
          return column >= first && column <= last;
        });
        const inks = new Set();
        for (let row = 0; row < HEIGHT; row += 1) {
          const ink = picture.pixels[row * 150 + x];
          const usual = bare.pixels[row * 150 + x];
          if (marks.has(ink)) inks.add(ink);
          const lane = laneInks.indexOf(usual);
          const isPiece = isClose && near.some((index) => lanes[over.eventChannels[index]] === lane);
          if (lane >= 0 && isPiece) assert.ok(marks.has(ink));
          else if (lane >= 0 && !unitsAt.length && !(isClose && near.length))
            assert.equal(ink, pixelOf(plainColor(false)));
          // A trace is where it is without events; marks may lie where none is.
          if (usual) assert.ok(ink);
          else if (ink) assert.ok(unitsAt.length > 0, `${samplesPerColumn}/${columnsPerSample} ${x} ${row}`);
        }
        const of = new Set(unitsAt.map((index) => over.eventChannels[index]));
        const around = isClose ? near.filter((index) => lanes[over.eventChannels[index]] >= 0) : [];
        const expected = new Set(
          [...of, ...around.map((index) => over.eventChannels[index])].map((unit) => colors[unit]),
        );
        for (const ink of inks) assert.ok([...expected].some((color) => pixelOf(color) === ink));
        if (isClose && samplesPerColumn === 1 && columnsPerSample > 1)
          for (const unit of of) assert.ok(inks.has(pixelOf(colors[unit])));
      }
      leftColumn += [40, -97][move] ?? 0;
    }
  }
  const { notes } = await paintWhole(scene, { samplesPerColumn: 7, columnsPerSample: 1, leftColumn: 0, columns: 150 });
  assert.ok(notes.includes('units: of 1 of 6 it is not known on which trace: at the upper edge'));
  assert.ok(notes.includes('units: 1 are on channels that are not shown'));
});

test('units of channels that are not shown, and those that are not chosen, are told and not drawn', async () => {
  const random = randomNumbers(6);
  const over = events(
    Float64Array.from({ length: 40 }, (_, index) => index * 0.02),
    ['c0', 'c1'],
    random,
  );
  const frame = { samplesPerColumn: 4, columnsPerSample: 1, leftColumn: 0, columns: 150 };
  const below = traces(random, 1000);
  const hidden = await paintWhole(setUp(below, over, { channels: ['c0'] }), frame);
  assert.ok(hidden.notes.includes('units: 1 are on channels that are not shown'));
  const [first, second] = eventColors(over.manifest, false).map(pixelOf);
  assert.ok(hidden.pixels.includes(first) && !hidden.pixels.includes(second));
  const chosen = await paintWhole(setUp(below, over, { over: { 0: ['u1'] } }), frame);
  assert.ok(chosen.notes.includes('units: 1 of 2 are chosen'));
  assert.ok(!chosen.pixels.includes(first) && chosen.pixels.includes(second));
});

test('in an image events are framed; in low lanes they have no marks further out, which is said', async () => {
  const random = randomNumbers(7);
  const below = traces(random, 400, 60);
  const over = events(Float64Array.from([0.05, 0.1]), ['c0', 'c30'], random);
  over.eventChannels.set([0, 1]);
  const scene = setUp(below, over, { mode: 'image' });
  const near = await paintWhole(scene, { samplesPerColumn: 1, columnsPerSample: 4, leftColumn: 150, columns: 300 });
  const [first, second] = eventColors(over.manifest, false).map(pixelOf);
  /** @param {number} ink */
  const columnsOf = (ink) =>
    new Set(
      Array.from(near.pixels.keys())
        .filter((at) => near.pixels[at] === ink)
        .map((at) => at % 300),
    );
  assert.deepEqual([Math.min(...columnsOf(first)), Math.max(...columnsOf(first))], [200 - 6 - 150, 200 + 6 - 150]);
  assert.ok(columnsOf(second).size === 13);
  const far = await paintWhole(scene, { samplesPerColumn: 2, columnsPerSample: 1, leftColumn: 0, columns: 150 });
  assert.ok(!far.pixels.includes(first) && !far.pixels.includes(second));
  assert.ok(far.notes.some((note) => note.includes('too low for marks')));
});

test('events of which none is on a trace are lines with labels, until they are too many', async () => {
  const random = randomNumbers(8);
  const below = traces(random, 6000);
  const over = events(
    Float64Array.from({ length: 200 }, (_, index) => index * 0.03),
    [undefined, undefined],
    random,
  );
  const scene = setUp(below, over);
  const frame = { samplesPerColumn: 1, columnsPerSample: 1, leftColumn: 100, columns: 150 };
  const { lines, lanes, notes } = await paintWhole(scene, frame);
  assert.deepEqual(
    lines.map(({ x, label }) => [x, label]),
    [4, 5, 6, 7, 8].map((index) => [index * 30 - 100, `unit ${over.eventChannels[index]}`]),
  );
  assert.equal(lanes[0].color, palette(false).colors[0]);
  assert.deepEqual(notes, []);
  const far = await paintWhole(scene, { ...frame, samplesPerColumn: 8, leftColumn: 0 });
  assert.deepEqual(far.lines, []);
  assert.deepEqual(far.notes, ['units: too many to be lines, marks at the upper edge alone: zoom in']);
  assert.ok(far.pixels.includes(pixelOf(eventColors(over.manifest, false)[0])));
});

test('the read-out tells events that are under the cursor, those on its trace first', async () => {
  const random = randomNumbers(9);
  const over = events(Float64Array.from([0.1, 0.102, 0.2]), ['c0', 'c1', undefined], random);
  over.eventChannels.set([0, 1, 2]);
  const scene = setUp(traces(random, 1000), over);
  const painter = createPanelPainter();
  await paintWhole(scene, { samplesPerColumn: 1, columnsPerSample: 1, leftColumn: 0, columns: 300 }, painter);
  const drawn = /** @type {import('../../seriesview/viewer/drawing/scenes.js').Scene} */ (painter.scene());
  /** @param {number} column @param {number} row */
  const told = async (column, row) => (await readOut(drawn, column, row))?.events?.map(({ id }) => id);
  const [first, second] = drawn.layout.lanes.map(({ center }) => center);
  assert.deepEqual(await told(100, first), ['u0', 'u1']);
  assert.deepEqual(await told(100, second), ['u1', 'u0']);
  assert.deepEqual(await told(201, first), ['u2']);
  assert.deepEqual(await told(150, first), []);
});

test('a name is of the channel with that id, else of the first with that label', () => {
  const channels = [
    { id: 'x', label: 'b' },
    { id: 'b', label: 'y' },
    { id: 'z', label: 'a' },
    { id: 'w', label: 'a' },
    { id: 'v', label: '' },
  ];
  const units = ['b', 'a', 'gone', undefined, ''].map((best_channel, index) => ({
    id: `${index}`,
    label: '',
    best_channel,
  }));
  assert.deepEqual([...tracesOf(units, channels)], [1, 2, -1, -1, -1]);
});

test('rows of marks lie in their lane, and apart while there is room', () => {
  const random = randomNumbers(10);
  for (let round = 0; round < 2000; round += 1) {
    const top = Math.floor(random() * 50);
    const bottom = top + 1 + Math.floor(random() ** 3 * 300);
    const kinds = 1 + Math.floor(random() * 12);
    const ratio = [1, 1.5, 2, 3][Math.floor(random() * 4)];
    const { top: first, rows, slots } = tickRows({ top, bottom }, kinds, ratio);
    assert.ok(first === top && rows >= 1 && slots >= 1 && first + rows * slots <= bottom);
    if ((bottom - top) / 2 >= Math.round(3 * ratio) * kinds + 1) assert.ok(slots >= kinds);
    const image = imageTickRows({ top, bottom }, ratio);
    assert.ok(image.rows === 0 || (image.top >= top && image.top + image.rows === bottom));
  }
});
