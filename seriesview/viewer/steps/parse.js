/** @file Steps as configuration, manifests and links have them: one operation a step, and its options. */

/**
 * A step with all its defaults; `types` and `channels` empty: all that it concerns.
 * @typedef {object} Step
 * @property {'highpass' | 'lowpass' | 'bandpass' | 'notch' | 'reference' | 'montage' | 'phase_shift' | 'absolute'} kind
 * @property {any} value of the operation; of a montage rows of a label and weights (weightsOf)
 * @property {number} order scipy's N
 * @property {boolean} isCausal
 * @property {number} q
 * @property {number} harmonics
 * @property {boolean} isWithin a reference is that of each group
 * @property {string[]} types
 * @property {string[]} channels
 */
/** @typedef {Record<string, any>} StepDocument one step, as JSON */

const FILTERS = ['highpass', 'lowpass', 'bandpass', 'notch'];
const KINDS = [...FILTERS, 'reference', 'montage', 'phase_shift', 'absolute'];
const MOST_STEPS = 50;

/**
 * @param {any} documents of unknown origin
 * @returns {Step[] | null} null: these are none, or none that can be computed here
 */
export function parseSteps(documents) {
  if (!Array.isArray(documents) || !documents.length || documents.length > MOST_STEPS) return null;
  const steps = documents.map(parseStep);
  return steps.every((step) => step !== null) ? steps : null;
}

/** @param {any} document @returns {Step | null} */
function parseStep(document) {
  const kind = KINDS.find((each) => document && typeof document === 'object' && Object.hasOwn(document, each));
  if (!kind) return null;
  const value = document[kind];
  const { order, phase, q, harmonics, within, types, channels } = document;
  const isFilter = FILTERS.includes(kind);
  const edges = kind === 'bandpass' ? value : [value];
  if (isFilter && !(isList(edges, isPositive) && edges.length === (kind === 'bandpass' ? 2 : 1))) return null;
  if (kind === 'bandpass' && !(value[0] < value[1])) return null;
  if (kind === 'reference' && !(value === 'mean' || value === 'median' || isList(value, isText))) return null;
  if (kind === 'montage' && !(isList(value, (row) => weightsOf(row) !== null) && value.length)) return null;
  if (['phase_shift', 'absolute'].includes(kind) && value !== true) return null;
  return {
    kind: /** @type {Step['kind']} */ (kind),
    value: kind === 'montage' ? value.map(weightsOf) : value,
    order: isWhole(order) ? Math.min(order, 20) : 5,
    isCausal: phase === 'causal',
    q: isPositive(q) ? q : 30,
    harmonics: isWhole(harmonics) ? Math.min(harmonics, 100) : 1,
    isWithin: isText(within),
    types: isList(types, isText) ? types : [],
    channels: isList(channels, isText) ? channels : [],
  };
}

/**
 * A row of a montage: its label, and the weight of each channel by its name.
 * @param {any} row A alone, [A, B] for A less B, each one name or a list for the mean of several, {A: weight, ...} of a
 *   label, or {LABEL: any of these}
 * @returns {{label: string, weights: [string, number][]} | null}
 */
export function weightsOf(row) {
  const named = Array.isArray(row) && row.length === 1 ? row[0] : row;
  if (isText(named) || Array.isArray(named)) {
    const sides = [named].flat(1).map((side) => (Array.isArray(side) ? `(${side.join('+')})/${side.length}` : side));
    const weights = weightsIn(named);
    return weights && { label: sides.join('-'), weights };
  }
  const [[label, content] = [], ...more] = Object.entries(named ?? {});
  const weights = more.length || !label ? null : weightsIn(content);
  return weights && { label: String(label), weights };
}

/** @param {any} content of a row @returns {[string, number][] | null} */
function weightsIn(content) {
  if (isText(content)) return [[content, 1]];
  if (!Array.isArray(content)) {
    const weights = Object.entries(content ?? {});
    return weights.length && weights.every(([, weight]) => Number.isFinite(weight)) ? weights : null;
  }
  const sides = content.map((side) => [side].flat());
  if (sides.length !== 2 || !sides.every((side) => side.length && isList(side, isText))) return null;
  return sides.flatMap((side, place) => {
    const weight = (place ? -1 : 1) / side.length;
    return side.map((name) => /** @type {[string, number]} */ ([name, weight]));
  });
}

/** Electrodes that got other names. @type {Record<string, string>} */
const NEWER = { t3: 't7', t4: 't8', t5: 'p7', t6: 'p8', a1: 'm1', a2: 'm2' };

/**
 * A channel's name as it is compared: `EEG Fp1-Ref` is fp1, T3 is T7.
 * @param {string} name
 * @returns {string}
 */
export function comparedName(name) {
  const bare = name
    .trim()
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .replace(/^(eeg|eog|ecg|emg|seeg|ecog)[ _:]+(?=\S)/, '')
    .replace(/[-_ /](ref|le|av|avg)$/, '');
  return NEWER[bare] ?? bare;
}

/** @param {Step[]} steps @returns {string} of equal steps the same */
export function keyOfSteps(steps) {
  return JSON.stringify(steps.map((step) => Object.entries(step).sort()));
}

/** @param {Step[]} steps @returns {string} for people */
export function stepsInWords(steps) {
  const words = steps.map(({ kind, value, isWithin, harmonics, isCausal, types }) => {
    const of = types.length ? ` ${types.join('+')}` : '';
    const causal = isCausal ? ' causal' : '';
    if (kind === 'bandpass') return `${value.join('\u2013')} Hz${causal}${of}`;
    if (kind === 'highpass') return `> ${value} Hz${causal}${of}`;
    if (kind === 'lowpass') return `< ${value} Hz${causal}${of}`;
    if (kind === 'notch') return `notch ${value} Hz${harmonics > 1 ? ` \u00d7 ${harmonics}` : ''}${of}`;
    if (kind === 'reference') {
      const what = Array.isArray(value) ? value.join('+') : value;
      return `\u2212 ${what}${isWithin ? ' of group' : ''}`;
    }
    if (kind === 'montage') return `montage of ${value.length}`;
    return kind === 'phase_shift' ? 'phase shift' : kind;
  });
  return words.join(', ');
}

/** @param {any[]} documents of steps @returns {string} as config.yaml has them, in one line */
export function stepsAsYaml(documents) {
  return flow(documents);
}

/** @param {any} value @returns {string} YAML's flow style */
function flow(value) {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (value && typeof value === 'object')
    return `{${Object.entries(value)
      .map(([key, each]) => `${flow(key)}: ${flow(each)}`)
      .join(', ')}}`;
  return typeof value === 'string' && !/^[A-Za-z][\w]*$/.test(value) ? JSON.stringify(value) : String(value);
}

/** @param {any} value @param {(item: any) => boolean} isItem @returns {boolean} */
function isList(value, isItem) {
  return Array.isArray(value) && value.every(isItem);
}

/** @param {any} value @returns {boolean} */
function isText(value) {
  return typeof value === 'string' && value !== '';
}

/** @param {any} value @returns {boolean} */
function isPositive(value) {
  return typeof value === 'number' && value > 0 && Number.isFinite(value);
}

/** @param {any} value @returns {boolean} */
function isWhole(value) {
  return Number.isInteger(value) && value > 0;
}
