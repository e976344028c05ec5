/** @file What a panel with steps is drawn from: samples that are filtered here, a series that was built so, or raw ones that say so. */

import { timesOf } from '../geometry/timeline.js';
import { channelsOf, panelType } from '../panels/registry.js';
import { TOO_FAR } from '../source/derived.js';
import { keyOfSteps, parseSteps, stepsAsYaml } from '../steps/parse.js';
import { leftOutNote } from './windows.js';

/** @typedef {import('../source/derived.js').Derived} Derived */
/** @typedef {import('../source/derived.js').DerivingSource} DerivingSource */
/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('../types.js').PanelRequest} PanelRequest */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('../types.js').Timeline} Timeline */
/** @typedef {import('./series.js').SeriesData} SeriesData */

/**
 * @typedef {object} Chosen
 * @property {SeriesData} series to be drawn
 * @property {{series: SeriesData, sources: (number | null)[]} | null} under raw samples to be drawn below it, paler; sources:
 *   which of their channels each of the series' is
 * @property {import('../types.js').Painted['raw']} raw why what is drawn is raw though steps were asked for
 */

/**
 * The series that steps make of another, as it goes by here; its own where there are none.
 * @param {DerivingSource} source
 * @param {Record<string, SeriesManifest>} series by URI; gets what was made
 * @param {Timeline[]} timelines that get its place
 * @param {string} uri
 * @param {unknown} documents steps as a link has them
 * @returns {Derived | null}
 */
export function derivedOf(source, series, timelines, uri, documents) {
  const steps = parseSteps(documents);
  if (!steps || !series[uri]) return null;
  const derived = source.derive(uri, steps);
  series[derived.uri] ??= derived.plan.manifest;
  for (const { shifts } of timelines) if (uri in shifts) shifts[derived.uri] ??= shifts[uri];
  return derived;
}

/**
 * @param {Derived | null} derived of the panel's series, by its steps
 * @param {(uri: string) => SeriesData} seriesOf
 * @param {Record<string, SeriesManifest>} all by URI
 * @param {Timeline} timeline
 * @param {Frame} frame
 * @param {PanelRequest} request
 * @returns {Chosen}
 */
export function chosenSeries(derived, seriesOf, all, timeline, frame, request) {
  const raw = seriesOf(request.seriesUri);
  const plain = { series: raw, under: null, raw: null };
  const { isRaw, withRaw, steps } = request.settings;
  if (!derived || isRaw) return plain;
  const { plan } = derived;
  const under = withRaw ? { series: raw, sources: plan.sources } : null;
  const built = builtAs(derived, all, /** @type {any} */ (steps));
  const known = built === null ? null : seriesOf(built);
  if (known && known.finest === 1) return { ...plain, series: known, under };
  const type = panelType(request.type);
  const shown = type ? channelsOf(type, plan.manifest, request) : [];
  const most = derived.mostSamples(Math.max(plan.inputs(shown).length, 1));
  const rate = plan.manifest.sampling_frequency ?? 1;
  const { startTime, endTime } = timesOf(timeline, frame);
  const closest = most / rate;
  const lacking = raw.finest > 1 ? 'there are no raw samples to filter' : leftOutNote(raw, timeline, frame);
  if (!lacking && endTime - startTime <= closest) return { ...plain, series: seriesOf(derived.uri), under };
  if (known) return { ...plain, series: known, under };
  const where = lacking ?? (closest > 0 ? `filtered traces show closer than ${seconds(closest)}` : TOO_FAR);
  const line = `{from: DATASET, steps: ${stepsAsYaml(/** @type {any[]} */ (steps))}}`;
  return { ...plain, raw: { why: where, line } };
}

/**
 * A series of the workspace that was built with these very steps.
 * @param {Derived} derived
 * @param {Record<string, SeriesManifest>} all
 * @param {any[]} documents
 * @returns {string | null} its URI
 */
function builtAs({ of, uri }, all, documents) {
  const wanted = keyOfSteps(parseSteps(documents) ?? []);
  const isSame = (/** @type {string} */ other) => {
    const { from, steps } = all[other];
    if (other === uri || from !== of || !steps) return false;
    const own = parseSteps(steps);
    return own !== null && keyOfSteps(own) === wanted;
  };
  return Object.keys(all).find(isSame) ?? null;
}

/** @param {number} value @returns {string} rounded down to two digits, so that it is true */
function seconds(value) {
  const step = 10 ** (Math.floor(Math.log10(value)) - 1);
  return `${Number((Math.floor(value / step + 1e-9) * step).toPrecision(2))} s`;
}
