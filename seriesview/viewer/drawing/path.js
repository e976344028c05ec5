/** @file The path of a position in the plane, over the visible range, in a square at the right of the panel. */

/** @typedef {import('./columns.js').Hulls} Hulls */

/** Pixels between the square's border and the path. */
const MARGIN = 4;

/**
 * @typedef {object} Square where the path is drawn, and its one scale for both coordinates
 * @property {number} left
 * @property {number} side
 * @property {number} middleX physical, at the middle of the square
 * @property {number} middleY
 * @property {number} pixelsPerUnit
 */

/**
 * The square for a panel, or null where there is no room for it.
 * @param {number} width of the panel
 * @param {number} height
 * @param {{low: Float64Array, high: Float64Array}} spread
 * @param {Int32Array} shown the first two channels are x and y
 * @returns {Square | null}
 */
export function squareOf(width, height, { low, high }, shown) {
  const side = Math.min(height, Math.floor(width / 3));
  if (side < 48 || shown.length < 2) return null;
  const [x, y] = shown;
  const extent = Math.max(high[x] - low[x], high[y] - low[y]);
  if (!Number.isFinite(extent)) return null;
  const pixelsPerUnit = (side - 2 * MARGIN - 1) / (extent || 1);
  return { left: width - side, side, middleX: (low[x] + high[x]) / 2, middleY: (low[y] + high[y]) / 2, pixelsPerUnit };
}

/**
 * Draw the path through the middles of the columns, y upwards, and a border.
 * @param {Uint32Array} pixels (height, width)
 * @param {number} width
 * @param {Square} square
 * @param {Hulls} hulls stored values of x and y, first and second channel
 * @param {Float64Array} scale
 * @param {Float64Array} offset
 * @param {Uint8Array} breaks (columns,) 1: a segment begins in the column, the path begins anew
 * @param {number} ink
 * @param {number} borderInk
 */
export function drawPath(pixels, width, square, hulls, scale, offset, breaks, ink, borderInk) {
  const { left, side, middleX, middleY, pixelsPerUnit } = square;
  for (let row = 0; row < side; row += 1) pixels[row * width + left] = borderInk;
  const { low, high, channels, columns } = hulls;
  /** @param {number} column @param {number} channel @returns {number} */
  const middleOf = (column, channel) => {
    const place = column * channels + channel;
    return low[place] <= high[place] ? ((low[place] + high[place]) / 2) * scale[channel] + offset[channel] : NaN;
  };
  /** @param {number} x @param {number} y */
  const set = (x, y) => {
    if (x > left && x < left + side && y >= 0 && y < side) pixels[y * width + x] = ink;
  };
  let beforeX = NaN;
  let beforeY = NaN;
  for (let column = 0; column < columns; column += 1) {
    if (breaks[column]) beforeX = NaN;
    const x = left + Math.round((side - 1) / 2 + (middleOf(column, 0) - middleX) * pixelsPerUnit);
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
}
