/** @file Stored and sent numbers as typed arrays. Parts are little-endian, as every browser's typed arrays are. */

import { SourceError } from './errors.js';
import { withoutMissing } from './missing.js';

/** @typedef {import('../types.js').Numbers} Numbers */

/** Bytes of one number. @type {Record<string, number>} */
export const ITEM_BYTES = {
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  float16: 2,
  float32: 4,
  float64: 8,
};

/** @type {Record<string, new (of: any) => Numbers>} */
const CLASSES = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: Float64Array,
  uint64: Float64Array,
  float16: Float32Array,
  float32: Float32Array,
  float64: Float64Array,
};

/** @type {Float32Array | null} */
let halves = null;

/**
 * Zeros in the type that numbers of a dtype have here: 64-bit integers are float64, float16 is float32.
 * @param {string} dtype
 * @param {number} length
 * @returns {Numbers}
 */
export function emptyNumbers(dtype, length) {
  return new (CLASSES[dtype] ?? Float64Array)(length);
}

/** @param {string} dtype @returns {boolean} whether a double does not hold each of its numbers */
export function isWide(dtype) {
  return dtype === 'int64' || dtype === 'uint64';
}

/**
 * The numbers that bytes hold, NaN in place of missing ones.
 * @param {ArrayBuffer} bytes
 * @param {string} dtype
 * @param {import('../types.js').Absent} [absent]
 * @returns {Numbers}
 */
export function numbersOf(bytes, dtype, absent) {
  if (!absent) return plainNumbersOf(bytes, dtype);
  const exact = dtype === 'int64' ? new BigInt64Array(bytes) : dtype === 'uint64' ? new BigUint64Array(bytes) : null;
  return withoutMissing(plainNumbersOf(bytes, dtype), absent, exact);
}

/** @param {ArrayBuffer} bytes @param {string} dtype @returns {Numbers} */
function plainNumbersOf(bytes, dtype) {
  if (dtype === 'int64' || dtype === 'uint64') return fromWide(bytes, dtype === 'int64');
  if (dtype === 'float16') return fromHalves(new Uint16Array(bytes));
  return new CLASSES[dtype](bytes);
}

/**
 * 64-bit integers as doubles, rounded once.
 * @param {ArrayBuffer} bytes
 * @param {boolean} isSigned
 * @returns {Float64Array}
 */
function fromWide(bytes, isSigned) {
  const low = new Uint32Array(bytes);
  const high = isSigned ? new Int32Array(bytes) : low;
  const found = new Float64Array(low.length / 2);
  for (let i = 0; i < found.length; i += 1) found[i] = high[2 * i + 1] * 2 ** 32 + low[2 * i];
  return found;
}

/** @param {Uint16Array} bits @returns {Float32Array} */
function fromHalves(bits) {
  const table = halfTable();
  const found = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i += 1) found[i] = table[bits[i]];
  return found;
}

/** @returns {Float32Array} the number of each bit pattern of a float16 */
function halfTable() {
  if (halves) return halves;
  halves = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits += 1) {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const size =
      exponent === 31
        ? fraction
          ? NaN
          : Infinity
        : exponent
          ? (1 + fraction / 1024) * 2 ** (exponent - 15)
          : fraction * 2 ** -24;
    halves[bits] = bits & 0x8000 ? -size : size;
  }
  return halves;
}

/**
 * An array of a task's result, flat, in C order: {_type: 'ndarray', ...}, or nested plain arrays with null for NaN.
 * @param {any} value
 * @param {string} dtype of the series; of nested arrays nothing else says it
 * @param {number} length how many numbers it must have
 * @returns {Promise<Numbers>}
 */
export async function decodeArray(value, dtype, length) {
  const found = await decode(value, dtype, length);
  if (found.length === length) return found;
  throw new SourceError('damaged', `an array of ${found.length} numbers came from the backend, expected ${length}`);
}

/**
 * @param {any} value
 * @param {string} dtype
 * @param {number} length
 * @returns {Promise<Numbers>}
 */
async function decode(value, dtype, length) {
  if (ArrayBuffer.isView(value)) return /** @type {Numbers} */ (/** @type {unknown} */ (value));
  if (Array.isArray(value)) {
    const found = emptyNumbers(dtype, length);
    const filled = flatten(value, found, 0);
    return filled === length ? found : emptyNumbers(dtype, filled);
  }
  if (value?._type !== 'ndarray' || !Object.hasOwn(CLASSES, value.dtype)) {
    throw new SourceError('damaged', 'the backend sent no array where one belongs; it may be of another version');
  }
  if (typeof value.data_b64 === 'string') return numbersOf(fromBase64(value.data_b64), value.dtype);
  const packed = new Blob([fromBase64(String(value.data_gzip_b64))]);
  const stream = packed.stream().pipeThrough(new DecompressionStream('deflate'));
  return numbersOf(await new Response(stream).arrayBuffer(), value.dtype);
}

/**
 * @param {any[]} nested
 * @param {Numbers} into
 * @param {number} at
 * @returns {number} where the next one goes
 */
function flatten(nested, into, at) {
  if (Array.isArray(nested[0])) {
    for (const inner of nested) at = flatten(inner, into, at);
    return at;
  }
  for (let i = 0; i < nested.length; i += 1) {
    const value = nested[i];
    into[at + i] = value === null ? NaN : value;
  }
  return at + nested.length;
}

/** @param {string} text @returns {ArrayBuffer} */
function fromBase64(text) {
  const quick = /** @type {any} */ (Uint8Array).fromBase64;
  if (quick) return quick.call(Uint8Array, text).buffer;
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < characters.length; i += 1) bytes[i] = characters.charCodeAt(i);
  return bytes.buffer;
}
