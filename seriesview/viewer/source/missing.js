/** @file Stored values that stand for no value (docs/format.md): NaN in their place as soon as numbers are decoded. */

/** @typedef {import('../types.js').Absent} Absent */
/** @typedef {import('../types.js').MissingRule} MissingRule */
/** @typedef {import('../types.js').Numbers} Numbers */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */

const WIDE = /^u?int64$/;
/** Numbers of these dtypes are held exactly by 32-bit floats. */
const NARROW = /^(u?int(8|16)|float(16|32))$/;
/** An object of a manifest that says what is missing; it has no objects in it. */
const MISSING_OBJECTS = /"missing"\s*:\s*\{[^{}]*\}/g;
const LONG_INTEGERS = /(?<=[[,:\s])-?\d{16,}(?=[\],}\s])/g;

/**
 * The text of a manifest in which integers of `missing` that doubles may not hold are texts.
 * @param {string} text
 * @returns {string}
 */
export function keepLongIntegers(text) {
  return text.replace(MISSING_OBJECTS, (found) => found.replace(LONG_INTEGERS, (digits) => `"${digits}"`));
}

/**
 * What a manifest's `missing` says; throws what `refuse` makes of anything else.
 * @param {any} value
 * @param {string} dtype
 * @param {(value: unknown) => Error} refuse
 * @returns {MissingRule}
 */
export function parseMissing(value, dtype, refuse) {
  if (!value || typeof value !== 'object' || Array.isArray(value)) throw refuse(value);
  /** @param {unknown} item @returns {number | bigint} */
  const numberOf = (item) => {
    if (typeof item === 'string' && /^-?\d+$/.test(item)) return WIDE.test(dtype) ? BigInt(item) : Number(item);
    if (item === 'Infinity') return Infinity;
    if (item === '-Infinity') return -Infinity;
    if (typeof item !== 'number' || !Number.isFinite(item)) throw refuse(item);
    return WIDE.test(dtype) && Number.isInteger(item) ? BigInt(item) : item;
  };
  const values = value.values ?? [];
  if (!Array.isArray(values)) throw refuse(values);
  return {
    values: values.map(numberOf),
    below: value.below === undefined || value.below === null ? null : numberOf(value.below),
    above: value.above === undefined || value.above === null ? null : numberOf(value.above),
  };
}

/**
 * What is missing in each channel, one for all where they are alike; null where nothing is.
 * @param {string} dtype
 * @param {MissingRule | null} whole
 * @param {(MissingRule | null)[]} own of channels, in place of the series'
 * @returns {Absent | null}
 */
export function absentOf(dtype, whole, own) {
  const rules = own.map((rule) => rule ?? whole).map((rule) => (rule && isEmpty(rule) ? null : rule));
  if (!rules.some(Boolean)) return null;
  const channels = rules.every((rule) => rule === rules[0]) ? [rules[0]] : rules;
  const key = JSON.stringify(channels, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
  return { key, dtype: NARROW.test(dtype) ? 'float32' : 'float64', channels };
}

/**
 * The rules of some channels, in the order of a result that has them alone.
 * @param {Absent} absent
 * @param {Uint32Array} places
 * @returns {Absent}
 */
export function absentAt(absent, places) {
  if (absent.channels.length === 1) return absent;
  return { ...absent, channels: Array.from(places, (place) => absent.channels[place]) };
}

/**
 * Numbers (..., channels) with NaN in place of missing ones: the same array where there are none.
 * @param {Numbers} numbers
 * @param {Absent | null | undefined} absent
 * @param {BigInt64Array | BigUint64Array | null} [exact] what 64-bit integers are, where the numbers are rounded
 * @returns {Numbers}
 */
export function withoutMissing(numbers, absent, exact = null) {
  if (!absent) return numbers;
  const { channels, dtype } = absent;
  const width = channels.length;
  /** @type {Float32Array | Float64Array | null} */
  let found = null;
  channels.forEach((rule, channel) => {
    if (!rule) return;
    const isMissing = testOf(rule);
    for (let at = channel; at < numbers.length; at += width) {
      if (!isMissing(numbers[at], exact, at)) continue;
      found ??= dtype === 'float32' ? Float32Array.from(numbers) : Float64Array.from(numbers);
      found[at] = NaN;
    }
  });
  return found ?? numbers;
}

/**
 * @param {MissingRule} rule
 * @returns {(number: number, exact: BigInt64Array | BigUint64Array | null, at: number) => boolean}
 */
function testOf({ values, below, above }) {
  const doubles = values.map(Number);
  const low = below === null ? -Infinity : Number(below);
  const high = above === null ? Infinity : Number(above);
  const isWide = [...values, below, above].some((value) => typeof value === 'bigint');
  if (!isWide) {
    const [first] = doubles;
    if (doubles.length === 1) return (number) => number === first || number < low || number > high;
    return (number) => number < low || number > high || doubles.includes(number);
  }
  return (number, exact, at) => {
    if (number < low || number > high) return true;
    if (number !== low && number !== high && !doubles.includes(number)) return false;
    // Doubles are as near as they tell; what rounds to the same is told apart as integers.
    const integer = exact ? exact[at] : Number.isInteger(number) ? BigInt(number) : null;
    if (integer === null) return false;
    return (below !== null && integer < below) || (above !== null && integer > above) || values.includes(integer);
  };
}

/** @param {MissingRule} rule @returns {boolean} */
function isEmpty({ values, below, above }) {
  return !values.length && below === null && above === null;
}
