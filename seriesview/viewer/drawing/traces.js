/** @file Traces: in each column a vertical line from the lowest to the highest value, no anti-aliasing. */

import { pixelOf } from './colors.js';
import { CUT_ABOVE, CUT_BELOW } from './cuts.js';

/** @typedef {import('../types.js').Lane} Lane */
/** @typedef {import('./columns.js').Hulls} Hulls */

/**
 * The row of a value, as traces are drawn.
 * @param {Lane} lane
 * @param {number} scale
 * @param {number} start physical value = stored * scale + start
 * @param {number} stored
 * @returns {number} rounded; it may lie outside the picture
 */
export function rowOf({ center, offset, baseline, pixelsPerUnit }, scale, start, stored) {
  return Math.round(center - (stored * scale + start + offset - baseline) * pixelsPerUnit);
}

/**
 * Draw traces into some columns of a picture, later channels over earlier ones. The columns must be empty.
 * @param {import('./picture.js').Picture} picture
 * @param {number} x column of the picture for the first column of the hulls
 * @param {Hulls} hulls stored values
 * @param {Lane[]} lanes (hulls.channels,)
 * @param {import('./scenes.js').LaneUnits} units
 */
export function drawTraces({ pixels, width, height, cut }, x, hulls, lanes, { scale, offset }) {
  const { columns, channels, low, high } = hulls;
  const center = Float64Array.from(lanes, (lane) => lane.center);
  const baseline = Float64Array.from(lanes, (lane) => lane.baseline);
  const perUnit = Float64Array.from(lanes, (lane) => lane.pixelsPerUnit);
  const shift = Float64Array.from(lanes, (lane) => lane.offset);
  const color = Uint32Array.from(lanes, (lane) => pixelOf(lane.color));
  // From the last channel to the first, only rows that are still free: each pixel is written once. `free[row]` leads
  // to the first free row from there on; no row of [from, to] is free, and what lies in it is left at once.
  const identity = Int32Array.from({ length: height + 1 }, (_, row) => row);
  const free = new Int32Array(height + 1);
  for (let column = 0; column < columns; column += 1) {
    free.set(identity);
    let from = 0;
    let to = -1;
    const target = x + column;
    const base = column * channels;
    for (let channel = channels - 1; channel >= 0; channel -= 1) {
      const least = low[base + channel];
      const most = high[base + channel];
      if (least > most) continue;
      const middle = center[channel];
      const factor = perUnit[channel];
      const gain = scale[channel];
      const start = offset[channel];
      const moved = shift[channel];
      const zero = baseline[channel];
      const one = Math.round(middle - (least * gain + start + moved - zero) * factor);
      const other = Math.round(middle - (most * gain + start + moved - zero) * factor);
      const top = one < other ? one : other;
      const bottom = one < other ? other : one;
      if (top < 0) cut[target] |= CUT_ABOVE;
      if (bottom >= height) cut[target] |= CUT_BELOW;
      if (!(top < height && bottom >= 0)) continue;
      const first = top < 0 ? 0 : top | 0;
      const last = bottom > height - 1 ? height - 1 : bottom | 0;
      if (first >= from && last <= to) continue;
      const ink = color[channel];
      let row = first >= from && first <= to ? to + 1 : first;
      while (row <= last && row !== free[row]) row = free[row];
      while (row <= last) {
        pixels[row * width + target] = ink;
        free[row] = row + 1;
        row = row + 1 === from ? to + 1 : row + 1;
        while (row <= last && row !== free[row]) row = free[row];
      }
      if (first > to + 1 || last < from - 1) {
        if (last - first <= to - from) continue;
        from = first;
        to = last;
      } else {
        if (first < from) from = first;
        if (last > to) to = last;
      }
    }
  }
}
