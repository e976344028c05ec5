/** @file Values as a panel shows them: in the unit of its axis or scale bar, with the digits that the data have. */

import { numberText, precisionOf } from '../../geometry/digits.js';

/** @typedef {import('../../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('../app.js').PanelHost} PanelHost */
/** @typedef {import('../../types.js').Precision} Precision */

/** Means of many samples have so many digits more. */
export const MORE_FOR_MEANS = 2;

/**
 * @param {SeriesManifest} manifest
 * @param {string} id of a channel
 * @returns {Precision}
 */
export function precisionOfChannel({ dtype, scale, offset, channels, type }, id) {
  if (type === 'event') return { step: 1, offset: 0 };
  const channel = channels.find((each) => each.id === id);
  return precisionOf(dtype, channel?.scale ?? scale, channel?.offset ?? offset);
}

/**
 * @param {PanelHost | null} host
 * @param {string} id of a channel
 * @param {string} unit of its values
 * @returns {{unit: string, factor: number}} the unit in which the panel shows them
 */
export function shownUnitOf(host, id, unit) {
  const lane = host?.painted?.lanes.find((each) => each.id === id);
  return lane?.shownUnit && lane.unit === unit ? lane.shownUnit : { unit, factor: 1 };
}

/**
 * The label of a channel, in an image also where it is: there its name may not stand beside it.
 * @param {PanelHost} host
 * @param {{id: string, label: string}} value
 * @returns {string}
 */
export function placedLabel(host, { id, label }) {
  const lane = host.painted?.lanes.find((each) => each.id === id);
  return lane?.y === undefined || lane.pixelsPerUnit ? label : `${label} (${lane.y} \u00b5m)`;
}

/**
 * @param {{unit: string, low: number | null, high: number | null}} value
 * @param {{unit: string, factor: number}} shown
 * @param {Precision} precision
 * @returns {string} one value, or the lowest and the highest
 */
export function rangeText({ low, high }, shown, precision) {
  if (low === null || high === null) return 'no data';
  const [lowest, highest] = [low, high].map((value) => numberText(value, precision, shown.factor));
  return `${lowest}${low === high ? '' : ` \u2026 ${highest}`} ${shown.unit}`.trimEnd();
}
