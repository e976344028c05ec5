/** @file Steps that a series can be looked at with: presets that fit it, and single ones put into those that there are. */

import { comparedName, parseSteps } from './parse.js';
import { planSteps } from './plan.js';
import { PRESETS } from './presets.js';

/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('./parse.js').StepDocument} StepDocument */

/**
 * Names of the presets that fit a series.
 * @param {SeriesManifest} manifest
 * @returns {string[]}
 */
export function fittingPresets(manifest) {
  return Object.keys(PRESETS).filter((name) => presetSteps(name, manifest));
}

/**
 * The steps of a preset for a series, each for the channels that are there.
 * @param {string} name
 * @param {SeriesManifest} manifest
 * @param {number | null} [mains] Hz, where they are known
 * @returns {StepDocument[] | null} null: it does not fit
 */
export function presetSteps(name, manifest, mains = null) {
  const preset = Object.hasOwn(PRESETS, name) ? PRESETS[name] : null;
  if (!preset) return null;
  const { channels, sampling_frequency: rate } = manifest;
  const has = (/** @type {string[]} */ types) => channels.some(({ type = '' }) => types.includes(type));
  if (!rate || rate < preset.rate || !has(preset.types) || (preset.also && !has(preset.also))) return null;
  const groups = channels.flatMap(({ group, bad }) => (bad || group === undefined ? [] : group));
  // A group of one has nothing in common with anybody.
  const hasGroups = groups.length > 0 && groups.every((group) => groups.filter((each) => each === group).length > 1);
  /** @type {Record<string, boolean>} */
  const isKnown = {
    shift: channels.some(({ sample_shift: shift }) => shift),
    groups: hasGroups,
    'no groups': !hasGroups && channels.filter(({ bad }) => !bad).length > 1,
    mains: mains !== null && mains < rate / 2,
  };
  let numRows = 0;
  const steps = preset.steps.flatMap(({ when, ...step }) => {
    if (when && !isKnown[when]) return [];
    if (step.types) {
      const there = step.types.filter((/** @type {string} */ type) => has([type]));
      if (!there.length) return [];
      step.types = there;
    }
    if (step.notch) step.notch = mains;
    if (step.bandpass && step.bandpass[1] >= rate / 2) {
      const { bandpass, ...rest } = step;
      return bandpass[0] < rate / 2 ? { highpass: bandpass[0], ...rest } : [];
    }
    if (step.reference && step.types) {
      const of = channels.filter(({ type = '' }) => step.types.includes(type)).map(({ label }) => label);
      const single = of.filter((label) => !isBipolar(label));
      if (single.length < 2) return [];
      return single.length < of.length ? { reference: step.reference, channels: single } : step;
    }
    if (!step.montage) return step;
    const rows = montageRows(step.montage, channels);
    numRows = rows.length;
    if (!numRows) return [];
    // Electrodes of no row are left out; what is bipolar already stays as it is, and so does all that is no EEG.
    const taken = rows.flat(2).map(comparedName);
    const others = channels.filter(
      ({ type = '', label }) =>
        step.types.includes(type) && !taken.includes(comparedName(label)) && (type !== 'EEG' || isBipolar(label)),
    );
    return { ...step, montage: [...rows, ...others.map(({ label }) => label)] };
  });
  return numRows < (preset.rows ?? 0) || !steps.length || faultOf(manifest, steps) ? null : steps;
}

/**
 * Why steps cannot be taken for a series, in words.
 * @param {SeriesManifest} manifest
 * @param {StepDocument[]} documents
 * @returns {string | null}
 */
export function faultOf(manifest, documents) {
  const steps = parseSteps(documents);
  if (!steps) return 'These are no steps that can be computed here.';
  try {
    planSteps(manifest, steps);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * @param {any[]} rows
 * @param {SeriesManifest['channels']} channels
 * @returns {any[]} those whose channels are there
 */
function montageRows(rows, channels) {
  const names = channels.map(({ label }) => comparedName(label));
  return rows.filter((row) => row.flat().every((/** @type {string} */ name) => names.includes(comparedName(name))));
}

/** @param {string} label @returns {boolean} it is the difference of two electrodes already */
function isBipolar(label) {
  return /^[a-z]+\d*z?\s*[-/]\s*\(?[a-z]+\d*/i.test(comparedName(label));
}

/** Steps that a panel's menu and keys set one by one, as they stand without types or channels of their own. */
/** @typedef {'edges' | 'notch' | 'reference' | 'montage'} Part */

/** @type {Record<Part, string[]>} */
const KINDS = {
  edges: ['highpass', 'lowpass', 'bandpass'],
  notch: ['notch'],
  reference: ['reference'],
  montage: ['montage'],
};

/** @param {StepDocument} step @param {Part} part @returns {boolean} */
function isOf(step, part) {
  return KINDS[part].some((kind) => Object.hasOwn(step, kind));
}

/**
 * @param {StepDocument[]} steps
 * @param {Part} part
 * @returns {StepDocument | undefined} the first one of that kind
 */
export function partOf(steps, part) {
  return steps.find((step) => isOf(step, part));
}

/**
 * The steps with another one of a kind, where it stood, or in the order filter, notch, reference, montage.
 * @param {StepDocument[]} steps
 * @param {Part} part
 * @param {StepDocument | null} step null: none of the kind
 * @returns {StepDocument[]}
 */
export function withPart(steps, part, step) {
  const parts = /** @type {Part[]} */ (Object.keys(KINDS));
  const later = parts.slice(parts.indexOf(part) + 1);
  const first = steps.findIndex((each) => isOf(each, part));
  const behind = steps.findIndex((each) => later.some((other) => isOf(each, other)));
  const place = first >= 0 ? first : behind >= 0 ? behind : steps.length;
  const rest = (/** @type {StepDocument[]} */ some) => some.filter((each) => !isOf(each, part));
  return [...rest(steps.slice(0, place)), ...(step ? [step] : []), ...rest(steps.slice(place))];
}

/** @param {StepDocument[]} steps @returns {[number | null, number | null]} Hz: what is below and above is taken out */
export function edgesOf(steps) {
  const { highpass, lowpass, bandpass } = partOf(steps, 'edges') ?? {};
  return bandpass ?? [highpass ?? null, lowpass ?? null];
}

/**
 * @param {StepDocument[]} steps
 * @param {number | null} low Hz
 * @param {number | null} high
 * @returns {StepDocument[]} with these edges
 */
export function withEdges(steps, low, high) {
  const options = Object.entries(partOf(steps, 'edges') ?? {}).filter(([key]) => !KINDS.edges.includes(key));
  const step = low && high ? { bandpass: [low, high] } : low ? { highpass: low } : high ? { lowpass: high } : null;
  return withPart(steps, 'edges', step && { ...step, ...Object.fromEntries(options) });
}
