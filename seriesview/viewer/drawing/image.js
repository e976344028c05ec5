/** @file Heat images: a row of pixels or more for each channel, coloured by its value in the column. */

import { heatPixels } from './colors.js';

/** @typedef {import('../types.js').Lane} Lane */
/** @typedef {import('./columns.js').Hulls} Hulls */

/**
 * Draw an image into some columns of a picture; a column without a value stays empty.
 * @param {import('./picture.js').Picture} picture
 * @param {number} x column of the picture for the first column of the hulls
 * @param {Hulls} hulls stored values
 * @param {Lane[]} lanes (hulls.channels,)
 * @param {import('./scenes.js').LaneUnits} units
 * @param {Float64Array} low (hulls.channels,) physical value of the first colour
 * @param {Float64Array} high of the last
 * @param {boolean} isSigned of a column's values the one that is furthest from the middle; else the highest
 */
export function drawImage({ pixels, width }, x, hulls, lanes, { scale, offset }, low, high, isSigned) {
  const { columns, channels } = hulls;
  const heat = heatPixels();
  const last = heat.length - 1;
  for (let channel = 0; channel < channels; channel += 1) {
    const { top, bottom } = lanes[channel];
    const middle = (low[channel] + high[channel]) / 2;
    const steps = heat.length / (high[channel] - low[channel]);
    const row = top * width + x;
    for (let column = 0; column < columns; column += 1) {
      const one = hulls.low[column * channels + channel] * scale[channel] + offset[channel];
      const other = hulls.high[column * channels + channel] * scale[channel] + offset[channel];
      if (hulls.low[column * channels + channel] > hulls.high[column * channels + channel]) continue;
      const highest = one > other ? one : other;
      const lowest = one > other ? other : one;
      const value = isSigned && middle - lowest > highest - middle ? lowest : highest;
      if (value !== value) continue;
      const index = Math.floor((value - low[channel]) * steps);
      pixels[row + column] = heat[index < 0 ? 0 : index > last ? last : index];
    }
    for (let copy = top + 1; copy < bottom; copy += 1) {
      pixels.copyWithin(copy * width + x, row, row + columns);
    }
  }
}
