import assert from 'node:assert/strict';
import test from 'node:test';
import { answerTo } from '../../seriesview/viewer/drawing/questions.js';
import { createSession } from '../../seriesview/viewer/drawing/session.js';
import { memoryFigure, memorySeries, memorySource, randomNumbers } from './memorySource.js';

/** @typedef {import('../../seriesview/viewer/types.js').FromWorker} FromWorker */
/** @typedef {import('../../seriesview/viewer/types.js').Painted} Painted */
/** @typedef {import('./memorySource.js').MemorySeries} MemorySeries */

/**
 * @param {Record<string, MemorySeries>} series
 * @param {{type: string, uri: string}[]} panels
 * @param {{onRead?: (what: string) => void, source?: Partial<import('../../seriesview/viewer/types.js').Source>}} [options]
 */
function open(series, panels, { onRead, source: changed = {} } = {}) {
  const { figure, timeline } = memoryFigure(series, panels);
  /** @type {FromWorker[]} */
  const messages = [];
  const source = { ...memorySource(series, { onRead }), ...changed };
  const session = createSession(source, figure, [timeline], (message) => messages.push(message));
  const requests = panels.map(({ type, uri }, index) => ({
    key: String(index),
    type,
    seriesUri: uri,
    height: 40,
    pixelRatio: 1,
    settings: {},
  }));
  let number = 0;
  /** @param {Partial<import('../../seriesview/viewer/types.js').Frame>} frame @returns {Promise<Painted[]>} the last pictures */
  const paint = async (frame) => {
    number += 1;
    const own = number;
    session.paint({
      type: 'paint',
      number,
      frame: { samplesPerColumn: 1, columnsPerSample: 1, leftColumn: 0, columns: 100, ...frame },
      panels: requests,
      isDark: false,
    });
    for (let wait = 0; wait < 300; wait += 1) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      const painted = messages.flatMap((message) =>
        message.type === 'painted' && message.painted.number === own ? [message.painted] : [],
      );
      const latest = panels.map((_, index) => painted.findLast(({ key }) => key === String(index)));
      if (latest.every((each) => each && (each.isComplete || each.error)))
        return latest.map((each) => /** @type {Painted} */ (each));
    }
    throw new Error('never complete');
  };
  return { session, paint, messages, timeline };
}

const random = randomNumbers(21);
const lengths = [3000, 1, 2500];
const starts = [10, 14, 15.5];
const gappy = () =>
  memorySeries(
    lengths.map((length) =>
      Float64Array.from({ length: 2 * length }, () => (random() < 0.01 ? NaN : random() * 9 - 3)),
    ),
    {
      channels: 2,
      starts,
      factors: [16, 64],
      more: { scale: -2, offset: 1 },
    },
  );

/** Samples in a stretch of view time. @param {MemorySeries} series @param {number} from @param {number} to */
function inside({ manifest, segments }, from, to) {
  return segments
    .flatMap((samples, segment) =>
      Array.from({ length: samples.length / 2 }, (_, i) => ({
        time: manifest.segments[segment].start_time + i / 1000,
        row: [samples[2 * i], samples[2 * i + 1]],
      })),
    )
    .filter(({ time }) => time >= from && time <= to);
}

test('statistics over a stretch of time with gaps', async () => {
  const series = gappy();
  const { session } = open({ s: series }, [{ type: 'ContinuousTraces', uri: 's' }]);
  for (const [startTime, endTime] of [
    [9, 20],
    [10.5, 16.25],
    [12.9995, 15.4],
    [13.5, 13.9],
  ]) {
    const rows = await answerTo(session, {
      name: 'statistics',
      seriesUri: 's',
      startTime,
      endTime,
      channels: ['c1', 'c0'],
    });
    [1, 0].forEach((channel, place) => {
      const values = inside(series, startTime, endTime)
        .map(({ row }) => row[channel] * -2 + 1)
        .filter((value) => !Number.isNaN(value));
      const { id, count, mean, rms, std, min, max } = rows[place];
      assert.equal(id, `c${channel}`);
      assert.equal(count, values.length);
      if (!values.length) return assert.deepEqual([mean, rms, std, min, max], [null, null, null, null, null]);
      const average = values.reduce((a, b) => a + b, 0) / values.length;
      assert.ok(Math.abs(mean - average) < 1e-9);
      assert.ok(Math.abs(rms - Math.sqrt(values.reduce((a, b) => a + b * b, 0) / values.length)) < 1e-9);
      assert.ok(Math.abs(std - Math.sqrt(values.reduce((a, b) => a + (b - average) ** 2, 0) / values.length)) < 1e-9);
      assert.deepEqual([min, max], [Math.min(...values), Math.max(...values)]);
    });
  }
});

