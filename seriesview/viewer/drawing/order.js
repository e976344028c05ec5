/** @file Which channels a panel shows, in what order, and whether as traces or as an image. */

/** @typedef {import('../types.js').PanelRequest} PanelRequest */
/** @typedef {import('../types.js').PanelSettings} PanelSettings */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */

/** Traces in lanes that are lower, CSS pixels, say nothing: they are shown as an image. */
const LEAST_LANE = 4;

/**
 * Indices of all channels by group, then depth, the probe's tip at the bottom (y is upwards from it), then x, then as
 * stored. Channels without a position, such as references, are below those that have one.
 * @param {SeriesManifest} manifest
 * @returns {Int32Array}
 */
export function defaultOrder({ channels }) {
  const { compare } = new Intl.Collator('en', { numeric: true });
  const order = Int32Array.from(channels, (_, index) => index);
  return order.sort((one, other) => {
    const a = channels[one];
    const b = channels[other];
    const depth = (b.y ?? -Infinity) - (a.y ?? -Infinity) || 0;
    return compare(a.group ?? '', b.group ?? '') || depth || (a.x ?? 0) - (b.x ?? 0) || one - other;
  });
}

/**
 * Indices of the channels that a panel shows, in order.
 * @param {SeriesManifest} manifest
 * @param {PanelSettings} settings
 * @returns {Int32Array}
 */
export function shownChannels(manifest, settings) {
  if (!settings.channels) return defaultOrder(manifest);
  const places = new Map(manifest.channels.map(({ id }, index) => [id, index]));
  const known = settings.channels.filter((id) => places.has(id));
  return Int32Array.from(new Set(known), (id) => /** @type {number} */ (places.get(id)));
}

/**
 * How a panel of traces is drawn: as was set, else stacked, or as an image where lanes would be too low for traces.
 * @param {PanelSettings['mode']} chosen
 * @param {number} height CSS pixels
 * @param {number} count of channels that are shown
 * @returns {'stacked' | 'overlaid' | 'image'}
 */
export function modeOf(chosen, height, count) {
  return chosen ?? (height < LEAST_LANE * count ? 'image' : 'stacked');
}

/**
 * Indices of the channels that a panel shows, in order from the top.
 * @param {SeriesManifest} manifest
 * @param {PanelRequest} request
 * @returns {Int32Array}
 */
export function channelsOf(manifest, { type, settings, binCenters }) {
  if (settings.channels) return shownChannels(manifest, settings);
  const stored = Int32Array.from(manifest.channels, (_, index) => index);
  if (type === 'Position') return stored;
  if (type !== 'ProbabilityDensity') return shownChannels(manifest, settings);
  const centers = binCenters?.length === stored.length ? binCenters : null;
  return stored.sort((one, other) => (centers ? centers[other] - centers[one] : 0) || other - one);
}
