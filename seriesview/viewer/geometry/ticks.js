/**
 * @file Round numbers for axes, and times and quantities in words. Times are counted in whole nanoseconds (BigInt), so
 * that ticks and labels are exact wherever view time 0 is, 1970 included.
 */

import { readClock, zoneText } from './clocks.js';

/** CSS pixels of a scale bar at most. */
const BAR = 44;

/** @typedef {'seconds' | 'clock' | 'wall'} TimeMode */
/** @typedef {{time: number, label: string, context: string, isMajor: boolean}} Tick time: view time, seconds */
/** @typedef {{nanoseconds: bigint, months: number, parts: number}} Step months: 0, or the step is so many months */

const SECOND = 1_000_000_000n;
const DAY = 86_400n * SECOND;
const MONDAY = 4n * DAY;
const HOURS_WITHOUT_DAYS = 100n;
/** @type {Record<string, string>} units in words, as NWB files have them */
const SYMBOLS = {
  volt: 'V',
  volts: 'V',
  ampere: 'A',
  amperes: 'A',
  second: 's',
  seconds: 's',
  hertz: 'Hz',
  tesla: 'T',
};
const CHARACTER = 6.4;
const ROOM = 36;

/** Every step there is, ascending; `parts` is into how many minor steps it is divided. */
const DECIMAL = decades(0, 20);
const DAILY = /** @type {[bigint, number][]} */ ([
  [SECOND, 5],
  [2n * SECOND, 2],
  [5n * SECOND, 5],
  [10n * SECOND, 5],
  [15n * SECOND, 3],
  [30n * SECOND, 3],
  [60n * SECOND, 6],
  [120n * SECOND, 4],
  [300n * SECOND, 5],
  [600n * SECOND, 5],
  [900n * SECOND, 3],
  [1800n * SECOND, 3],
  [3600n * SECOND, 6],
  [7200n * SECOND, 4],
  [10800n * SECOND, 3],
  [21600n * SECOND, 6],
  [43200n * SECOND, 4],
]).map(([nanoseconds, parts]) => ({ nanoseconds, months: 0, parts }));
const CLOCK = [
  ...decades(0, 8),
  ...DAILY,
  ...decades(0, 6).map(({ nanoseconds, parts }) => ({ nanoseconds: nanoseconds * DAY, months: 0, parts })),
];
const WALL = [
  ...decades(0, 8),
  ...DAILY,
  { nanoseconds: DAY, months: 0, parts: 4 },
  { nanoseconds: 2n * DAY, months: 0, parts: 2 },
  { nanoseconds: 7n * DAY, months: 0, parts: 7 },
  ...[1, 3, 6].map((months) => ({ nanoseconds: 30n * DAY * BigInt(months), months, parts: months })),
  ...decades(0, 4).map(({ nanoseconds, parts }) => ({
    nanoseconds: 365n * DAY * nanoseconds,
    months: 12 * Number(nanoseconds),
    parts,
  })),
];

/**
 * Ticks at round times, at least as far from one another as their labels are wide.
 * @param {number} startTime view time of the left edge, seconds
 * @param {number} endTime view time of the right edge, seconds
 * @param {number} width CSS pixels between the edges
 * @param {TimeMode} mode
 * @param {string | null} sessionStart of view time 0; null: wall is clock
 * @returns {{ticks: Tick[], step: number, unit: string}} step: seconds between major ticks; unit: s, h:m:s or the zone ('local time' without one)
 */
