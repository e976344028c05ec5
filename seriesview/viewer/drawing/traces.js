/** @file Traces: in each column a vertical line from the lowest to the highest value, no anti-aliasing. */

import { pixelOf } from './colors.js';

/** @typedef {import('../types.js').Lane} Lane */
/** @typedef {import('./columns.js').Hulls} Hulls */

/**
 * Draw traces into some columns of a picture, later channels over earlier ones. The columns must be empty.
 * @param {Uint32Array} pixels (height, width)
 * @param {number} width
 * @param {number} height
 * @param {number} x column of the picture for the first column of the hulls
 * @param {Hulls} hulls stored values
 * @param {Lane[]} lanes (hulls.channels,)
 * @param {Float64Array} scale (hulls.channels,) physical = stored * scale + offset
 * @param {Float64Array} offset
 * @param {(lane: Lane) => number} [colorOf] pixel of a lane
 */
export function drawTraces(pixels, width, height, x, hulls, lanes, scale, offset, colorOf = (lane) => pixelOf(lane.color)) {
  const { columns, channels, low, high } = hulls;
  const center = Float64Array.from(lanes, (lane) => lane.center);
  const baseline = Float64Array.from(lanes, (lane) => lane.baseline);
  const perUnit = Float64Array.from(lanes, (lane) => lane.pixelsPerUnit);
  const shift = Float64Array.from(lanes, (lane) => lane.offset);
  const color = Uint32Array.from(lanes, colorOf);
  // From the last channel to the first, only rows that are still free: each pixel is written once. `free[row]` leads
  // to the first free row from there on.
  const free = new Int32Array(height + 1);
  for (let column = 0; column < columns; column += 1) {
    for (let row = 0; row <= height; row += 1) free[row] = row;
    const target = x + column;
    const base = column * channels;
    for (let channel = channels - 1; channel >= 0; channel -= 1) {
      const least = low[base + channel];
      const most = high[base + channel];
      if (least > most) continue;
      const middle = center[channel];
      const factor = perUnit[channel];
      const one = Math.round(
        middle - (least * scale[channel] + offset[channel] + shift[channel] - baseline[channel]) * factor,
      );
      const other = Math.round(
        middle - (most * scale[channel] + offset[channel] + shift[channel] - baseline[channel]) * factor,
      );
      let top = one < other ? one : other;
      let bottom = one < other ? other : one;
      if (!(top < height && bottom >= 0)) continue;
      if (top < 0) top = 0;
      if (bottom > height - 1) bottom = height - 1;
      const ink = color[channel];
      let row = free[top];
      while (row !== free[row]) row = free[row];
      const first = top;
      while (row <= bottom) {
        pixels[row * width + target] = ink;
        free[row] = row + 1;
        row += 1;
        while (row !== free[row]) row = free[row];
      }
      free[first] = row;
    }
  }
}
