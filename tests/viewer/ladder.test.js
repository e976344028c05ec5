import assert from 'node:assert/strict';
import test from 'node:test';

import {
  allRungs,
  nearestRung,
  nextRung,
  rungOfAtLeast,
  sourceFactor,
  ticksPerColumn,
  zoomLadder,
} from '../../seriesview/viewer/geometry/ladder.js';

/** @param {number[]} ladder @param {number} [finest] */
function timelineOf(ladder, finest = 1) {
  const times = {
    ticksPerSecond: 1,
    startTime: 0,
    endTime: 1000,
    firstTime: 0,
    sessionStart: null,
    clockNotes: {},
    shifts: {},
  };
  return { ...times, ladder, finest };
}

test('with samples the ladder begins at 1 and rises by at most a quarter from 4 on', () => {
  const ladder = zoomLadder([16, 64, 256], 1_000_000);
  assert.deepEqual(ladder.slice(0, 8), [1, 2, 3, 4, 5, 6, 7, 8]);
  for (let i = 4; i < ladder.length; i += 1) assert.ok(ladder[i] / ladder[i - 1] <= 1.25);
  assert.ok(ladder[ladder.length - 1] >= 1_000_000 && ladder[ladder.length - 2] < 1_000_000);
});

test('without samples it has whole bins alone', () => {
  assert.ok(zoomLadder([16, 64], 100_000, false).every((rung) => rung % 16 === 0));
  assert.deepEqual(zoomLadder([], 1000, false), []);
});

test('columns are read from samples below 4 * base, then from the coarsest factor that divides', () => {
  assert.equal(sourceFactor(63, [16, 64]), 1);
  assert.equal(sourceFactor(80, [16, 64]), 16);
  assert.equal(sourceFactor(320, [16, 64]), 64);
  assert.equal(sourceFactor(17, [16], false), null);
});

test('rungs go on below one tick a column where single ticks are read', () => {
  const rungs = allRungs(timelineOf([1, 2, 3]));
  assert.deepEqual(rungs[0], { samplesPerColumn: 1, columnsPerSample: 32 });
  for (let i = 1; i < rungs.length; i += 1) assert.ok(ticksPerColumn(rungs[i]) > ticksPerColumn(rungs[i - 1]));
  assert.equal(allRungs(timelineOf([16, 32, 48], 16)).length, 3);
});

test('nearest, at least and next', () => {
  const timeline = timelineOf([1, 2, 3, 4, 5]);
  assert.equal(nearestRung(timeline, 3.2).samplesPerColumn, 3);
  assert.equal(nearestRung(timeline, 0.1).columnsPerSample, 10);
  assert.equal(nearestRung(timeline, 1e9).samplesPerColumn, 5);
  assert.equal(rungOfAtLeast(timeline, 3.2).samplesPerColumn, 4);
  assert.equal(rungOfAtLeast(timeline, 99).samplesPerColumn, 5);
  const one = { samplesPerColumn: 1, columnsPerSample: 1 };
  assert.deepEqual(nextRung(timeline, one, 1), { samplesPerColumn: 1, columnsPerSample: 2 });
  assert.deepEqual(nextRung(timeline, one, -2), { samplesPerColumn: 3, columnsPerSample: 1 });
  assert.deepEqual(nextRung(timeline, one, -99), { samplesPerColumn: 5, columnsPerSample: 1 });
});