test('samples: physical values at view times, refused where they are too many', async () => {
  const series = gappy();
  const { session } = open({ s: series }, [{ type: 'ContinuousTraces', uri: 's' }]);
  const ask = {
    name: /** @type {const} */ ('samples'),
    seriesUri: 's',
    startTime: 12.9,
    endTime: 15.6,
    channels: ['c1'],
    maxValues: 1000,
  };
  const { times, values, channels } = await answerTo(session, ask);
  const expected = inside(series, 12.9, 15.6);
  assert.deepEqual(
    [...times],
    expected.map(({ time }) => time),
  );
  assert.deepEqual(
    [...values],
    expected.map(({ row }) => row[1] * -2 + 1),
  );
  assert.deepEqual(
    channels.map((/** @type {{id: string}} */ { id }) => id),
    ['c1'],
  );
  await assert.rejects(answerTo(session, { ...ask, maxValues: 100 }), /at most 100/);
});

test('samples and statistics at times of their own', async () => {
  const times = Float64Array.from({ length: 400 }, (_, i) => i * 0.01 + (i % 3) * 0.003);
  const series = memorySeries([Float64Array.from({ length: 400 }, (_, i) => i)], { channels: 1, times: [times] });
  const { session } = open({ s: series }, [{ type: 'ContinuousTraces', uri: 's' }]);
  const found = await answerTo(session, {
    name: 'samples',
    seriesUri: 's',
    startTime: 1,
    endTime: 2,
    channels: null,
    maxValues: 1000,
  });
  const expected = [...times.keys()].filter((index) => times[index] >= 1 && times[index] <= 2);
  assert.deepEqual([...found.values], expected);
  const [row] = await answerTo(session, {
    name: 'statistics',
    seriesUri: 's',
    startTime: 1,
    endTime: 2,
    channels: null,
  });
  assert.deepEqual([row.count, row.min, row.max], [expected.length, expected[0], expected[expected.length - 1]]);
});

test('the read-out gives sample values close up, lowest and highest of a column further out', async () => {
  const series = gappy();
  const { session, paint } = open({ s: series }, [{ type: 'ContinuousTraces', uri: 's' }]);
  await paint({ samplesPerColumn: 1, columnsPerSample: 4, leftColumn: 2000 });
  const sample = await answerTo(session, { name: 'readOut', key: '0', column: 2041, row: 39 });
  assert.equal(sample.kind, 'sample');
  assert.equal(sample.time, 10 + 510 / 1000);
  assert.deepEqual(
    sample.values.map((/** @type {any} */ { id, low, high }) => [id, low, high]),
    [1, 0].map((channel) => {
      const value = series.segments[0][2 * 510 + channel] * -2 + 1;
      return [`c${channel}`, value, value];
    }),
  );
  await paint({ samplesPerColumn: 10, leftColumn: 20 });
  const range = await answerTo(session, { name: 'readOut', key: '0', column: 51, row: 0 });
  assert.equal(range.kind, 'range');
  assert.equal(range.time, 10.51);
  const values = Array.from({ length: 11 }, (_, i) => series.segments[0][2 * (510 + i)] * -2 + 1).filter(
    (value) => !Number.isNaN(value),
  );
  assert.deepEqual([range.values[0].low, range.values[0].high], [Math.min(...values), Math.max(...values)]);
  assert.equal(await answerTo(session, { name: 'readOut', key: '0', column: 350, row: 0 }), null);
});