export function timeTicks(startTime, endTime, width, mode, sessionStart) {
  const start = mode === 'wall' ? parseStart(sessionStart) : null;
  const used = mode === 'wall' && !start ? 'clock' : mode;
  const unit = start ? start.zone : used === 'seconds' ? 's' : 'h:m:s';
  const perPixel = (endTime - startTime) / width;
  if (!(perPixel > 0) || !Number.isFinite(perPixel)) return { ticks: [], step: 0, unit };
  const origin = start ? start.nanoseconds : 0n;
  const first = origin + nanosecondsOf(startTime);
  const last = origin + nanosecondsOf(endTime) + 1n;
  const steps = used === 'seconds' ? DECIMAL : used === 'clock' ? CLOCK : WALL;
  const longest = last > -first ? last : first;
  const step =
    steps.find((each) => {
      const characters = labelOf(longest, used, each).length;
      return Number(each.nanoseconds) / 1e9 >= (characters * CHARACTER + ROOM) * perPixel;
    }) ?? steps[steps.length - 1];
  let day = '';
  const ticks = [];
  for (const { at, isMajor } of positions(first, last, step)) {
    const time = secondsOf(at - origin);
    if (time < startTime || time > endTime) continue;
    const date = start && isMajor && step.nanoseconds < DAY ? dateOf(at) : '';
    ticks.push({ time, label: isMajor ? labelOf(at, used, step) : '', context: date === day ? '' : date, isMajor });
    if (isMajor) day = date;
  }
  return { ticks, step: Number(step.nanoseconds) / 1e9, unit };
}

/**
 * A view time in words: 12.5 s is '12.500', '0:00:12.500' or '2026-11-21 14:40:12.500'; the clock counts days from a
 * hundred hours on, such as '5d 02:00:00'.
 * @param {number} time seconds
 * @param {TimeMode} mode
 * @param {string | null} sessionStart
 * @param {number} resolution seconds that must be told apart
 * @returns {string}
 */
export function formatTime(time, mode, sessionStart, resolution) {
  const digits = Math.min(Math.max(Math.ceil(-Math.log10(resolution || 1) - 1e-9), 0), 9);
  const start = mode === 'wall' ? parseStart(sessionStart) : null;
  const grain = 10n ** BigInt(9 - digits);
  const exact = nanosecondsOf(time) + (start ? start.nanoseconds : 0n);
  const rounded = floorTo(exact + grain / 2n, grain);
  if (mode === 'seconds') return decimalText(rounded, digits);
  return start
    ? `${dateOf(rounded)} ${clockText(modulo(rounded, DAY), digits, true)}`
    : clockText(rounded, digits, false);
}

/**
 * @param {number} seconds at least 0
 * @returns {string} such as 5 ms, 1.25 s, 2 min, 3 h 20 min, 41 days
 */
