/** @file On which clock the series of a view lie: where each one's own times are in the view's time. */

/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/**
 * A moment of a series that a wall clock tells: `own` seconds of its time are `seconds` + `fraction` since 1970 by the
 * clock that was read, whose zone is so many `minutes` from UTC; null: not known, the time is as it was recorded.
 * @typedef {{own: number, seconds: number, fraction: number, minutes: number | null}} Anchor
 */

/** Times from here on are taken for seconds since 1970. */
export const EPOCH_SECONDS = 1e8;
/** The year 2200: later than any recording. */
const END_OF_CLOCKS = 7_258_118_400;
const CLOCK = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?$/i;

/**
 * A wall-clock time. Whole seconds and the rest are apart: one number has no room for its digits.
 * @param {string | null} text ISO 8601, with a zone or without
 * @returns {{seconds: number, digits: string, minutes: number | null} | null} seconds since 1970 as that clock shows
 *   them; the digits behind the point; minutes that its zone is from UTC, null without one; null: no such time
 */
export function readClock(text) {
  const parts = CLOCK.exec(text ?? '');
  if (!parts) return null;
  const [, day, hour, second = ':00', digits = '', zone] = parts;
  const seconds =
    Date.parse(`${day}T${hour}${second}${zone?.toUpperCase().replace(/(\d\d):?(\d\d)/, '$1:$2') ?? 'Z'}`) / 1000;
  const minutes = zone === undefined ? null : minutesOf(zone);
  return Number.isFinite(seconds) ? { seconds: seconds + 60 * (minutes ?? 0), digits, minutes } : null;
}

/**
 * What to add to the times of each series to get view times, and the wall clock at view time 0. Series with a
 * session_start, and those that count from 1970, are as far apart as those clocks say; a session_start without a zone
 * is taken for one of the zone of the earliest that has one. Others have their time 0 at the view's time 0.
 * @param {string[]} uris
 * @param {Record<string, SeriesManifest>} series
 * @returns {{shifts: Record<string, number>, sessionStart: string | null, clockNotes: Record<string, string>}}
 *   clockNotes: what people should know of how a series was placed
 */
export function placeSeries(uris, series) {
  const anchors = uris.map((uri) => anchorOf(series[uri]));
  const zoned = anchors.map((anchor) =>
    anchor && anchor.minutes !== null ? { ...anchor, seconds: utc(anchor, null) } : null,
  );
  // Seconds since 1970 are in UTC, wherever they were counted.
  const minutes = (earliest(zoned.filter((anchor) => !anchor?.own)) ?? zoned.find(Boolean))?.minutes ?? null;
  const zero = earliest(anchors.map((anchor) => anchor && { ...anchor, seconds: utc(anchor, minutes) }));
  /** @type {Record<string, number>} */
  const shifts = {};
  /** @type {Record<string, string>} */
  const clockNotes = {};
  uris.forEach((uri, index) => {
    const anchor = anchors[index];
    shifts[uri] =
      anchor && zero ? utc(anchor, minutes) - zero.seconds + (anchor.fraction - zero.fraction) - anchor.own : 0;
    if (zero && !anchor) clockNotes[uri] = 'it has no date: its time 0 is drawn where the view begins to count';
    else if (anchor?.minutes === null && minutes !== null) {
      clockNotes[uri] = `its times name no zone: they are taken for ${zoneText(minutes)} as the other series' are`;
    }
  });
  return { shifts, sessionStart: zero && clockText(zero, (zero.own ? null : zero.minutes) ?? minutes), clockNotes };
}

/**
 * @param {number | null} minutes from UTC
 * @returns {string} such as UTC, UTC+05:30, local time
 */
export function zoneText(minutes) {
  if (minutes === null) return 'local time';
  return minutes === 0 ? 'UTC' : `UTC${minutes < 0 ? '\u2212' : '+'}${hoursText(minutes)}`;
}

/** @param {SeriesManifest} manifest @returns {Anchor | null} null: nothing tells when it was */
function anchorOf(manifest) {
  const start = manifest.segments[0]?.start_time ?? 0;
  const own = start >= EPOCH_SECONDS ? Math.floor(start) : 0;
  const clock = readClock(manifest.session_start);
  if (clock)
    return { own, seconds: clock.seconds + own, fraction: Number(`0.${clock.digits}`), minutes: clock.minutes };
  return own && own < END_OF_CLOCKS ? { own, seconds: own, fraction: 0, minutes: 0 } : null;
}

/**
 * Whole seconds since 1970 in UTC.
 * @param {Anchor} anchor
 * @param {number | null} otherwise zone of a clock that names none; null: as it is
 * @returns {number}
 */
function utc(anchor, otherwise) {
  return anchor.seconds - 60 * (anchor.minutes ?? otherwise ?? 0);
}

/**
 * The earliest of some moments.
 * @param {(Anchor | null)[]} anchors null: none
 * @returns {Anchor | null}
 */
function earliest(anchors) {
  return anchors.reduce((best, anchor) => (anchor && (!best || isBefore(anchor, best)) ? anchor : best), null);
}

/** @param {Anchor} one @param {Anchor} other @returns {boolean} */
function isBefore(one, other) {
  return one.seconds < other.seconds || (one.seconds === other.seconds && one.fraction < other.fraction);
}

/** @param {Anchor} at in UTC @param {number | null} minutes @returns {string} ISO 8601, by the clock of that zone */
function clockText(at, minutes) {
  const whole = new Date((at.seconds + 60 * (minutes ?? 0)) * 1000).toISOString().slice(0, 19);
  const rest = at.fraction
    ? at.fraction
        .toFixed(9)
        .slice(1)
        .replace(/(?:000)+$/, '')
    : '';
  const zone = minutes === null ? '' : minutes === 0 ? 'Z' : `${minutes < 0 ? '-' : '+'}${hoursText(minutes)}`;
  return `${whole}${rest}${zone}`;
}

/** @param {number} minutes @returns {string} hours and minutes without a sign */
function hoursText(minutes) {
  const two = (/** @type {number} */ value) => String(value).padStart(2, '0');
  return `${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
}

/** @param {string} zone Z, or hours and minutes with a sign @returns {number} minutes from UTC */
function minutesOf(zone) {
  if (zone.toUpperCase() === 'Z') return 0;
  const size = 60 * Number(zone.slice(1, 3)) + Number(zone.slice(-2));
  return zone.startsWith('-') ? -size : size;
}
