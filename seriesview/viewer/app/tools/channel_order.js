/** @file Which channels a panel shows and in what order: lists of ids. */

import { defaultOrder, typeOrder } from '../../drawing/order.js';

/** @typedef {import('../../types.js').Channel} Channel */
/** @typedef {import('../../types.js').SeriesManifest} SeriesManifest */

const collator = new Intl.Collator('en', { numeric: true });

/**
 * Ids by group and depth (the default), as stored, by type, or by label.
 * @param {SeriesManifest} manifest
 * @param {'depth' | 'stored' | 'type' | 'label'} order
 * @returns {string[]}
 */
export function orderedIds(manifest, order) {
  const { channels } = manifest;
  if (order === 'depth' || order === 'type') {
    const indices = order === 'depth' ? defaultOrder(manifest) : typeOrder(manifest);
    return Array.from(indices, (index) => channels[index].id);
  }
  const sorted = [...channels];
  if (order === 'label') sorted.sort((a, b) => collator.compare(a.label, b.label));
  return sorted.map((channel) => channel.id);
}

/**
 * What a panel shows where nothing else is set.
 * @param {import('../../types.js').Panel} panel
 * @param {SeriesManifest} manifest
 * @returns {string[]}
 */
export function defaultIds({ traits }, manifest) {
  return orderedIds(manifest, traits.order);
}

/**
 * Whether a channel has all words of a text in its label, id, group or type; `bad` is a word of bad ones.
 * @param {Channel} channel
 * @param {string} text
 * @returns {boolean}
 */
export function matches(channel, text) {
  const { label, id, group = '', type = '', bad } = channel;
  const all = `${label} ${id} ${group} ${type} ${bad ? 'bad' : ''}`.toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}

/** @param {Channel[]} channels @returns {string[]} names of groups, each once, in order */
export function groupsOf(channels) {
  return [...new Set(channels.map((channel) => channel.group ?? ''))].filter(Boolean).sort(collator.compare);
}

/** @param {Channel[]} channels @returns {string[]} types of channels, each once, in order */
export function typesOf(channels) {
  return [...new Set(channels.map((channel) => channel.type ?? ''))].filter(Boolean).sort(collator.compare);
}

/**
 * A list with one id moved, clipped at the ends.
 * @param {string[]} ids
 * @param {string} id
 * @param {number} place its new index
 * @returns {string[]}
 */
export function moved(ids, id, place) {
  const rest = ids.filter((other) => other !== id);
  rest.splice(Math.max(0, place), 0, id);
  return rest;
}

/**
 * What a panel's settings hold: nothing where all channels are in the default order.
 * @param {string[]} shown
 * @param {string[]} defaults
 * @returns {string[] | undefined}
 */
export function channelSetting(shown, defaults) {
  return shown.length === defaults.length && shown.every((id, at) => id === defaults[at]) ? undefined : shown;
}
