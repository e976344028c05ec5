/** @file What lanes ask of the page: how high a panel of them is, and room for their names. */

/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */

/** Characters of a name that has all the room it needs. */
const MOST_OF_NAME = 32;

/**
 * @param {number} count of lanes of which each needs no more than a name
 * @returns {number} CSS pixels that are enough for a panel of them
 */
export function leastHeight(count) {
  return Math.min(Math.max(count * 14, 32), 100);
}

/**
 * @param {number} count of such lanes
 * @returns {number} CSS pixels beyond which they would be empty
 */
export function mostHeight(count) {
  return count * 26 + 10;
}

/** @param {string[]} names @returns {string} the longest of those that are no whole sentences */
export function longestOf(names) {
  const fitting = names.filter(({ length }) => length <= MOST_OF_NAME);
  return fitting.reduce((longest, name) => (name.length > longest.length ? name : longest), '');
}

/** @param {SeriesManifest} [manifest] @returns {string} the longest name of a channel */
export function longestName(manifest) {
  return longestOf((manifest?.channels ?? []).map(({ id, label, bad }) => nameOf(label || id, bad)));
}

/** @param {string} label @param {boolean} [bad] @returns {string} */
export function nameOf(label, bad) {
  return bad ? `${label} (bad)` : label;
}
