/** @file Steps of panels on the page: how links hold them, what channels there are after them, and who asks for them. */

import { faultOf, presetSteps } from '../steps/offers.js';
import { parseSteps, stepsInWords, weightsOf } from '../steps/parse.js';
import { planSteps } from '../steps/plan.js';

/** @typedef {import('../types.js').Panel} Panel */
/** @typedef {import('../types.js').PanelSettings} PanelSettings */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('../steps/parse.js').StepDocument} StepDocument */

/**
 * What a link says of steps, as far as it can be understood.
 * @param {Record<string, any>} value of unknown origin
 * @returns {Pick<PanelSettings, 'steps' | 'isRaw' | 'withRaw' | 'beside'>}
 */
export function readFilter({ steps, isRaw, withRaw, beside }) {
  /** @type {Record<string, true>} */
  const how = {};
  if (beside === true) how.beside = true;
  if (!parseSteps(steps)) return how;
  if (isRaw === true) how.isRaw = true;
  if (withRaw === true) how.withRaw = true;
  return { ...how, steps: structuredClone(steps) };
}

/**
 * Ids of the channels that a montage makes: their labels.
 * @param {StepDocument[] | undefined} steps that were read
 * @returns {string[]}
 */
export function madeIds(steps) {
  return (steps ?? []).flatMap(({ montage }) => montage ?? []).flatMap((row) => weightsOf(row)?.label ?? []);
}

/**
 * Steps that whoever made a link wants on all panels that they fit: of a preset, or as they are.
 * @param {any} wanted {preset} or {steps}, of unknown origin
 * @param {Panel} panel
 * @param {SeriesManifest | undefined} manifest
 * @returns {StepDocument[] | null}
 */
export function wantedSteps(wanted, panel, manifest) {
  if (!manifest || !panel.traits.hasSteps || !wanted || typeof wanted !== 'object') return null;
  if (typeof wanted.preset === 'string') return presetSteps(wanted.preset, manifest, mainsOf(panel));
  return parseSteps(wanted.steps) && !faultOf(manifest, wanted.steps) ? wanted.steps : null;
}

/** @param {Panel} panel @returns {number | null} Hz of the mains where it was recorded */
export function mainsOf({ data }) {
  const mains = Number(data?.mains);
  return mains > 0 && Number.isFinite(mains) ? mains : null;
}

/** @param {PanelSettings} settings @returns {StepDocument[] | undefined} that are drawn now */
export function activeSteps({ steps, isRaw }) {
  return isRaw ? undefined : steps;
}

/** @param {StepDocument[] | undefined} steps @returns {string} empty without any */
export function filterName(steps) {
  const parsed = steps && parseSteps(steps);
  return parsed ? stepsInWords(parsed) : '';
}

/** @type {WeakMap<SeriesManifest, Map<string, SeriesManifest>>} */
const known = new WeakMap();

/**
 * What a panel shows: its series as its steps make it.
 * @param {SeriesManifest} manifest
 * @param {PanelSettings} settings
 * @returns {SeriesManifest}
 */
export function shownManifest(manifest, settings) {
  const steps = activeSteps(settings);
  const parsed = steps && parseSteps(steps);
  if (!parsed) return manifest;
  const own = known.get(manifest) ?? new Map();
  known.set(manifest, own);
  const key = JSON.stringify(steps);
  try {
    const found = own.get(key) ?? planSteps(manifest, parsed).manifest;
    own.set(key, found);
    return found;
  } catch {
    return manifest;
  }
}

/**
 * Seconds that a view shows at first: its page, or as much as panels with steps are computed of with room to zoom out.
 * @param {import('../types.js').Figure} figure
 * @param {number} view
 * @param {Record<string, PanelSettings>} settings of its panels, by key
 * @returns {number | undefined} undefined: all of it
 */
export function pageWith({ views, series }, view, settings) {
  const most = views[view].panels.map(({ key, seriesUri }) => {
    const steps = parseSteps(activeSteps(settings[key] ?? {}));
    if (!steps || seriesUri === null) return Infinity;
    try {
      const { sampling_frequency: rate, channels } = series[seriesUri];
      const seconds = planSteps(series[seriesUri], steps).mostSamples(channels.length) / (rate ?? 1);
      return seconds > 0 ? seconds / 2 : Infinity;
    } catch {
      return Infinity;
    }
  });
  const page = Math.min(views[view].page ?? Infinity, ...most);
  return page < Infinity ? page : undefined;
}

/** @param {Panel} panel @returns {Panel} the same again, to be shown beside it */
export function twinOf(panel) {
  return { ...panel, key: `${panel.key}.again`, label: `${panel.label || panel.type}, again` };
}

/**
 * Panels with those that stand beside one.
 * @param {Panel[]} panels
 * @param {Record<string, PanelSettings>} settings by key
 * @returns {Panel[]}
 */
export function withTwins(panels, settings) {
  return panels.flatMap((panel) => (settings[panel.key]?.beside ? [panel, twinOf(panel)] : [panel]));
}

/**
 * Whether these are the panels of a view.
 * @param {{key: string}[]} shown
 * @param {{panels: Panel[]}} view
 * @param {Record<string, PanelSettings>} settings by key
 * @returns {boolean}
 */
export function arePanels(shown, { panels }, settings) {
  const wanted = withTwins(panels, settings);
  return wanted.length === shown.length && wanted.every(({ key }, place) => key === shown[place].key);
}
