import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  durationText,
  formatTime,
  quantityText,
  roundDown,
  timeTicks,
  valueTicks,
  zoomText,
} from '../../seriesview/viewer/geometry/ticks.js';

const START = '2026-11-21T23:59:58.250001+01:00';

/** @param {string} label @returns {number} */
function secondsOf(label) {
  const [, days, rest] = /^(?:(\d+)d ?)?(.*)$/.exec(label.replace('\u2212', '-')) ?? [];
  return (
    Number(days ?? 0) * 86400 +
    rest
      .split(':')
      .map(Number)
      .reduce((sum, part) => sum * 60 + part, 0)
  );
}

test('labels of seconds and clock are the times of their ticks, at every zoom from microseconds to months', () => {
  for (const mode of /** @type {const} */ (['seconds', 'clock'])) {
    for (let power = -6; power <= 7; power += 1) {
      for (const begin of [0, 1.234567, 86399.5, 12345678]) {
        const span = 3 * 10 ** power;
        const { ticks, step } = timeTicks(begin, begin + span, 1200, mode, null);
        const majors = ticks.filter((tick) => tick.isMajor);
        assert.ok(majors.length >= 2 && majors.length <= 40, `${mode} ${span}: ${majors.length}`);
        assert.equal(new Set(majors.map((tick) => tick.label)).size, majors.length);
        for (const { time, label } of majors) {
          assert.ok(Math.abs(secondsOf(label) - time) < Math.max(step * 1e-3, 1e-8), `${label} is not ${time}`);
          assert.ok(time >= begin && time <= begin + span);
        }
      }
    }
  }
});

test('labels have room', () => {
  for (let span = 1e-5; span < 1e10; span *= 3.7) {
    for (const mode of /** @type {const} */ (['seconds', 'clock', 'wall'])) {
      const { ticks } = timeTicks(5, 5 + span, 900, mode, START);
      const majors = ticks.filter((tick) => tick.isMajor);
      for (let index = 1; index < majors.length; index += 1) {
        const pixels = ((majors[index].time - majors[index - 1].time) / span) * 900;
        assert.ok(pixels > majors[index].label.length * 6, `${mode} ${span}: ${majors[index].label}`);
      }
    }
  }
});

test('wall-clock ticks are round on the wall, to the microsecond, and name each day once', () => {
  const { ticks, unit } = timeTicks(0, 0.0001, 1000, 'wall', START);
  const majors = ticks.filter((tick) => tick.isMajor);
  assert.equal(unit, 'UTC+01:00');
  assert.deepEqual(majors.map((tick) => tick.label).slice(0, 2), ['23:59:58.25002', '23:59:58.25004']);
  assert.ok(Math.abs(majors[0].time - 0.000019) < 1e-12);
  assert.equal(majors[0].context, '2026-11-21');
  const night = timeTicks(0, 5, 800, 'wall', START).ticks.filter((tick) => tick.context);
  assert.deepEqual(
    night.map((tick) => tick.context),
    ['2026-11-21', '2026-11-22'],
  );
  assert.equal(night[1].time, 1.749999);
});

test('months and years begin on their first day', () => {
  const months = timeTicks(0, 86400 * 400, 1200, 'wall', '2023-12-31T00:00:00Z').ticks.filter((tick) => tick.isMajor);
  assert.deepEqual(
    months.slice(0, 3).map((tick) => tick.label),
    ['2024-01', '2024-02', '2024-03'],
  );
  assert.deepEqual(
    months.slice(0, 3).map((tick) => tick.time / 86400),
    [1, 32, 61],
  );
  const years = timeTicks(0, 86400 * 365.25 * 30, 1200, 'wall', '1970-01-01T00:00:00Z').ticks.filter(
    (tick) => tick.isMajor,
  );
  assert.ok(years.every((tick) => /^\d{4}$/.test(tick.label)));
  assert.equal(years.find((tick) => tick.label === '1980')?.time, 315532800);
});

test('without a session start the wall clock is h:m:s', () => {
  assert.equal(timeTicks(0, 10, 800, 'wall', null).unit, 'h:m:s');
});

test('nothing where there is no stretch of time', () => {
  assert.deepEqual(timeTicks(1, 1, 800, 'clock', null).ticks, []);
  assert.deepEqual(timeTicks(0, NaN, 800, 'clock', null).ticks, []);
});

test('times in words', () => {
  assert.equal(formatTime(12.5, 'seconds', null, 0.001), '12.500');
  assert.equal(formatTime(-0.25, 'clock', null, 0.01), '\u22120:00:00.25');
  assert.equal(formatTime(3725.9996, 'clock', null, 0.001), '1:02:06.000');
  assert.equal(formatTime(2, 'wall', START, 1e-6), '2026-11-22 00:00:00.250001');
  assert.equal(formatTime(1e-6, 'wall', '2020-01-01T00:00:00Z', 1e-6), '2020-01-01 00:00:00.000001');
});

test('durations, zooms and quantities in words', () => {
  assert.equal(durationText(0.0051), '5.1\u00a0ms');
  assert.equal(durationText(12000), '3 h 20 min');
  assert.equal(zoomText({ samplesPerColumn: 1, columnsPerSample: 4 }), '4 columns a sample');
  assert.equal(zoomText({ samplesPerColumn: 1, columnsPerSample: 1 }), '1 sample a column');
  assert.equal(zoomText({ samplesPerColumn: 12345, columnsPerSample: 1 }), '12\u202f345 samples a column');
  assert.equal(quantityText(0.0002, 'volts'), '200\u00a0\u00b5V');
  assert.equal(quantityText(5000, 'uV'), '5\u00a0mV');
  assert.equal(quantityText(5000, 's'), '5000\u00a0s');
  assert.equal(quantityText(0.5, 'cm/s'), '0.5\u00a0cm/s');
  assert.equal(quantityText(3, ''), '3');
});

test('round values', () => {
  for (const [limit, expected] of [
    [0.3, 0.2],
    [0.2, 0.2],
    [1, 1],
    [7, 5],
    [0.0099, 0.005],
    [12345, 10000],
  ]) {
    assert.ok(Math.abs(roundDown(limit) - expected) < 1e-12);
  }
  assert.deepEqual(
    valueTicks(-1, 1, 4).map((tick) => tick.label),
    ['-1.0', '-0.5', '0.0', '0.5', '1.0'],
  );
  assert.deepEqual(
    valueTicks(0.1, 0.35, 3).map((tick) => tick.label),
    ['0.1', '0.2', '0.3'],
  );
  assert.equal(valueTicks(3, 3, 4).length, 1);
  assert.equal(valueTicks(NaN, 3, 4).length, 0);
});

test('from a hundred hours on, the clock counts days', () => {
  assert.equal(formatTime(99 * 3600 + 1, 'clock', null, 1), '99:00:01');
  assert.equal(formatTime(100 * 3600 + 1.5, 'clock', null, 0.1), '4d 04:00:01.5');
  assert.equal(formatTime(-30 * 86400, 'clock', null, 1), '\u221230d 00:00:00');
  const month = timeTicks(0, 86400 * 30, 1000, 'clock', null).ticks.filter((tick) => tick.isMajor);
  assert.deepEqual(
    month.slice(0, 3).map((tick) => tick.label),
    ['0d', '2d', '4d'],
  );
});
