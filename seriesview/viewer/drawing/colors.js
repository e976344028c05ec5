/** @file Colours: of channels, told apart by colour-blind people too, and of heat images. Pixels are 0xAABBGGRR. */

/** @typedef {import('../types.js').Channel} Channel */

/** Told apart with every kind of colour vision, with a contrast of 3 or more to their background (tested). */
const ON_LIGHT = ['#0072b2', '#d55e00', '#332288', '#767676', '#661100', '#000000'];
const ON_DARK = ['#56b4e9', '#e69f00', '#8888ff', '#ffffff', '#ff7f50', '#bbbbbb'];
const BACKGROUND = { light: '#ffffff', dark: '#111418' };

/** Viridis, even in lightness for every kind of colour vision, at equal steps. */
const HEAT = [
  '#440154',
  '#482475',
  '#414487',
  '#355f8d',
  '#2a788e',
  '#21918c',
  '#22a884',
  '#44bf70',
  '#7ad151',
  '#bddf26',
  '#fde725',
];

/**
 * @param {string} css #rrggbb
 * @returns {[number, number, number]}
 */
function parts(css) {
  const value = parseInt(css.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/**
 * @param {number} red
 * @param {number} green
 * @param {number} blue
 * @returns {number} an opaque pixel
 */
function pack(red, green, blue) {
  return ((255 << 24) | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red)) >>> 0;
}

/**
 * @param {string} css #rrggbb
 * @returns {number} an opaque pixel
 */
export function pixelOf(css) {
  return pack(...parts(css));
}

/**
 * A colour on the way to the background.
 * @param {string} css
 * @param {boolean} isDark
 * @param {number} share 1: the colour itself, 0: the background
 * @returns {number} an opaque pixel
 */
export function fadedPixel(css, isDark, share) {
  const [red, green, blue] = fadedParts(css, isDark, share);
  return pack(red, green, blue);
}

/**
 * A colour on the way to the background, as CSS.
 * @param {string} css #rrggbb
 * @param {boolean} isDark
 * @param {number} share 1: the colour itself, 0: the background
 * @returns {string} #rrggbb
 */
export function fadedColor(css, isDark, share) {
  const hex = fadedParts(css, isDark, share).map((value) => Math.round(value).toString(16).padStart(2, '0'));
  return `#${hex.join('')}`;
}

/** @param {string} css @param {boolean} isDark @param {number} share @returns {number[]} */
function fadedParts(css, isDark, share) {
  const from = parts(isDark ? BACKGROUND.dark : BACKGROUND.light);
  const to = parts(css);
  return from.map((value, index) => value + (to[index] - value) * share);
}

/**
 * A colour for each channel as stored: by group where there are some, else in turn along the default order.
 * @param {Channel[]} channels
 * @param {Int32Array} order indices of channels in the default order
 * @param {boolean} isDark
 * @returns {string[]} #rrggbb
 */
export function channelColors(channels, order, isDark) {
  const palette = isDark ? ON_DARK : ON_LIGHT;
  const groups = [...new Set(Array.from(order, (index) => channels[index].group ?? ''))];
  /** @type {string[]} */
  const colors = new Array(channels.length);
  order.forEach((index, place) => {
    const turn = groups.length > 1 ? groups.indexOf(channels[index].group ?? '') : place;
    colors[index] = palette[turn % palette.length];
  });
  return colors;
}

/** Traces under coloured events, so that these stand out; contrast of 3 or more. */
const UNDER = { light: '#949494', dark: '#7d848c' };

/** @param {boolean} isDark @returns {string} #rrggbb of traces over which events are drawn */
export function plainColor(isDark) {
  return isDark ? UNDER.dark : UNDER.light;
}

/**
 * A colour for each unit in turn, none of them like that of the traces below.
 * @param {Int32Array} order indices of units
 * @param {boolean} isDark
 * @returns {string[]} #rrggbb
 */
export function unitColors(order, isDark) {
  const turn = isDark ? ON_DARK.slice(0, -1) : ON_LIGHT.filter((color) => color !== '#767676');
  /** @type {string[]} */
  const colors = new Array(order.length);
  order.forEach((index, place) => (colors[index] = turn[place % turn.length]));
  return colors;
}

/**
 * The palette of traces, for tests of its contrast.
 * @param {boolean} isDark
 * @returns {{colors: string[], background: string}}
 */
export function palette(isDark) {
  return isDark ? { colors: ON_DARK, background: BACKGROUND.dark } : { colors: ON_LIGHT, background: BACKGROUND.light };
}

/** @type {Uint32Array | null} */
let heat = null;

/**
 * Pixels of a heat image from lowest to highest.
 * @returns {Uint32Array} (256,)
 */
export function heatPixels() {
  if (heat) return heat;
  const stops = HEAT.map(parts);
  heat = Uint32Array.from({ length: 256 }, (_, index) => {
    const place = (index / 255) * (stops.length - 1);
    const stop = Math.min(Math.floor(place), stops.length - 2);
    const [red, green, blue] = stops[stop].map(
      (value, part) => value + (stops[stop + 1][part] - value) * (place - stop),
    );
    return pack(red, green, blue);
  });
  return heat;
}
