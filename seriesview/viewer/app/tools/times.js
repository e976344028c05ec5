/** @file Times as people type them. */

import { formatTime } from '../../geometry/ticks.js';
import { EPOCH_SECONDS } from '../../geometry/timeline.js';

/** @typedef {import('../../types.js').Timeline} Timeline */
/** @typedef {import('../../geometry/ticks.js').TimeMode} TimeMode */

export const TIME_KINDS = 'seconds (12.5), h:m:s (0:01:02.5, 2d 03:00:00), a wall-clock time (2024-05-01 14:03:22)'
  + ' or a sample (#12345)';
const SECONDS = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(?:s|sec|seconds)?$/i;
const DAYS = /^([+-])?(\d+)\s*d(?:\s+(\d.*))?$/i;
const CLOCK = /^([+-])?(?:(\d+):(?=[0-5]?\d:))?(\d+):([0-5]?\d(?:\.\d*)?)$/;
const WALL = /^(?:(\d{4}-\d\d-\d\d)[T ]+)?(\d\d?:\d\d)(:\d\d)?(\.\d+)?\s*(Z|[+-]\d\d:?\d\d)?$/i;

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
 * So many seconds that they are counted from 1970 are, where there is a wall clock.
 * @param {number} seconds
 * @param {string | null} sessionStart
 * @returns {number} view time
 */
function secondsToView(seconds, sessionStart) {
  const start = seconds >= EPOCH_SECONDS && sessionStart ? readWall(sessionStart, '', '') : null;
  return start ? seconds - start.seconds - start.fraction : seconds;
}

/** @param {string | undefined} sign @param {number} time @returns {number} */
function signed(sign, time) {
  return sign === '-' ? -time : time;
}

/** @param {string} typed @param {Timeline} timeline @param {string} sessionStart @returns {number | null} */
function wallToView(typed, timeline, sessionStart) {
  const start = readWall(sessionStart, '', '');
  const wall = start && readWall(typed, sessionStart.slice(0, 10), start.zone);
  if (!wall) return null;
  const time = wall.seconds - start.seconds + (wall.fraction - start.fraction);
  // A time of day before that of the beginning is one of the next day.
  return time < timeline.firstTime && wall.day === null ? time + 86400 : time;
}

/**
 * Whole seconds since 1970 and the rest apart: one number has no room for its digits.
 * @param {string} text @param {string} day0 where it has none @param {string} zone0 where it has none
 * @returns {{seconds: number, fraction: number, zone: string, day: string | null} | null}
 */
function readWall(text, day0, zone0) {
  const [, day = null, minutes, seconds = ':00', fraction = '0', zone = zone0] = WALL.exec(text) ?? [];
  if (!minutes) return null;
  const offset = zone.toUpperCase().replace(/(\d\d):?(\d\d)/, '$1:$2');
  const milliseconds = Date.parse(`${day ?? day0}T${minutes.padStart(5, '0')}${seconds}${offset}`);
  return Number.isNaN(milliseconds) ? null : { seconds: milliseconds / 1000, fraction: Number(fraction), zone, day };
}

/** @param {import('../app.js').App} app @returns {TimeMode} how the view writes times */
export function modeOf(app) {
  return app.state().time ?? 'clock';
}

/** @param {import('../app.js').App} app @param {number} time view time @returns {string} to the microsecond */
export function exactText(app, time) {
  return `${app.timeText(time, 1e-6)}${modeOf(app) === 'seconds' ? ' s' : ''}`;
}
