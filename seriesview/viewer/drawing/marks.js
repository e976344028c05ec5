/** @file Marks: of events by channel (a row of pixels or more each), and of points at their time and value. */

import { fadedPixel, pixelOf } from './colors.js';
import { noteCut } from './cuts.js';

/** @typedef {import('../types.js').Lane} Lane */

/** The faintest that a column with an event is drawn. */
const FAINTEST = 0.3;
const SHADES = 16;

/**
 * Draw a raster into some columns: a mark where a channel has events, fainter where it has few for a dense raster.
 * @param {Uint32Array} pixels (height, width)
 * @param {number} width
 * @param {number} x column of the picture for the first column of the counts
 * @param {Float64Array} counts (columns, lanes)
 * @param {Lane[]} lanes
 * @param {number} full events in a column that have the full colour
 * @param {boolean} isDark
 */
export function drawRaster(pixels, width, x, counts, lanes, full, isDark) {
  const columns = lanes.length ? counts.length / lanes.length : 0;
  lanes.forEach(({ top, bottom, color }, place) => {
    const shades = Uint32Array.from({ length: SHADES + 1 }, (_, shade) =>
      fadedPixel(color, isDark, FAINTEST + ((1 - FAINTEST) * shade) / SHADES),
    );
    const end = bottom - top > 3 ? bottom - 1 : bottom;
    for (let column = 0; column < columns; column += 1) {
      const count = counts[column * lanes.length + place];
      if (!count) continue;
      const ink = shades[Math.min(Math.floor((count / full) * SHADES), SHADES)];
      for (let row = top; row < end; row += 1) pixels[row * width + x + column] = ink;
    }
  });
}

/**
 * Draw a square mark, clipped to the picture.
 * @param {Uint32Array} pixels (height, width)
 * @param {number} width
 * @param {number} height
 * @param {number} x of its middle
 * @param {number} y
 * @param {number} radius pixels to each side of the middle
 * @param {number} ink
 */
export function drawMark(pixels, width, height, x, y, radius, ink) {
  if (!(y + radius >= 0 && y - radius < height)) return;
  const left = Math.max(x - radius, 0);
  const right = Math.min(x + radius, width - 1);
  const bottom = Math.min(y + radius, height - 1);
  if (right < left) return;
  for (let row = Math.max(y - radius, 0); row <= bottom; row += 1)
    pixels.fill(ink, row * width + left, row * width + right + 1);
}

/**
 * Draw points at times of their own: one or two in a bin as marks, more as a range from lowest to highest.
 * @param {Uint32Array} pixels (height, width)
 * @param {number} width
 * @param {number} height
 * @param {number} leftColumn absolute column at the picture's left edge
 * @param {import('./points.js').PointTile} tile
 * @param {Lane[]} lanes
 * @param {Int32Array} shown indices of channels
 * @param {Float64Array} scale of the lanes
 * @param {Float64Array} offset
 * @param {number} channels in the tile
 * @param {number} radius of marks
 * @param {boolean} hasSamples false: ranges alone, since what a bin has is the range of many
 * @param {Uint8Array} cut (width,) where points lie outside the picture (cuts.js)
 */
export function drawPoints(
  pixels,
  width,
  height,
  leftColumn,
  tile,
  lanes,
  shown,
  scale,
  offset,
  channels,
  radius,
  hasSamples,
  cut,
) {
  const { points, columnsOfTime, columnsOfBin } = tile;
  const { times, values, counts, envelope } = points;
  lanes.forEach((lane, place) => {
    const ink = pixelOf(lane.color);
    /** @param {number} stored */
    const rowOf = (stored) =>
      Math.round(
        lane.center - (stored * scale[place] + offset[place] + lane.offset - lane.baseline) * lane.pixelsPerUnit,
      );
    /** @param {number} column @param {number} stored */
    const mark = (column, stored) => {
      const row = rowOf(stored);
      noteCut(cut, column - leftColumn, row, row, height);
      drawMark(pixels, width, height, column - leftColumn, row, radius, ink);
    };
    if (times && values) {
      for (let index = 0; index < times.length; index += 1) {
        const [column, last] = columnsOfTime(times[index]);
        if (column <= last) mark(last, values[index * channels + shown[place]]);
      }
    }
    if (!counts || !envelope) return;
    for (let bin = 0; bin < counts.length; bin += 1) {
      if (!counts[bin]) continue;
      const least = envelope[bin * 2 * channels + shown[place]];
      const most = envelope[(bin * 2 + 1) * channels + shown[place]];
      const [from, to] = columnsOfBin(bin);
      for (let column = from; column <= to; column += 1) {
        if (counts[bin] > 2 || !hasSamples) {
          const ends = [rowOf(least), rowOf(most)];
          noteCut(cut, column - leftColumn, Math.min(...ends), Math.max(...ends), height);
          const top = Math.max(Math.min(...ends) - radius, 0);
          const bottom = Math.min(Math.max(...ends) + radius, height - 1);
          const at = column - leftColumn;
          if (at >= 0 && at < width) for (let row = top; row <= bottom; row += 1) pixels[row * width + at] = ink;
        } else {
          mark(column, least);
          if (most !== least) mark(column, most);
        }
      }
    }
  });
}
