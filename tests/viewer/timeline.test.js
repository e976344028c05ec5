import assert from 'node:assert/strict';
import test from 'node:test';

import {
  clampFrame,
  columnOfTime,
  frameOfRange,
  makeTimeline,
  panFrame,
  segmentColumns,
  sessionColumns,
  ticksOf,
  timeOfColumn,
  timesOf,
  wholeSession,
  zoomFrame,
} from '../../seriesview/viewer/geometry/timeline.js';
import { parseSeries } from '../../seriesview/viewer/source/manifests.js';

/**
 * @param {number | null} rate
 * @param {{start_time: number, num_samples: number, end_time?: number}[]} segments
 * @param {object} [more]
 */
function seriesOf(rate, segments, more = {}) {
  const ended = segments.map((each) => ({ end_time: each.start_time + each.num_samples / (rate ?? 1), ...each }));
  return parseSeries({ type: 'continuous', sampling_frequency: rate, segments: ended, ...more });
}

/** @param {Record<string, any>} series @param {string[]} [uris] */
function timelineOf(series, uris = Object.keys(series)) {
  const panels = uris.map((seriesUri) => ({ seriesUri }));
  return makeTimeline(panels, series, Object.fromEntries(Object.keys(series).map((uri) => [uri, 1])));
}

/** @param {number} seed */
function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test('the first regular series of the panels is the reference', () => {
  const timeline = timelineOf({
    irregular: seriesOf(null, [{ start_time: 1, num_samples: 10, end_time: 5 }]),
    a: seriesOf(1000, [{ start_time: 2, num_samples: 5000 }]),
    b: seriesOf(30000, [{ start_time: 0, num_samples: 90000 }]),
  });
  assert.equal(timeline.ticksPerSecond, 1000);
  assert.equal(timeline.startTime, 2);
  assert.equal(timeline.firstTime, 0);
  assert.equal(timeline.endTime, 7);
});

test('a start in 1970 seconds keeps microseconds', () => {
  const start = 1_700_000_000.123456;
  const uri = 'a';
  const manifest = seriesOf(30000, [
    { start_time: start, num_samples: 3e9 },
    { start_time: start + 200000, num_samples: 100 },
  ]);
  const timeline = timelineOf({ [uri]: manifest });
  assert.equal(timeline.shifts[uri], -1_700_000_000);
  assert.equal(timeline.sessionStart, '2023-11-14T22:13:20Z');
  assert.ok(Math.abs(timeline.startTime - 0.123456) < 2.5e-7);
  const rung = { samplesPerColumn: 1, columnsPerSample: 1 };
  for (const column of [0, 1, 12345, 2_999_999_999]) {
    const expected = timeline.startTime + column / 30000;
    assert.equal(timeOfColumn(timeline, rung, column), expected);
    assert.ok(Math.abs(columnOfTime(timeline, rung, expected) - column) < 1e-3);
  }
  assert.equal(segmentColumns(timeline, rung, manifest, uri, 1).firstColumn, 6e9);
});

test('wall clocks place series, fractions of milliseconds too; one without begins at view time 0', () => {
  const segment = [{ start_time: 0, num_samples: 1000 }];
  const timeline = timelineOf({
    a: seriesOf(100, segment, { session_start: '2024-03-01T12:00:00.000250+01:00' }),
    b: seriesOf(100, segment, { session_start: '2024-03-01T11:00:01.000125Z' }),
    c: seriesOf(100, segment),
  });
  assert.equal(timeline.sessionStart, '2024-03-01T12:00:00.000250+01:00');
  assert.equal(timeline.shifts.a, 0);
  assert.ok(Math.abs(timeline.shifts.b - 0.999875) < 1e-12);
  assert.equal(timeline.shifts.c, 0);
});

test('a time without a zone is read as it was recorded, whatever zone the browser is in', () => {
  const segment = [{ start_time: 0, num_samples: 1000 }];
  const series = {
    a: seriesOf(100, segment, { session_start: '2024-03-31T01:59:59.250' }),
    b: seriesOf(100, segment, { session_start: '2024-03-31T03:00:00' }),
  };
  for (const zone of ['Europe/Berlin', 'UTC', 'America/New_York', 'Asia/Kolkata']) {
    process.env.TZ = zone;
    const timeline = timelineOf(series);
    assert.equal(timeline.sessionStart, '2024-03-31T01:59:59.250');
    assert.deepEqual(timeline.shifts, { a: 0, b: 3600.75 });
    assert.deepEqual(timeline.clockNotes, {});
  }
  delete process.env.TZ;
});

