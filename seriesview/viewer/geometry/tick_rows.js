/** @file Rows of the marks that stand for events on a trace: where in its lane, and how many kinds have rows of their own. */

/** CSS pixels of a mark. */
const LEAST = 3;
const MOST = 7;
/** Of its lane, what marks take where there are many kinds. */
const SHARE = 0.5;

/**
 * @typedef {object} TickRows kind k has the rows [top + (k % slots) * rows, + rows)
 * @property {number} top
 * @property {number} rows 0: there is no room
 * @property {number} slots kinds beyond them share rows
 */

/**
 * @param {{top: number, bottom: number}} lane rows [top, bottom)
 * @param {number} kinds of marks in it
 * @param {number} pixelRatio
 * @returns {TickRows}
 */
export function tickRows({ top, bottom }, kinds, pixelRatio) {
  const least = Math.max(Math.round(LEAST * pixelRatio), 1);
  const most = Math.max(Math.round(MOST * pixelRatio), 1);
  const height = bottom - top;
  const room = Math.max(Math.floor(height * SHARE), Math.min(least, height));
  const rows = Math.min(Math.max(Math.floor(room / Math.max(kinds, 1)), least), most, height);
  return { top, rows, slots: Math.max(Math.floor(room / Math.max(rows, 1)), 1) };
}

/**
 * Marks in a lane of an image, of which they hide as little as they can.
 * @param {{top: number, bottom: number}} lane rows [top, bottom)
 * @param {number} pixelRatio
 * @returns {TickRows}
 */
export function imageTickRows({ top, bottom }, pixelRatio) {
  const rows = Math.max(Math.round(pixelRatio), 1);
  if (bottom - top < LEAST * rows) return { top, rows: 0, slots: 1 };
  return { top: bottom - rows, rows, slots: 1 };
}
