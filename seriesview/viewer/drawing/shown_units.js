/** @file The unit in which a panel shows values: one for its axis or scale bar, the read-out and statistics. */

import { barLength, scaledUnit } from '../geometry/ticks.js';
import { gainsOf, kindsOf, laneHalves } from './scales.js';

/** @typedef {import('../types.js').Lane} Lane */
/** @typedef {import('./scales.js').Drawn} Drawn */
/** @typedef {import('./scales.js').Layout} Layout */

/** Of the deviation that fills half a lane, what has the last colour of an image. */
const IMAGE_SHARE = 2 / 3;

/**
 * From a channel's middle to the last colour of an image.
 * @param {Drawn} drawn
 * @returns {Float64Array} (shown,) physical units
 */
export function colourHalves(drawn) {
  const { manifest, spread, shown } = drawn;
  const halves = laneHalves(spread, kindsOf(manifest));
  const gains = gainsOf(drawn);
  return Float64Array.from(shown, (index, place) => (halves[index] * IMAGE_SHARE) / gains[place]);
}

/**
 * The layout, each lane with the unit in which its values are shown.
 * @param {Layout} layout
 * @param {Drawn} drawn
 * @returns {Layout}
 */
export function withShownUnits({ lanes, valueAxis }, drawn) {
  const { height, pixelRatio } = drawn.request;
  const halves = lanes.some(({ pixelsPerUnit }) => pixelsPerUnit) ? null : colourHalves(drawn);
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