test('next and previous event, gap, and beginning and end of an interval', async () => {
  const eventTimes = Float64Array.from([
    1,
    1,
    2.5,
    ...new Array(1500).fill(7),
    ...Array.from({ length: 3000 }, (_, i) => 30 + i * 0.001),
    500,
  ]);
  const events = memorySeries([new Float64Array(eventTimes.length)], { channels: 1, times: [eventTimes] });
  events.manifest = { ...events.manifest, type: 'event' };
  events.eventChannels = new Uint32Array(eventTimes.length);
  const bands = memorySeries([], { channels: 1 });
  const times = { dtype: 'float64', shape: [2, 2], part_rows: 4, pack_parts: 1, pages: [] };
  const indices = { dtype: 'uint32', shape: [2], part_rows: 4, pack_parts: 1, pages: [] };
  bands.arrays.set(times, Float64Array.from([3, 5, 4, 9]));
  bands.arrays.set(indices, Float64Array.from([1, 0]));
  bands.manifest = {
    ...bands.manifest,
    type: 'interval',
    channels: [],
    intervals: { times, label_indices: indices, labels: ['a', 'b'] },
  };
  const { session } = open({ s: gappy(), e: events, i: bands }, [
    { type: 'ContinuousTraces', uri: 's' },
    { type: 'RasterPlot', uri: 'e' },
  ]);
  /** @param {'event' | 'gap' | 'interval' | 'interval end'} what @param {number} time @param {1 | -1} direction */
  const next = (what, time, direction) =>
    answerTo(session, { name: 'findNext', what, time, direction, seriesUri: null });
  assert.equal(await next('event', 0, 1), 1);
  assert.equal(await next('event', 1, 1), 2.5);
  const crowd = await next('event', 2.5, 1);
  assert.ok(Math.abs(crowd - 7) < 1e-6);
  assert.equal(await next('event', crowd, 1), 30);
  assert.equal(await next('event', 7, 1), 30);
  assert.equal(await next('event', 33, 1), 500);
  assert.equal(await next('event', 500, 1), null);
  assert.equal(await next('event', 500, -1), 32.999);
  assert.ok(Math.abs((await next('event', 30, -1)) - 7) < 1e-6);
  assert.equal(await next('event', 7, -1), 2.5);
  assert.equal(await next('event', 1, -1), null);
  assert.equal(await next('gap', 0, 1), 13);
  assert.equal(await next('gap', 13, 1), 14.001);
  assert.equal(await next('gap', 14.001, -1), 13);
  assert.equal(await next('interval', 3, 1), 4);
  assert.equal(await next('interval', 4, 1), null);
  assert.equal(await next('interval', 9, -1), 4);
  assert.equal(await next('interval end', 3, 1), 5);
  assert.equal(await next('interval end', 5, 1), 9);
  assert.equal(await next('interval end', 9, -1), 5);
  /** @param {number} time @param {1 | -1} direction @param {string} of */
  const ofLabel = (time, direction, of) =>
    answerTo(session, { name: 'findNext', what: 'interval', time, direction, seriesUri: 'i', of });
  assert.equal(await ofLabel(0, 1, 'a'), 4);
  assert.equal(await ofLabel(3, 1, 'b'), null);
  assert.equal(await ofLabel(9, -1, 'b'), 3);
  const found = await answerTo(session, { name: 'intervals', uri: 'i' });
  assert.deepEqual(found, [
    { start: 3, end: 5, label: 'b' },
    { start: 4, end: 9, label: 'a' },
  ]);
});

