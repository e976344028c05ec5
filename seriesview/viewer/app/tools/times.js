/** @file Times as people type them. */

import { decimalsOf } from '../../geometry/digits.js';
import { formatTime } from '../../geometry/ticks.js';
import { EPOCH_SECONDS, readClock } from '../../geometry/clocks.js';

/** @typedef {import('../../types.js').Timeline} Timeline */
/** @typedef {import('../../geometry/ticks.js').TimeMode} TimeMode */

export const TIME_KINDS =
  'seconds (12.5), h:m:s (0:01:02.5, 2d 03:00:00), a wall-clock time (2024-05-01 14:03:22)' + ' or a sample (#12345)';
/** Decimals of times that no rate tells. */
const MICROSECONDS = 6;
/** Of a step: what the digits of a step leave over must be less. */
const OFF_GRID = 0.051;
const SECONDS = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(?:s|sec|seconds)?$/i;
const DAYS = /^([+-])?(\d+)\s*d(?:\s+(\d.*))?$/i;
const CLOCK = /^([+-])?(?:(\d+):(?=[0-5]?\d:))?(\d+):([0-5]?\d(?:\.\d*)?)$/;

/**
 * The view time in seconds that a text means, or what is wrong with it.
 * @param {string} text seconds, h:m:s or m:s, wall-clock time, or #sample of the reference series
 * @param {Timeline} timeline
 * @param {TimeMode} mode how times are written: with 'wall', h:m:s is the time of day
 * @returns {{time: number} | {error: string}}
 */
export function parseTime(text, timeline, mode) {
  const typed = text.trim().replace(/\u2212/g, '-');
  const time = readTime(typed, timeline, mode);
  if (time === null) {
    const where = timeline.sessionStart ? '' : ' of this recording, which has no date';
    return { error: `${typed ? `${typed} is no time${where}. ` : ''}Type ${TIME_KINDS}.` };
  }
  if (time >= timeline.firstTime && time <= timeline.endTime) return { time };
  const ends = [timeline.firstTime, timeline.endTime];
  const [first, end] = ends.map((one) => formatTime(one, mode, timeline.sessionStart, 1e-3));
  return { error: `${typed} is outside the recording, which goes from ${first} to ${end}.` };
}

/** @param {string} typed @param {Timeline} timeline @param {TimeMode} mode @returns {number | null} view time */
function readTime(typed, timeline, mode) {
  const sample = /^#(\d[\d\s,_]*)$/.exec(typed);
  if (sample) return timeline.startTime + Number(sample[1].replace(/\D/g, '')) / timeline.ticksPerSecond;
  const seconds = SECONDS.exec(typed);
  if (seconds) return secondsToView(Number(seconds[1]), timeline.sessionStart);
  const isDated = /^\d{4}-/.test(typed);
  if (timeline.sessionStart && (isDated || mode === 'wall')) return wallToView(typed, timeline, timeline.sessionStart);
  const days = DAYS.exec(typed);
  if (days && days[3] === undefined) return signed(days[1], 86400 * Number(days[2]));
  const clock = CLOCK.exec(days ? `${days[1] ?? ''}${days[3]}` : typed);
  if (!clock) return null;
  const [, sign, hours = 0, minutes, rest] = clock;
  return signed(sign, 86400 * Number(days?.[2] ?? 0) + Number(hours) * 3600 + Number(minutes) * 60 + Number(rest));
}

/**
 * So many seconds that they are counted from 1970 are, where there is a wall clock whose zone is known.
 * @param {number} seconds
 * @param {string | null} sessionStart
 * @returns {number} view time
 */
function secondsToView(seconds, sessionStart) {
  const start = seconds >= EPOCH_SECONDS ? readClock(sessionStart) : null;
  if (!start || start.minutes === null) return seconds;
  return seconds - (start.seconds - 60 * start.minutes) - Number(`0.${start.digits}`);
}

/** @param {string | undefined} sign @param {number} time @returns {number} */
function signed(sign, time) {
  return sign === '-' ? -time : time;
}

/** @param {string} typed @param {Timeline} timeline @param {string} sessionStart @returns {number | null} */
function wallToView(typed, timeline, sessionStart) {
  const start = readClock(sessionStart);
  const isDated = /^\d{4}-/.test(typed);
  const wall = readClock(isoText(isDated ? typed : `${sessionStart.slice(0, 10)} ${typed}`));
  if (!start || !wall || (wall.minutes !== null && start.minutes === null)) return null;
  const zones = wall.minutes === null || start.minutes === null ? 0 : wall.minutes - start.minutes;
  const time = wall.seconds - start.seconds - 60 * zones + (Number(`0.${wall.digits}`) - Number(`0.${start.digits}`));
  // A time of day before that of the beginning is one of the next day.
  return time < timeline.firstTime && !isDated ? time + 86400 : time;
}

/** @param {string} typed a date and a time as people type them @returns {string} as ISO 8601 has it */
function isoText(typed) {
  return typed
    .replace(/[T ]+(?=\d)/i, 'T')
    .replace(/T(?=\d:)/, 'T0')
    .replace(/\s+(?=\D)/, '');
}

/** @param {import('../app.js').App} app @returns {TimeMode} how the view writes times */
export function modeOf(app) {
  return app.state().time ?? 'clock';
}

/**
 * A time with the digits that samples have.
 * @param {import('../app.js').App} app
 * @param {number} time view time
 * @param {number | null} [step] seconds from one sample to the next; null: at times of their own; left out: of the view
 * @returns {string}
 */
export function exactText(app, time, step = 1 / app.timeline().ticksPerSecond) {
  const digits = step === null ? MICROSECONDS : digitsOf(time, step);
  return `${app.timeText(time, 10 ** -digits)}${modeOf(app) === 'seconds' ? ' s' : ''}`;
}

/** @param {number} time @param {number} step seconds @returns {number} decimals */
function digitsOf(time, step) {
  const digits = decimalsOf(step);
  const rest = time * 10 ** digits - Math.round(time * 10 ** digits);
  return digits + (Math.abs(rest) * 10 ** -digits > OFF_GRID * step ? 2 : 0);
}
