/** @file Marks of events, wherever they are drawn: their colours, and shades where many fall into a column. */

import { channelColors, fadedPixel, unitColors } from './colors.js';
import { defaultOrder } from './order.js';

/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */

/** The faintest that a column with an event is drawn. */
const FAINTEST = 0.3;
const SHADES = 16;

/**
 * Colours of the channels of events: of sorted units in turn, so that those on one trace differ; of others by group.
 * @param {SeriesManifest} manifest
 * @param {boolean} isDark
 * @returns {string[]} #rrggbb, one a channel
 */
export function eventColors(manifest, isDark) {
  const { channels } = manifest;
  const order = defaultOrder(manifest);
  if (hasTraces(manifest)) return unitColors(order, isDark);
  const colors = channelColors(channels, order, isDark);
  const isOne = !channels.some(({ group }) => group !== channels[0].group);
  return isOne ? colors.fill(colors[order[0]]) : colors;
}

/** @param {SeriesManifest} manifest of events @returns {boolean} whether it is known of any on which trace it is */
export function hasTraces({ channels }) {
  return channels.some(({ best_channel }) => best_channel !== undefined);
}

/**
 * On which channel of some others each channel of events is: the one of that id, else the first one of that label.
 * @param {import('../types.js').Channel[]} events
 * @param {import('../types.js').Channel[]} channels
 * @returns {Int32Array} indices; -1: not known
 */
export function tracesOf(events, channels) {
  /** @type {Map<string, number>} */
  const named = new Map();
  channels.forEach(({ label }, index) => named.has(label) || named.set(label, index));
  channels.forEach(({ id }, index) => named.set(id, index));
  return Int32Array.from(events, ({ best_channel }) => (best_channel ? named.get(best_channel) : undefined) ?? -1);
}

/**
 * Events in a column that have the full colour: 1, or twice what a channel has on average.
 * @param {SeriesManifest} manifest
 * @param {number} seconds of a column
 * @returns {number}
 */
export function fullCount({ segments, channels }, seconds) {
  const events = segments.reduce((sum, segment) => sum + segment.num_samples, 0);
  const duration = segments.reduce((sum, segment) => sum + segment.end_time - segment.start_time, 0);
  return duration > 0 ? Math.max((2 * events * seconds) / duration / channels.length, 1) : 1;
}

/**
 * Fill rows of some columns where a channel has events, fainter where it has few for so many that there are.
 * @param {import('./picture.js').Picture} picture
 * @param {{x: number, top: number, bottom: number}} at column of the picture for the first of the counts; rows [top, bottom)
 * @param {Float64Array} counts (columns, channels)
 * @param {{channels: number, place: number}} of which of them
 * @param {{color: string, full: number, isDark: boolean}} look
 */
export function drawEventMarks({ pixels, width }, { x, top, bottom }, counts, { channels, place }, look) {
  const shades = Uint32Array.from({ length: SHADES + 1 }, (_, shade) =>
    fadedPixel(look.color, look.isDark, FAINTEST + ((1 - FAINTEST) * shade) / SHADES),
  );
  for (let column = 0; column * channels < counts.length; column += 1) {
    const count = counts[column * channels + place];
    if (!count) continue;
    const ink = shades[Math.min(Math.floor((count / look.full) * SHADES), SHADES)];
    for (let row = top; row < bottom; row += 1) pixels[row * width + x + column] = ink;
  }
}