test('how many events each channel has: by the coarsest counts, else one by one', async () => {
  const series = memorySeries([new Float64Array(12)], { channels: 3, times: [Float64Array.from([1, 2, 3, 4])] });
  const array = { part_rows: 4, pack_parts: 1, pages: [] };
  const events = {
    times: { ...array, dtype: 'float64', shape: [4] },
    channels: { ...array, dtype: 'uint32', shape: [4] },
  };
  series.arrays.set(events.channels, Float64Array.from([2, 0, 2, 2]));
  const counts = { ...array, dtype: 'uint32', shape: [2, 3], bin_seconds: 4, start_time: 1 };
  series.arrays.set(counts, Float64Array.from([1, 0, 2, 0, 0, 1]));
  for (const all of [[], [counts]]) {
    series.manifest = { ...series.manifest, type: 'event', events, counts: all };
    const { session } = open({ s: series }, [{ type: 'RasterPlot', uri: 's' }]);
    assert.deepEqual(await answerTo(session, { name: 'eventCounts', uri: 's' }), [1, 0, 3]);
  }
});

test('the overview: RMS of each channel over the session, and gaps', async () => {
  const samples = Float64Array.from({ length: 12800 }, (_, i) =>
    i % 2 ? (i > 6400 ? 10 : 1) * (i % 4 === 1 ? 1 : -1) : 5,
  );
  const series = memorySeries([samples, samples.slice(0, 1280)], { channels: 2, starts: [0, 10], factors: [16, 64] });
  const { session } = open({ s: series }, [{ type: 'ContinuousTraces', uri: 's' }]);
  const { channels, columns, rms, gaps, firstTime, endTime } = await answerTo(session, {
    name: 'overview',
    columns: 50,
  });
  assert.deepEqual([channels, columns, firstTime, endTime], [['c0', 'c1'], 50, 0, 10.64]);
  assert.deepEqual(gaps, [{ start: 6.4, end: 10 }]);
  assert.ok(rms[3] < 1e-6 && Math.abs(rms[50 + 3] - 1) < 0.05 && Math.abs(rms[50 + 26] - 10) < 0.05);
  assert.ok(Number.isNaN(rms[40]));
});

test('the latest paint order wins; pictures get better until they are complete; few requests at a time', async () => {
  let inFlight = 0;
  let most = 0;
  const series = gappy();
  const inMemory = memorySource({ s: series });
  const slow = {
    getWindow: async (/** @type {any} */ uri, /** @type {any} */ request) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setTimeout(resolve, 3));
      inFlight -= 1;
      return inMemory.getWindow(uri, request);
    },
  };
  const { session, paint, messages } = open({ s: series }, [{ type: 'ContinuousTraces', uri: 's' }], { source: slow });
  void paint({ leftColumn: 10 }).catch(() => {});
  void paint({ leftColumn: 20 }).catch(() => {});
  const [painted] = await paint({ leftColumn: 30, columns: 6000 });
  assert.equal(painted.frame.leftColumn, 30);
  const numbers = messages.flatMap((message) => (message.type === 'painted' ? [message.painted.number] : []));
  assert.deepEqual(
    numbers,
    [...numbers].sort((one, other) => one - other),
  );
  assert.ok(!numbers.includes(1) && !numbers.includes(2));
  assert.ok(most <= 6);
  const waiting = messages.flatMap((message) => (message.type === 'loading' ? [message.waiting] : []));
  assert.ok(waiting.length > 1 && Math.max(...waiting) > 0);
  assert.equal(session.view(), 0);
});

test('a failure is said in words, and retried when asked', async () => {
  let isBroken = true;
  const series = gappy();
  const inMemory = memorySource({ s: series });
  const source = {
    getWindow: async (/** @type {any} */ uri, /** @type {any} */ request) => {
      if (isBroken) throw new Error('The backend does not answer.');
      return inMemory.getWindow(uri, request);
    },
  };
  const { session, paint, messages } = open({ s: series }, [{ type: 'ContinuousTraces', uri: 's' }], { source });
  const [painted] = await paint({});
  assert.equal(painted.error, 'The backend does not answer.');
  isBroken = false;
  session.retry();
  const isThere = () => {
    const last = messages.findLast((message) => message.type === 'painted');
    return last?.type === 'painted' && last.painted.isComplete && last.painted.error === null;
  };
  // Whoever runs the tests ends what never comes.
  while (!isThere()) await new Promise((resolve) => setTimeout(resolve, 10));
});
