/** @file Times as people type them. */

import { formatTime } from '../../geometry/ticks.js';

/** @typedef {import('../../types.js').Timeline} Timeline */
/** @typedef {import('../../geometry/ticks.js').TimeMode} TimeMode */

const WALL = /^(?:(\d{4})-(\d\d?)-(\d\d?)[T ]+)?(\d{1,2}):(\d\d)(?::(\d\d)(\.\d*)?)?\s*(Z|[+-]\d\d:?\d\d)?$/i;
const CLOCK = /^([+-])?(?:(\d+):)?(\d+):(\d+(?:\.\d*)?)$/;

/**
 * @param {string} zone Z or +hh:mm
 * @returns {number} seconds ahead of UTC
 */
function zoneSeconds(zone) {
  const found = /^([+-])(\d\d):?(\d\d)/.exec(zone);
  return found ? (found[1] === '-' ? -60 : 60) * (Number(found[2]) * 60 + Number(found[3])) : 0;
}

/**
 * A wall-clock time in parts, so that its fraction keeps every digit.
 * @param {string} text ISO 8601; without a date, that of day0; without a zone, zone0
 * @param {number} [day0] whole seconds since 1970, local: a midnight
 * @param {string} [zone0]
 * @returns {{seconds: number, fraction: number, zone: string} | null} seconds: whole, since 1970, UTC
 */
export function parseWallTime(text, day0 = 0, zone0 = 'Z') {
  const found = WALL.exec(text);
  if (!found) return null;
  const [, year, month, day, hours, minutes, seconds, fraction, zone = zone0] = found;
  if (Number(hours) > 24 || Number(minutes) > 59 || Number(seconds ?? 0) > 60) return null;
  let midnight = day0;
  if (year) {
    const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
    if (date.getUTCMonth() !== Number(month) - 1) return null;
    midnight = date.getTime() / 1000;
  }
  const ofDay = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds ?? 0);
  return { seconds: midnight + ofDay - zoneSeconds(zone), fraction: Number(`0${fraction ?? ''}`) || 0, zone };
}

/**
 * The view time that a text means.
 * @param {string} text seconds, h:m:s or m:s, wall-clock time, or #sample of the reference series
 * @param {Timeline} timeline
 * @param {TimeMode} mode how times are written: with 'wall', h:m:s is the time of day
 * @returns {{time: number} | {error: string}} seconds
 */
export function parseTime(text, timeline, mode) {
  const typed = text.trim().replace(/\u2212/g, '-');
  if (!typed) return { error: 'Type a time: seconds, h:m:s, a wall-clock time, or # and a sample number.' };
  const read = readTime(typed, timeline, mode);
  if (typeof read === 'string') return { error: read };
  if (read < timeline.firstTime || read > timeline.endTime) {
    const range = [timeline.firstTime, timeline.endTime].map((time) => (
      formatTime(time, mode, timeline.sessionStart, 1e-6)));
    return { error: `${typed} is outside the recording, which goes from ${range[0]} to ${range[1]}.` };
  }
  return { time: read };
}

/**
 * @param {string} typed
 * @param {Timeline} timeline
 * @param {TimeMode} mode
 * @returns {number | string} view time, or what is wrong
 */
function readTime(typed, timeline, mode) {
  if (typed.startsWith('#')) {
    const digits = typed.slice(1).replace(/[\s,_]/g, '');
    if (!/^\d+$/.test(digits)) return 'A sample number is # and digits, such as #12345.';
    return timeline.startTime + Number(digits) / timeline.ticksPerSecond;
  }
  const seconds = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(?:s|sec|seconds)?$/i.exec(typed);
  if (seconds) return Number(seconds[1]);
  const hasDate = /^\d{4}-/.test(typed);
  if (!hasDate && !(mode === 'wall' && timeline.sessionStart)) {
    const clock = CLOCK.exec(typed);
    if (clock) {
      if (clock[2] && Number(clock[3]) >= 60) return `${typed}: minutes go up to 59.`;
      if (Number(clock[4]) >= 60) return `${typed}: seconds go up to 59.`;
      const all = Number(clock[2] ?? 0) * 3600 + Number(clock[3]) * 60 + Number(clock[4]);
      return clock[1] === '-' ? -all : all;
    }
  } else {
    if (!timeline.sessionStart) return 'This recording has no date, so a wall-clock time cannot be found in it.';
    const time = wallToView(typed, timeline, timeline.sessionStart);
    if (time !== null) return time;
  }
  return `${typed} is no time. Type seconds (12.5), h:m:s (0:01:02.5), a wall-clock time`
    + ' (2024-05-01 14:03:22) or a sample number (#12345).';
}

/**
 * @param {string} typed
 * @param {Timeline} timeline
 * @param {string} sessionStart
 * @returns {number | null}
 */
function wallToView(typed, timeline, sessionStart) {
  const start = parseWallTime(sessionStart);
  if (!start) return null;
  const ahead = zoneSeconds(start.zone);
  const midnight = Math.floor((start.seconds + ahead) / 86400) * 86400;
  const wall = parseWallTime(typed, midnight, start.zone);
  if (!wall) return null;
  const time = wall.seconds - start.seconds + (wall.fraction - start.fraction);
  // A time of day before that of the start is one of the next day.
  return time < timeline.firstTime && !/^\d{4}-/.test(typed) ? time + 86400 : time;
}

/**
 * @param {import('../app.js').App} app
 * @returns {TimeMode} how the view writes times
 */
export function modeOf(app) {
  return app.state().time ?? 'clock';
}

/**
 * @param {import('../app.js').App} app
 * @param {number} time view time, seconds
 * @returns {string} to the microsecond
 */
export function exactText(app, time) {
  return `${app.timeText(time, 1e-6)}${modeOf(app) === 'seconds' ? ' s' : ''}`;
}