test('beside a clock with a zone, one without is taken for the same, and said to be', () => {
  const segment = [{ start_time: 0, num_samples: 1000 }];
  const timeline = timelineOf({
    a: seriesOf(100, segment, { session_start: '2024-03-01T09:00:00' }),
    b: seriesOf(100, segment, { session_start: '2024-03-01T10:00:00+05:30' }),
    c: seriesOf(100, segment),
  });
  assert.equal(timeline.sessionStart, '2024-03-01T09:00:00+05:30');
  assert.deepEqual(timeline.shifts, { a: 0, b: 3600, c: 0 });
  assert.match(timeline.clockNotes.a, /no zone: they are taken for UTC\+05:30/);
  assert.match(timeline.clockNotes.c, /no date/);
  assert.equal(timeline.clockNotes.b, undefined);
});

test('series that count from 1970 and series with a session_start lie on one clock', () => {
  const series = {
    a: seriesOf(100, [{ start_time: 1_709_283_600.5, num_samples: 60000 }]),
    b: seriesOf(100, [{ start_time: 2, num_samples: 60000 }], { session_start: '2024-03-01T10:00:00.250+01:00' }),
    c: seriesOf(100, [{ start_time: 1_709_283_601.125, num_samples: 60000 }], {
      session_start: '1970-01-01T00:00:00Z',
    }),
  };
  const timeline = timelineOf(series);
  assert.equal(timeline.sessionStart, '2024-03-01T10:00:00+01:00');
  assert.deepEqual(timeline.shifts, { a: -1_709_283_600, b: 0.25, c: -1_709_283_600 });
  assert.equal(timeline.firstTime, 0.5);
  assert.deepEqual(timeline.clockNotes, {});
});

test('without a wall clock times are as stored', () => {
  const timeline = timelineOf({ a: seriesOf(100, [{ start_time: 5000.5, num_samples: 1000 }]) });
  assert.equal(timeline.startTime, 5000.5);
  assert.equal(timeline.sessionStart, null);
});

test('irregular series have a rounded nominal rate, points at least a thousand ticks a second', () => {
  const segment = { start_time: 0, num_samples: 3100, end_time: 100 };
  assert.equal(timelineOf({ a: seriesOf(null, [segment]) }).ticksPerSecond, 50);
  assert.equal(timelineOf({ a: seriesOf(null, [segment], { type: 'discrete' }) }).ticksPerSecond, 1000);
});

test('a view of nothing has a timeline', () => {
  const timeline = makeTimeline([{ seriesUri: null }], {}, {});
  assert.ok(wholeSession(timeline, 1000).columns === 1000);
});

test('zooming keeps the tick under the cursor, panning is by whole columns', () => {
  const timeline = timelineOf({ a: seriesOf(30000, [{ start_time: 1.5, num_samples: 30_000_000 }]) });
  const random = randomNumbers(1);
  let frame = frameOfRange(timeline, 100, 101, 1500);
  for (let i = 0; i < 500; i += 1) {
    const cursor = Math.floor(random() * 1500);
    const tick = ticksOf(frame).firstTick + (cursor * frame.samplesPerColumn) / frame.columnsPerSample;
    const next = zoomFrame(timeline, frame, random() < 0.5 ? 1 : -1, cursor);
    const [low, high] = [
      clampFrame(timeline, { ...next, leftColumn: -1e15 }),
      clampFrame(timeline, { ...next, leftColumn: 1e15 }),
    ];
    const isFree = next.leftColumn > low.leftColumn && next.leftColumn < high.leftColumn;
    const after = ticksOf(next).firstTick + (cursor * next.samplesPerColumn) / next.columnsPerSample;
    if (isFree) assert.ok(Math.abs(after - tick) <= (0.5 * next.samplesPerColumn) / next.columnsPerSample + 1e-6);
    assert.ok(Number.isInteger(next.leftColumn));
    const moved = panFrame(timeline, next, 10.4);
    assert.ok(moved.leftColumn === next.leftColumn + 10 || moved.leftColumn === high.leftColumn);
    frame = next;
  }
});

