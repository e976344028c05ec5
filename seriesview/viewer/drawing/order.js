/** @file In what order channels are shown. */

/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */

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

/** From the top, as polysomnography is read; others follow. Python (terms.py) has the same. */
const TYPES = ['EEG', 'EOG', 'EMG', 'ECG', 'RESP'];

/** @param {SeriesManifest} manifest @returns {Int32Array} indices of all channels by type, then as stored */
export function typeOrder({ channels }) {
  const ranks = channels.map(({ type }) => {
    const rank = TYPES.indexOf(type ?? '');
    return rank < 0 ? TYPES.length : rank;
  });
  return storedOrder({ channels }).sort((one, other) => ranks[one] - ranks[other] || one - other);
}

/** @param {Pick<SeriesManifest, 'channels'>} manifest @returns {Int32Array} indices of all channels as stored */
export function storedOrder({ channels }) {
  return Int32Array.from(channels, (_, index) => index);
}

/**
 * Indices of the channels with these ids, in their order.
 * @param {SeriesManifest} manifest
 * @param {string[]} ids
 * @returns {Int32Array}
 */
export function shownChannels({ channels }, ids) {
  const places = new Map(channels.map(({ id }, index) => [id, index]));
  const known = ids.filter((id) => places.has(id));
  return Int32Array.from(new Set(known), (id) => /** @type {number} */ (places.get(id)));
}