export function durationText(seconds) {
  if (seconds < 120) return quantityText(seconds, 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${shortNumber(seconds / 60)} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ''}`;
  return `${shortNumber(seconds / 86400)} days`;
}

/**
 * What one column stands for, in words.
 * @param {import('../types.js').Rung} rung
 * @returns {string}
 */
export function zoomText(rung) {
  const { samplesPerColumn: samples, columnsPerSample: columns } = rung;
  if (Math.min(samples, columns) > 1) return `${shortNumber(Number((samples / columns).toFixed(2)))} samples a column`;
  if (columns > 1) return `${columns} columns a sample`;
  return samples === 1
    ? '1 sample a column'
    : `${samples.toLocaleString('en').replaceAll(',', '\u202f')} samples a column`;
}

/**
 * Ticks of an axis of values.
 * @param {number} low
 * @param {number} high
 * @param {number} most how many there may be, at least 1
 * @returns {{value: number, label: string}[]}
 */
export function valueTicks(low, high, most) {
  if (!(high > low) || !Number.isFinite(high - low))
    return Number.isFinite(low) ? [{ value: low, label: shortNumber(low) }] : [];
  const step = roundUp((high - low) / Math.max(most, 1));
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const isLarge = Math.max(Math.abs(low), Math.abs(high)) >= 1e6 || digits > 6;
  const ticks = [];
  for (let index = Math.ceil(low / step - 1e-9); index <= high / step + 1e-9; index += 1) {
    const value = index * step;
    ticks.push({
      value,
      label: isLarge ? String(Number(value.toPrecision(6))) : (index === 0 ? 0 : value).toFixed(digits),
    });
  }
  return ticks;
}

/**
 * @param {number} limit above 0
 * @returns {number} the largest 1, 2 or 5 times a power of ten that is not above it
 */
export function roundDown(limit) {
  const power = 10 ** Math.floor(Math.log10(limit) + 1e-9);
  return ([5, 2].find((multiple) => multiple * power <= limit * (1 + 1e-9)) ?? 1) * power;
}

/**
 * The length of a scale bar.
 * @param {number} perUnit CSS pixels a physical unit
 * @param {number} height of the panel, CSS pixels
 * @returns {number} physical units
 */
export function barLength(perUnit, height) {
  return roundDown(Math.min(BAR, height * 0.7) / perUnit);
}

/**
 * A value with its unit and a prefix where the unit takes one.
 * @param {number} value
 * @param {string} unit
 * @returns {string} such as 200 µV
 */
export function quantityText(value, unit) {
  const scaled = scaledUnit(unit, value);
  return `${shortNumber(value * scaled.factor)}${scaled.unit && `\u00a0${scaled.unit}`}`;
}

/**
 * The unit in which a value has few digits.
 * @param {string} unit
 * @param {number} value
 * @returns {{unit: string, factor: number}} factor: what a value in the given unit is multiplied with
 */
export function scaledUnit(unit, value) {
  const parts = /^([munpfkMG\u00b5\u03bc]?)(V|A|s|T|Hz|Pa|N|W|F)$/.exec(SYMBOLS[unit.toLowerCase()] ?? unit);
  if (!parts || value === 0 || !Number.isFinite(value)) return { unit, factor: 1 };
  const prefixes = ['f', 'p', 'n', '\u00b5', 'm', '', 'k', 'M', 'G'];
  const given = prefixes.indexOf(/[u\u03bc]/.test(parts[1]) ? '\u00b5' : parts[1]);
  const thousands = Math.floor(Math.log10(Math.abs(value)) / 3 + 1e-9);
  // Seconds over a thousand are not kiloseconds.
  const most = parts[2] === 's' ? 5 : prefixes.length - 1;
  const index = Math.min(Math.max(given + thousands, 0), most);
  const steps = given - index;
  return { unit: prefixes[index] + parts[2], factor: steps < 0 ? 1 / 1000 ** -steps : 1000 ** steps };
}

/** @param {number} value @returns {string} at most four digits that count */
export function shortNumber(value) {
  return String(Number(value.toPrecision(Math.abs(value) >= 1000 && Math.abs(value) < 1e6 ? 6 : 4)));
}

/**
 * @param {number} least
 * @returns {number} the smallest 1, 2 or 5 times a power of ten that is not below it
 */
function roundUp(least) {
  const power = Math.floor(Math.log10(least) + 1e-9);
  const multiple = [1, 2, 5, 10].find((each) => each * 10 ** power >= least * (1 - 1e-9)) ?? 10;
  // A division where it is exact: 2 * 10 ** -1 is not 0.2.
  return power < 0 ? multiple / 10 ** -power : multiple * 10 ** power;
}

/** @param {number} first @param {number} last powers of ten, nanoseconds @returns {Step[]} */
function decades(first, last) {
  const steps = [];
  for (let power = first; power <= last; power += 1) {
    for (const [multiple, parts] of [
      [1, 5],
      [2, 4],
      [5, 5],
    ]) {
      steps.push({ nanoseconds: BigInt(multiple) * 10n ** BigInt(power), months: 0, parts });
    }
  }
  return steps;
}

/**
 * @param {bigint} first
 * @param {bigint} last
 * @param {Step} step
 * @returns {Generator<{at: bigint, isMajor: boolean}>}
 */
function* positions(first, last, step) {
  if (step.months) {
    const minor = Math.max(Math.floor(step.months / (step.months === 1 ? 1 : step.parts)), 1);
    const begin = new Date(Number(first / 1_000_000n));
    let month = Math.floor((begin.getUTCFullYear() * 12 + begin.getUTCMonth()) / step.months) * step.months;
    for (let at = monthStart(month); at <= last; month += minor, at = monthStart(month)) {
      yield { at, isMajor: month % step.months === 0 };
    }
    return;
  }
  // Steps below 10 ns cannot be divided into fifths of whole nanoseconds.
  const parts = step.nanoseconds % BigInt(step.parts) === 0n ? BigInt(step.parts) : 1n;
  const minor = step.nanoseconds / parts;
  const anchor = step.nanoseconds === 7n * DAY ? MONDAY : 0n;
  for (let at = floorTo(first - anchor, step.nanoseconds) + anchor; at <= last; at += minor) {
    yield { at, isMajor: modulo(at - anchor, step.nanoseconds) === 0n };
  }
}

/** @param {number} month counted from the year 0 @returns {bigint} nanoseconds since 1970 */
function monthStart(month) {
  const year = Math.floor(month / 12);
  return BigInt(Date.UTC(year, month - 12 * year)) * 1_000_000n;
}

/** @param {bigint} at @param {TimeMode} mode @param {Step} step @returns {string} */
function labelOf(at, mode, step) {
  let digits = 9;
  while (digits > 0 && step.nanoseconds % 10n ** BigInt(10 - digits) === 0n) digits -= 1;
  if (mode === 'seconds') return decimalText(at, digits);
  if (mode === 'clock') return step.nanoseconds >= DAY ? daysText(at) : clockText(at, digits, false);
  if (step.months) return dateOf(at).slice(0, step.months % 12 ? 7 : 4);
  if (step.nanoseconds >= DAY) return dateOf(at);
  const text = clockText(modulo(at, DAY), digits, true);
  return step.nanoseconds % (60n * SECOND) === 0n ? text.slice(0, 5) : text;
}

/** @param {bigint} at nanoseconds @param {number} digits @returns {string} */
function decimalText(at, digits) {
  const size = at < 0n ? -at : at;
  const fraction = digits ? `.${(size % SECOND).toString().padStart(9, '0').slice(0, digits)}` : '';
  return `${at < 0n ? '\u2212' : ''}${size / SECOND}${fraction}`;
}

/** @param {bigint} at nanoseconds @param {number} digits @param {boolean} isPadded @returns {string} h:mm:ss, or days and hh:mm:ss */
function clockText(at, digits, isPadded) {
  const size = at < 0n ? -at : at;
  const seconds = size / SECOND;
  const pad = (/** @type {bigint} */ value, length = 2) => value.toString().padStart(length, '0');
  const fraction = digits ? `.${pad(size % SECOND, 9).slice(0, digits)}` : '';
  const days = !isPadded && seconds >= HOURS_WITHOUT_DAYS * 3600n ? seconds / 86_400n : 0n;
  const hours = pad(seconds / 3600n - 24n * days, isPadded || days ? 2 : 1);
  return `${at < 0n ? '\u2212' : ''}${days ? `${days}d ` : ''}${hours}:${pad((seconds / 60n) % 60n)}:${pad(seconds % 60n)}${fraction}`;
}

/** @param {bigint} at nanoseconds, whole days @returns {string} such as 5d */
function daysText(at) {
  return `${at < 0n ? '\u2212' : ''}${(at < 0n ? -at : at) / DAY}d`;
}

/** @param {bigint} at nanoseconds since 1970 @returns {string} year-month-day */
function dateOf(at) {
  return new Date(Number(floorTo(at, DAY) / 1_000_000n)).toISOString().slice(0, 10);
}

/**
 * @param {string | null} text ISO 8601, with a zone or without
 * @returns {{nanoseconds: bigint, zone: string} | null} since 1970, as the clock that was read shows it
 */
function parseStart(text) {
  const clock = readClock(text);
  if (!clock) return null;
  const fraction = BigInt(clock.digits.slice(0, 9).padEnd(9, '0'));
  return { nanoseconds: BigInt(clock.seconds) * SECOND + fraction, zone: zoneText(clock.minutes) };
}

/** @param {number} seconds @returns {bigint} nearest */
function nanosecondsOf(seconds) {
  const whole = Math.floor(seconds);
  return BigInt(whole) * SECOND + BigInt(Math.round((seconds - whole) * 1e9));
}

/** @param {bigint} at @returns {number} seconds; beyond 2 ** 53 ns whole seconds and the rest apart keep the digits */
function secondsOf(at) {
  if (Number.isSafeInteger(Number(at))) return Number(at) / 1e9;
  return Number(at / SECOND) + Number(at % SECOND) / 1e9;
}

/** @param {bigint} value @param {bigint} step @returns {bigint} */
function floorTo(value, step) {
  return value - modulo(value, step);
}

/** @param {bigint} value @param {bigint} divisor @returns {bigint} at least 0 */
function modulo(value, divisor) {
  const rest = value % divisor;
  return rest < 0n ? rest + divisor : rest;
}
