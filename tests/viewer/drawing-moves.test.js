import assert from 'node:assert/strict';
import test from 'node:test';
import { createSession } from '../../seriesview/viewer/drawing/session.js';
import { clampFrame } from '../../seriesview/viewer/geometry/timeline.js';
import { memoryFigure, memorySeries, memorySource, randomNumbers } from './memorySource.js';

/** @typedef {import('../../seriesview/viewer/types.js').Frame} Frame */
/** @typedef {import('../../seriesview/viewer/types.js').FromWorker} FromWorker */
/** @typedef {import('../../seriesview/viewer/types.js').Painted} Painted */

/** Series of each kind. @param {() => number} random */
function recording(random) {
  const numbers = (/** @type {number} */ count) =>
    Float64Array.from({ length: count }, () => (random() < 0.01 ? NaN : random() * 20));
  const lengths = [9000, 40, 1, ...Array.from({ length: 60 }, () => 1 + Math.floor(random() * 120))];
  const starts = lengths.map((_, index) => (index === 0 ? 0 : 9 + index * 0.2));
  const factors = [16, 64, 256];
  const probe = memorySeries(
    lengths.map((length) => numbers(3 * length)),
    { channels: 3, starts, factors },
  );
  const slow = memorySeries([numbers(2 * 700)], { channels: 2, rate: 37, factors: [16, 64] });
  const times = Float64Array.from({ length: 5000 }, () => random() * 20).sort();
  const uneven = memorySeries([numbers(5000)], {
    channels: 1,
    times: [times],
    factors: [64, 256],
    more: { type: 'discrete' },
  });
  const events = memorySeries([new Float64Array(5000 * 4)], { channels: 4, times: [times] });
  events.manifest = { ...events.manifest, type: 'event', moments: [], values: null, timestamps: null };
  events.eventChannels = Uint32Array.from(times, () => Math.floor(random() * 4));
  return { probe, slow, uneven, events };
}

const PANELS = [
  { type: 'ContinuousTraces', uri: 'probe' },
  { type: 'Position', uri: 'slow' },
  { type: 'EventAmplitudes', uri: 'uneven' },
  { type: 'ContinuousTraces', uri: 'uneven' },
  { type: 'RasterPlot', uri: 'events' },
  { type: 'ProbabilityDensity', uri: 'slow' },
];

for (const seed of [1, 2, 3]) {
  test(`after any moves every panel shows what it shows when it is opened there (${seed})`, async () => {
    const random = randomNumbers(seed);
    const series = recording(random);
    const { figure, timeline } = memoryFigure(series, PANELS);
    const inMemory = memorySource(series);
    const wait = () => new Promise((resolve) => setTimeout(resolve, random() * 6));
    const slow = {
      ...inMemory,
      getWindow: (/** @type {any} */ uri, /** @type {any} */ request) =>
        wait().then(() => inMemory.getWindow(uri, request)),
      getPoints: (/** @type {Parameters<typeof inMemory.getPoints>} */ ...rest) =>
        wait().then(() => inMemory.getPoints(...rest)),
      readRows: (/** @type {Parameters<typeof inMemory.readRows>} */ ...rest) =>
        wait().then(() => inMemory.readRows(...rest)),
    };
    const requests = PANELS.map(({ type, uri }, index) => ({
      key: String(index),
      type,
      seriesUri: uri,
      height: 50,
      pixelRatio: 1,
      settings: {},
    }));
    const start = () => {
      /** @type {Map<string, Painted>} */
      const latest = new Map();
      const session = createSession(slow, figure, [timeline], (/** @type {FromWorker} */ message) => {
        if (message.type === 'painted') latest.set(message.painted.key, message.painted);
      });
      let number = 0;
      return {
        paint(/** @type {Frame} */ frame) {
          number += 1;
          session.paint({ type: 'paint', number, frame, panels: requests, isDark: false });
        },
        async settled() {
          for (let round = 0; round < 1000; round += 1) {
            await new Promise((resolve) => setTimeout(resolve, 4));
            const all = [...latest.values()];
            for (const { error } of all) assert.equal(error, null);
            if (all.length === PANELS.length && all.every((each) => each.number === number && each.isComplete))
              return latest;
          }
          throw new Error('never complete');
        },
      };
    };
    const moving = start();
    let frame = { samplesPerColumn: 64, columnsPerSample: 1, leftColumn: 0, columns: 180 };
    const rungs = [
      [64, 1],
      [16, 1],
      [10, 1],
      [1, 1],
      [1, 4],
      [3, 1],
      [256, 1],
    ];
    for (let stop = 0; stop < 6; stop += 1) {
      for (let move = 0; move < 8; move += 1) {
        if (random() < 0.3) {
          const [samplesPerColumn, columnsPerSample] = rungs[Math.floor(random() * rungs.length)];
          const tick = (frame.leftColumn * frame.samplesPerColumn) / frame.columnsPerSample;
          frame = {
            ...frame,
            samplesPerColumn,
            columnsPerSample,
            leftColumn: Math.round((tick * columnsPerSample) / samplesPerColumn),
          };
        } else frame = { ...frame, leftColumn: frame.leftColumn + Math.round((random() - 0.45) * 200) };
        frame = clampFrame(timeline, frame);
        moving.paint(frame);
        if (random() < 0.5) await wait();
      }
      const shown = await moving.settled();
      const anew = start();
      anew.paint(frame);
      for (const [key, painted] of await anew.settled()) {
        const before = /** @type {Painted} */ (shown.get(key));
        const words = `${PANELS[Number(key)].type} ${JSON.stringify(frame)}`;
        assert.deepEqual(new Uint32Array(before.pixels), new Uint32Array(painted.pixels), words);
        assert.deepEqual(before.lanes, painted.lanes);
        assert.deepEqual(before.notes, painted.notes);
      }
    }
  });
}
