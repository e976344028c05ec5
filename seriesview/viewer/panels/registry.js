/** @file The types of panels, a module each. Only the worker knows them: the page gets their traits with the figure. */

import { defaultOrder, shownChannels, storedOrder, typeOrder } from '../drawing/order.js';
import { amplitudes } from './amplitudes.js';
import { density } from './density.js';
import { lanes } from './lanes.js';
import { position } from './position.js';
import { raster } from './raster.js';
import { traces } from './traces.js';

/** @typedef {import('../types.js').PanelRequest} PanelRequest */
/** @typedef {import('../types.js').PanelTraits} PanelTraits */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('../drawing/scenes.js').Scene} Scene */

/**
 * @typedef {object} PanelType
 * @property {string} name as manifests have it
 * @property {SeriesManifest['type'][]} seriesTypes that it can draw
 * @property {SeriesManifest['type'] | 'spectrogram'} [defaultFor] series that are drawn so where no view says how
 * @property {boolean} [leadsOverview] the first panel of such a type gives the overview and the gaps of a view
 * @property {(numChannels: number, data: Record<string, unknown>, manifest?: SeriesManifest) => Partial<PanelTraits>} traits
 *   what the page lays out and offers for it; data: of the panel, by anybody
 * @property {(manifest: SeriesManifest, request: PanelRequest) => Int32Array} [channels] indices in order from the top,
 *   where none are chosen; left out: as its traits say
 * @property {(manifest: SeriesManifest, data: Record<string, unknown>, seconds: number) => number} [pointsOfTile] it draws samples
 *   one by one, up to so many in 512 columns, which are so many seconds; a multiple of 512
 * @property {(drawn: import('../drawing/scales.js').Drawn) => import('../drawing/scales.js').Layout} lanes
 * @property {(scene: Scene, picture: import('../drawing/picture.js').Picture) => void} draw the columns of a picture that
 *   are not exact yet, and say which are now
 * @property {(scene: Scene, column: number, row: number) => Promise<import('../drawing/readout.js').Found | null>} readOut
 *   what is under the cursor; column: absolute
 */

/** @type {PanelType[]} */
export const TYPES = [traces, amplitudes, raster, position, density, lanes];

const ORDERS = { depth: defaultOrder, stored: storedOrder, type: typeOrder };

/** @type {PanelTraits} */
const USUAL = {
  weight: 1.5,
  order: 'depth',
  hasGain: true,
  hasChannels: true,
  hasOffsets: false,
  hasSteps: false,
  choices: [],
};

/** @param {string} name @returns {PanelType | undefined} */
export function panelType(name) {
  return TYPES.find((type) => type.name === name);
}

/** @param {SeriesManifest | undefined} manifest @returns {string} the type of panel that a series gets without a view */
export function defaultType(manifest) {
  const shownAs = manifest?.frequencies ? 'spectrogram' : (manifest?.type ?? 'continuous');
  return TYPES.find(({ defaultFor }) => defaultFor === shownAs)?.name ?? '';
}

/**
 * @param {string} name
 * @param {SeriesManifest | undefined} manifest
 * @param {Record<string, unknown>} [data] of the panel
 * @returns {PanelTraits}
 */
export function traitsOf(name, manifest, data = {}) {
  return { ...USUAL, ...panelType(name)?.traits(manifest?.channels.length ?? 0, data, manifest) };
}

/**
 * Why a type of panel cannot show a series, in words.
 * @param {string} name
 * @param {SeriesManifest} manifest
 * @returns {string | null}
 */
export function refusal(name, { type }) {
  const found = panelType(name);
  if (!found) return `Panels of type ${name} are not known here: a newer viewer may show them.`;
  if (found.seriesTypes.includes(type)) return null;
  const why = `A ${name} panel cannot show a series of type ${type}`;
  return type === 'interval' ? `${why}: intervals are bands across all panels, or lanes.` : `${why}.`;
}

/**
 * Indices of the channels that a panel shows, in order from the top.
 * @param {PanelType} type
 * @param {SeriesManifest} manifest
 * @param {PanelRequest} request
 * @returns {Int32Array}
 */
export function channelsOf(type, manifest, request) {
  const chosen = shownChannels(manifest, request.settings.channels ?? []);
  if (chosen.length) return chosen;
  if (type.channels) return type.channels(manifest, request);
  return ORDERS[traitsOf(type.name, manifest, request.data).order](manifest);
}
