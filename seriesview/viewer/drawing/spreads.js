/**
 * @file Which scales a series is drawn with: its own, or those that it had while it was built. Arriving data change no
 * scales; better ones are offered.
 */

import { spreadOf } from './scales.js';

/** @typedef {import('../types.js').Figure} Figure */
/** @typedef {import('./scales.js').Layout} Layout */
/** @typedef {import('./scales.js').Spread} Spread */
/** @typedef {import('./series.js').SeriesData} SeriesData */
/** @typedef {import('./tiles.js').TileRequest} TileRequest */

/** Lanes are alike whose scales differ by less, and their baselines by less than a pixel. */
const LIKE = 0.02;

/** @typedef {Map<string, {spread: Spread, channels: string}>} Held scales by the names of series */

/** @type {WeakMap<SeriesData, Spread>} */
const spreads = new WeakMap();

/**
 * @param {SeriesData} series
 * @param {TileRequest[]} wanted what is missing is added
 * @returns {Spread | null} what its own scales come from; null while that is not there
 */
export function ownSpread(series, wanted) {
  const known = spreads.get(series);
  if (known) return known;
  wanted.push(...series.scalesLacking());
  const spread = spreadOf(series);
  if (spread) spreads.set(series, spread);
  return spread;
}

/**
 * What is held of the scales of what is being built, for the same series when it is built.
 * @param {Figure} figure
 * @param {Iterable<[string, SeriesData]>} series by URI
 * @returns {Held}
 */
export function heldOf(figure, series) {
  /** @type {Held} */
  const held = new Map();
  for (const [uri, data] of series) {
    const spread = data.held() ?? (figure.series[uri].state ? ownSpread(data, []) : null);
    // What the page derives from others has no name.
    const name = figure.seriesNames[uri];
    if (spread && name !== undefined) held.set(name, { spread, channels: channelsOf(data.manifest) });
  }
  return held;
}

/**
 * @param {Held} held
 * @param {Figure} figure
 * @param {string} uri
 * @returns {Spread | null} what is held for a series of these channels
 */
export function heldFor(held, figure, uri) {
  const found = held.get(figure.seriesNames[uri]);
  return found && found.channels === channelsOf(figure.series[uri]) ? found.spread : null;
}

/** @param {import('../types.js').SeriesManifest} manifest @returns {string} */
function channelsOf({ channels }) {
  return JSON.stringify(channels.map(({ id, scale, offset, unit }) => [id, scale, offset, unit]));
}

/**
 * Whether nobody would see a difference; of what has no heights, such as images, that is not known.
 * @param {Layout} one
 * @param {Layout} other of the same channels
 * @returns {boolean}
 */
export function areAlike({ lanes }, { lanes: others }) {
  return lanes.every(({ pixelsPerUnit: scale, baseline }, index) => {
    const other = others[index];
    const isLike = scale > 0 && Math.abs(other.pixelsPerUnit / scale - 1) < LIKE;
    return isLike && Math.abs(other.baseline - baseline) * scale < 1;
  });
}
