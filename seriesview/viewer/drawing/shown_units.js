/** @file The unit in which a panel shows values: one for its axis or scale bar, the read-out and statistics. */

import { barLength, scaledUnit } from '../geometry/ticks.js';
import { laneHalves, unitsOf } from './scales.js';

/** @typedef {import('../types.js').Lane} Lane */
/** @typedef {import('../types.js').PanelRequest} PanelRequest */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('./scales.js').Layout} Layout */
/** @typedef {import('./scales.js').Spread} Spread */

/** Of the deviation that fills half a lane, what has the last colour of an image. */
const IMAGE_SHARE = 2 / 3;

/**
 * From a channel's mean to the last colour of an image.
 * @param {SeriesManifest} manifest
 * @param {Spread} spread
 * @param {Int32Array} shown indices of channels
 * @param {number} gain
 * @returns {Float64Array} (shown,) physical units
 */
export function colourHalves(manifest, spread, shown, gain) {
  const halves = laneHalves(spread, unitsOf(manifest).unit);
  return Float64Array.from(shown, (index) => (halves[index] * IMAGE_SHARE) / gain);
}

/**
 * The layout, each lane with the unit in which its values are shown.
 * @param {Layout} layout
 * @param {SeriesManifest} manifest
 * @param {Spread} spread
 * @param {Int32Array} shown
 * @param {PanelRequest} request
 * @returns {Layout}
 */
export function withShownUnits(layout, manifest, spread, shown, request) {
  const { type, settings, height, pixelRatio } = request;
  const { lanes, valueAxis } = layout;
  // The axis of a density is that of its channels, and a raster has no values.
  if (type === 'RasterPlot' || type === 'ProbabilityDensity') return layout;
  const halves = lanes.some(({ pixelsPerUnit }) => pixelsPerUnit)
    ? null
    : colourHalves(manifest, spread, shown, settings.gain ?? 1);
  /** @param {Lane} lane @param {number} place @returns {number} */
  const sizeOf = ({ pixelsPerUnit }, place) => {
    if (valueAxis) return Math.max(Math.abs(valueAxis.low), Math.abs(valueAxis.high));
    return halves ? halves[place] : barLength(pixelsPerUnit / pixelRatio, height / pixelRatio);
  };
  return {
    valueAxis,
    lanes: lanes.map((lane, place) => ({ ...lane, shownUnit: scaledUnit(lane.unit, sizeOf(lane, place)) })),
  };
}
