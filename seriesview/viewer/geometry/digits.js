/** @file How many digits numbers have: as many as the data, no more. */

/** @typedef {import('../types.js').Precision} Precision */

/** Digits that count, of floating-point numbers. @type {Record<string, number>} */
const DIGITS = { float16: 4, float32: 7, float64: 15 };
/** So many decimals more than one step needs are written where they write it exactly, such as 0.195. */
const EXACT = 3;
const LEAST_STEP = 1e-6;

/**
 * How exact the stored numbers of a dtype are.
 * @param {string} dtype
 * @param {number} scale physical = stored * scale + offset
 * @param {number} offset
 * @returns {Precision}
 */
export function precisionOf(dtype, scale, offset) {
  const digits = DIGITS[dtype];
  return digits ? { digits } : { step: Math.abs(scale), offset };
}

/**
 * A number as exact as the data are.
 * @param {number | null} value
 * @param {Precision} precision
 * @param {number} [factor] what the value is multiplied with, as scaledUnit gives it
 * @param {number} [more] digits more than a single sample has, for means
 * @returns {string}
 */
export function numberText(value, precision, factor = 1, more = 0) {
  if (value === null) return '\u2013';
  const scaled = value * factor;
  if (!Number.isFinite(scaled)) return String(scaled);
  if ('digits' in precision) return shortest(scaled, precision.digits);
  const step = rounded(precision.step * factor);
  if (!(step > 0)) return shortest(scaled, DIGITS.float64);
  const size = Math.abs(scaled);
  if (step < LEAST_STEP || size >= 1e15) {
    const digits = Math.floor(Math.log10(Math.max(size / step, 1))) + 2 + more;
    return shortest(scaled, Math.min(digits, DIGITS.float64));
  }
  const text = scaled.toFixed(decimalsOf(step, rounded(precision.offset * factor)) + more);
  return Number(text) === 0 ? text.replace('-', '') : text;
}

/**
 * Decimals that tell multiples of a step apart: all of them where they are few, else those of a tenth of it.
 * @param {number} step above 0
 * @param {number} [offset] added to all
 * @returns {number}
 */
export function decimalsOf(step, offset = 0) {
  const least = Math.max(Math.ceil(-Math.log10(step) - 1e-9), 0);
  const exact = Math.max(writtenDecimals(step), offset ? writtenDecimals(offset) : 0);
  return exact <= least + EXACT - 1 ? Math.max(exact, least) : least + 1;
}

/** @param {number} value @returns {number} decimals of its shortest form */
function writtenDecimals(value) {
  const [, fraction = '', exponent = '0'] = /^-?\d+(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(rounded(value))) ?? [];
  return Math.max(fraction.length - Number(exponent), 0);
}

/** @param {number} value @returns {number} without the last bits, which a multiplication may have changed */
function rounded(value) {
  return Number(value.toPrecision(12));
}

/** @param {number} value @param {number} digits that count @returns {string} no zeros at the end */
function shortest(value, digits) {
  return String(Number(value.toPrecision(digits)));
}
