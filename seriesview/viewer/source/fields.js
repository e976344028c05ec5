/** @file Values of JSON documents that anybody may have made: what is expected, or a fault that says where. */

import { SourceError } from './errors.js';
import { ITEM_BYTES } from './numbers.js';

/** @template T @param {any} value @param {(value: any) => T} parse @returns {T | undefined} */
export function optional(value, parse) {
  return value === undefined || value === null ? undefined : parse(value);
}

/** @param {any} value @param {string} where @returns {any} */
export function object(value, where) {
  if (value && typeof value === 'object' && !Array.isArray(value)) return value;
  throw damaged(where, `expected an object, found ${shown(value)}`);
}

/** @param {any} value @param {string} where @param {number} most @returns {any[]} */
export function list(value, where, most) {
  if (!Array.isArray(value)) throw damaged(where, `expected a list, found ${shown(value)}`);
  if (value.length > most) throw damaged(where, `${value.length} entries, at most ${most} are read`);
  return value;
}

/** @param {any} value @param {string} where @returns {string} */
export function text(value, where) {
  if (typeof value === 'string') return value;
  throw damaged(where, `expected a text, found ${shown(value)}`);
}

/** @param {any} value @param {string} where @returns {number} */
export function number(value, where) {
  if (Number.isFinite(value)) return value;
  throw damaged(where, `expected a number, found ${shown(value)}`);
}

/** @param {any} value @param {string} where @returns {number} */
export function positive(value, where) {
  if (number(value, where) > 0) return value;
  throw damaged(where, `expected a number above zero, found ${shown(value)}`);
}

/** @param {any} value @param {string} where @param {number} least @returns {number} */
export function integer(value, where, least) {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw damaged(where, `expected an integer of at least ${least}, found ${shown(value)}`);
}

/** @param {any} value @param {string} where @returns {string} */
export function dtypeOf(value, where) {
  if (typeof value === 'string' && Object.hasOwn(ITEM_BYTES, value)) return value;
  throw damaged(where, `dtype ${shown(value)} is not known`);
}

/** @param {any} value @returns {string} */
export function shown(value) {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 60);
}

/** @param {string} where @param {string} what @returns {SourceError} */
export function damaged(where, what) {
  return new SourceError('damaged', `${where}: ${what}; build it again, or ask who made it`);
}