test('frames keep a tenth of the screen on something', () => {
  const timeline = timelineOf({ a: seriesOf(1000, [{ start_time: 10, num_samples: 1_000_000 }]) });
  for (const leftColumn of [-1e12, 1e12]) {
    const frame = clampFrame(timeline, { samplesPerColumn: 16, columnsPerSample: 1, leftColumn, columns: 1000 });
    const { first, end } = sessionColumns(timeline, frame);
    assert.equal(Math.min(frame.leftColumn + 1000, end) - Math.max(frame.leftColumn, first), 100);
  }
  assert.equal(
    clampFrame(timeline, { samplesPerColumn: 17, columnsPerSample: 1, leftColumn: 0, columns: 9.5 }).samplesPerColumn,
    16,
  );
});

test('a range lies within its frame, and the frame of a frame is itself', () => {
  const timeline = timelineOf({ a: seriesOf(1250.5, [{ start_time: -3, num_samples: 10_000_000 }]) });
  const random = randomNumbers(2);
  for (let i = 0; i < 300; i += 1) {
    const start = random() * 7000;
    const end = start + 10 ** (random() * 6 - 3);
    const columns = 50 + Math.floor(random() * 3000);
    const frame = frameOfRange(timeline, start, end, columns);
    const { startTime, endTime } = timesOf(timeline, frame);
    if (frame.columnsPerSample < 32 && end < 7900) {
      const column = (endTime - startTime) / columns;
      assert.ok(startTime <= start + column && endTime >= end - column);
    }
    assert.deepEqual(frameOfRange(timeline, startTime, endTime, columns), frame);
  }
  const whole = wholeSession(timeline, 1000);
  const { first, end } = sessionColumns(timeline, whole);
  assert.ok(whole.leftColumn <= first && whole.leftColumn + 1000 >= end);
});

test('segments begin at the nearest whole column, other rates divide where they do', () => {
  const series = {
    a: seriesOf(1000, [
      { start_time: 0, num_samples: 10_000 },
      { start_time: 20.0123, num_samples: 101 },
    ]),
    b: seriesOf(250, [{ start_time: 0.002, num_samples: 1000 }]),
    c: seriesOf(333, [{ start_time: 0, num_samples: 1000 }]),
  };
  const timeline = timelineOf(series);
  const ten = { samplesPerColumn: 10, columnsPerSample: 1 };
  const second = segmentColumns(timeline, ten, series.a, 'a', 1);
  assert.deepEqual(second, {
    firstColumn: 2001,
    columns: 10,
    samplesPerColumn: 10,
    columnsPerSample: 1,
    isWhole: true,
    isOnGrid: false,
  });
  assert.deepEqual(segmentColumns(timeline, { samplesPerColumn: 1, columnsPerSample: 1 }, series.b, 'b', 0), {
    firstColumn: 2,
    columns: 3996,
    samplesPerColumn: 1,
    columnsPerSample: 4,
    isWhole: true,
    isOnGrid: true,
  });
  assert.equal(segmentColumns(timeline, ten, series.b, 'b', 0).isWhole, false);
  assert.equal(segmentColumns(timeline, ten, series.c, 'c', 0).isWhole, false);
});

test('of series in 1970 seconds and others, these begin at view time 0, bands too', () => {
  const start = 1_700_000_000.25;
  const series = {
    a: seriesOf(1000, [{ start_time: start, num_samples: 1000 }]),
    b: seriesOf(1000, [{ start_time: 2.5, num_samples: 1000 }]),
    bands: seriesOf(null, [{ start_time: 1, num_samples: 3, end_time: 9 }], { type: 'interval' }),
  };
  const timeline = timelineOf(series, ['a', 'b']);
  assert.equal(timeline.sessionStart, '2023-11-14T22:13:20Z');
  assert.deepEqual(timeline.shifts, { a: -1_700_000_000, b: 0, bands: 0 });
  assert.equal(timeline.startTime, 0.25);
  assert.equal(timelineOf(series, ['b']).sessionStart, null);
});

test('the whole of a series of few samples fills the screen', () => {
  for (const [count, least] of /** @type {const} */ ([
    [1, 100],
    [2, 400],
    [3, 400],
    [20, 400],
  ])) {
    const timeline = timelineOf({ a: seriesOf(10, [{ start_time: 0, num_samples: count }]) });
    const { first, end } = sessionColumns(timeline, wholeSession(timeline, 1000));
    assert.ok(end - first >= least && end - first <= 1000, `${count}: ${end - first}`);
  }
});
