/** @file The path of a position in the plane, over the visible range, in a square beside the panel's picture. */

import { limitsOf } from './typical.js';

/** @typedef {import('./columns.js').Hulls} Hulls */
/** @typedef {import('./scales.js').Spread} Spread */

/** Pixels between the square's border and the path. */
const MARGIN = 4;
/** Typical ones that are shown to each side of a coordinate's middle, where its whole range is very much more. */
const DEVIATIONS = 6;

/**
 * @typedef {object} Square its one scale for both coordinates
 * @property {number} side pixels
 * @property {number} middleX physical, at the middle of the square
 * @property {number} middleY
 * @property {number} pixelsPerUnit
 */

/**
 * The square for a panel, or null where its series has no plane.
 * @param {number} side pixels
 * @param {Spread} spread
 * @param {Int32Array} shown the first two channels are x and y
 * @returns {Square | null}
 */
export function squareOf(side, spread, shown) {
  if (side < 2 * MARGIN + 2 || shown.length < 2) return null;
  const [x, y] = shown;
  const [[left, right], [bottom, top]] = [x, y].map((channel) => limitsOf(spread, channel, DEVIATIONS));
  const extent = Math.max(right - left, top - bottom);
  const pixelsPerUnit = (side - 2 * MARGIN - 1) / (extent || 1);
  if (!Number.isFinite(extent) || !Number.isFinite(pixelsPerUnit)) return null;
  return { side, middleX: left / 2 + right / 2, middleY: bottom / 2 + top / 2, pixelsPerUnit };
}

/**
 * The path through the middles of the columns, y upwards, in a border.
 * @param {Square} square
 * @param {Hulls} hulls stored values of x and y, first and second channel
 * @param {Float64Array} scale
 * @param {Float64Array} offset
 * @param {Uint8Array} breaks (columns,) 1: a segment begins in the column, the path begins anew
 * @param {number} ink
 * @param {number} borderInk
 * @returns {Uint32Array} (side, side)
 */
export function drawPath(square, hulls, scale, offset, breaks, ink, borderInk) {
  const { side, middleX, middleY, pixelsPerUnit } = square;
  const pixels = new Uint32Array(side * side);
  pixels.fill(borderInk, 0, side);
  pixels.fill(borderInk, side * (side - 1));
  for (let row = 0; row < side; row += 1) pixels[row * side] = pixels[row * side + side - 1] = borderInk;
  const { low, high, channels, columns } = hulls;
  /** @param {number} column @param {number} channel @returns {number} */
  const middleOf = (column, channel) => {
    const place = column * channels + channel;
    return low[place] <= high[place] ? ((low[place] + high[place]) / 2) * scale[channel] + offset[channel] : NaN;
  };
  /** @param {number} x @param {number} y */
  const set = (x, y) => {
    if (x > 0 && x < side - 1 && y > 0 && y < side - 1) pixels[y * side + x] = ink;
  };
  let beforeX = NaN;
  let beforeY = NaN;
  for (let column = 0; column < columns; column += 1) {
    if (breaks[column]) beforeX = NaN;
    const x = Math.round((side - 1) / 2 + (middleOf(column, 0) - middleX) * pixelsPerUnit);
    const y = Math.round((side - 1) / 2 - (middleOf(column, 1) - middleY) * pixelsPerUnit);
    // Samples may be further apart than columns: the path goes on over columns without any.
    if (!(Math.abs(x) < 1e6 && Math.abs(y) < 1e6)) continue;
    const steps = Number.isNaN(beforeX) ? 0 : Math.max(Math.abs(x - beforeX), Math.abs(y - beforeY));
    for (let step = 1; step < steps; step += 1) {
      set(Math.round(beforeX + ((x - beforeX) * step) / steps), Math.round(beforeY + ((y - beforeY) * step) / steps));
    }
    set(x, y);
    beforeX = x;
    beforeY = y;
  }
  return pixels;
}
