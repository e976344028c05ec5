/** @file The last picture of a panel: panned by shifting it, redrawn only where columns are new or were not exact. */

import { UNBUILT } from './columns.js';

/**
 * @typedef {object} Picture
 * @property {string} signature of everything but the place in time that decides the picture
 * @property {number} leftColumn
 * @property {number} width
 * @property {number} height
 * @property {Uint32Array} pixels (height, width)
 * @property {Uint8Array} exact (width,) 1: the column is drawn and stays as it is; 2: it is not built yet, and empty
 * @property {Uint8Array} cut (width,) where what is drawn leaves the picture (cuts.js)
 * @property {Set<string>} notes what the user should know of it
 * @property {{side: number, pixels: Uint32Array} | null} path (side, side) of a position in the plane
 */

/**
 * The picture at another place: what both places share is kept, the rest is marked as not drawn.
 * @param {Picture | null} picture changed in place where it can be used
 * @param {string} signature
 * @param {number} leftColumn
 * @param {number} width
 * @param {number} height
 * @returns {Picture}
 */
export function movedPicture(picture, signature, leftColumn, width, height) {
  if (!picture || picture.signature !== signature || picture.width !== width || picture.height !== height) {
    const columns = { exact: new Uint8Array(width), cut: new Uint8Array(width) };
    const pixels = new Uint32Array(width * height);
    return { signature, leftColumn, width, height, pixels, ...columns, notes: new Set(), path: null };
  }
  const shift = leftColumn - picture.leftColumn;
  picture.leftColumn = leftColumn;
  if (Math.abs(shift) >= width) {
    picture.exact.fill(0);
    return picture;
  }
  if (shift === 0) return picture;
  // All rows at once: what goes over from one row to the next lies in columns that are drawn anew.
  if (shift > 0) {
    picture.pixels.copyWithin(0, shift);
    picture.exact.copyWithin(0, shift);
    picture.cut.copyWithin(0, shift);
    picture.exact.fill(0, width - shift);
  } else {
    picture.pixels.copyWithin(-shift, 0);
    picture.exact.copyWithin(-shift, 0);
    picture.cut.copyWithin(-shift, 0);
    picture.exact.fill(0, 0, -shift);
  }
  return picture;
}

/**
 * Have columns drawn again that may have something by now: those that were not built, and all from one on.
 * @param {Picture} picture
 * @param {number} from absolute column
 */
export function unsettle({ exact, leftColumn, width }, from) {
  for (let at = exact.indexOf(UNBUILT); at >= 0; at = exact.indexOf(UNBUILT, at + 1)) exact[at] = 0;
  exact.fill(0, Math.min(Math.max(from - leftColumn, 0), width));
}

/**
 * Runs of columns [from, to) of the picture that have to be drawn; they are cleared.
 * @param {Picture} picture
 * @returns {[number, number][]}
 */
export function clearedRuns({ exact, cut, pixels, width, height }) {
  /** @type {[number, number][]} */
  const runs = [];
  for (let from = exact.indexOf(0); from >= 0;) {
    const end = exact.indexOf(1, from);
    const to = end < 0 ? width : end;
    runs.push([from, to]);
    cut.fill(0, from, to);
    from = end < 0 ? -1 : exact.indexOf(0, to);
  }
  if (runs.length === 1 && runs[0][0] === 0 && runs[0][1] === width) pixels.fill(0);
  else {
    for (let row = 0; row < height; row += 1) {
      for (const [from, to] of runs) pixels.fill(0, row * width + from, row * width + to);
    }
  }
  return runs;
}

/**
 * Runs of columns [from, to) that are not built yet.
 * @param {Picture} picture
 * @returns {[number, number][]}
 */
export function unbuiltRuns({ exact, width }) {
  /** @type {[number, number][]} */
  const runs = [];
  for (let from = exact.indexOf(UNBUILT); from >= 0;) {
    let to = from;
    while (to < width && exact[to] === UNBUILT) to += 1;
    runs.push([from, to]);
    from = exact.indexOf(UNBUILT, to);
  }
  return runs;
}

/**
 * Draw the columns that are not exact yet, which do not depend on one another.
 * @param {Picture} picture
 * @param {(from: number, to: number) => Uint8Array} draw columns [from, to), which are empty; gives which are exact
 */
export function drawColumns(picture, draw) {
  for (const [from, to] of clearedRuns(picture)) picture.exact.set(draw(from, to), from);
}

/**
 * Draw a picture whose columns depend on one another: it is exact as a whole, or not.
 * @param {Picture} picture
 * @param {() => Uint8Array} draw all of it, which is empty; gives which of the columns that it takes are exact
 */
export function drawWhole(picture, draw) {
  picture.pixels.fill(0);
  picture.cut.fill(0);
  const drawn = draw();
  picture.exact.fill(drawn.includes(0) ? 0 : drawn.includes(UNBUILT) ? UNBUILT : 1);
}
