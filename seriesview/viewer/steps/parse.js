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

const FILTERS = ['highpass', 'lowpass', 'bandpass'];
const OF_CHANNELS = ['types', 'channels'];
/** What may be said of each operation. @type {Record<string, string[]>} */
const OPTIONS = {
  ...Object.fromEntries(FILTERS.map((kind) => [kind, ['order', 'phase', ...OF_CHANNELS]])),
  notch: ['harmonics', 'q', ...OF_CHANNELS],
  reference: ['within', ...OF_CHANNELS],
  montage: OF_CHANNELS,
  phase_shift: [],
  absolute: OF_CHANNELS,
};
const MOST_STEPS = 50;
const MOST_WEIGHT = 1e6;

/**
 * @param {any} documents of unknown origin
 * @returns {Step[] | null} null: these are none, as Python sees it (steps/documents.py), or none that can be computed here
 */
export function parseSteps(documents) {
  if (!Array.isArray(documents) || !documents.length || documents.length > MOST_STEPS) return null;
  const steps = documents.map(parseStep);
  return steps.every((step) => step !== null) ? steps : null;
}

/** @param {any} document @returns {Step | null} */
function parseStep(document) {
  const keys = Object.keys(document ?? {});
  const kind = keys.find((key) => Object.hasOwn(OPTIONS, key));
  if (!kind || !keys.every((key) => key === kind || OPTIONS[kind].includes(key))) return null;
  const { order = 5, phase = 'zero', q = 30, harmonics = 1, within, types, channels } = document;
  if (!(isWhole(order, 20) && isWhole(harmonics, 100) && isPositive(q))) return null;
  if (!['zero', 'causal'].includes(phase) || ![undefined, 'group', 'shank'].includes(within)) return null;
  if (![types, channels].every((names) => names === undefined || isNames(names))) return null;
  const value = valueOf(kind, document[kind], within !== undefined);
  if (value === null) return null;
  return {
    kind: /** @type {Step['kind']} */ (kind),
    value,
    order,
    isCausal: phase === 'causal',
    q,
    harmonics,
    isWithin: within !== undefined,
    types: types ?? [],
    channels: channels ?? [],
  };
}

/** @param {string} kind @param {any} value of an operation @param {boolean} isWithin @returns {any} null: there is no such step */
function valueOf(kind, value, isWithin) {
  if (kind === 'bandpass') return isList(value, isPositive) && value.length === 2 && value[0] < value[1] ? value : null;
  if (kind === 'reference') return ['mean', 'median'].includes(value) || (isNames(value) && !isWithin) ? value : null;
  if (kind !== 'montage')
    return (['phase_shift', 'absolute'].includes(kind) ? value === true : isPositive(value)) ? value : null;
  /** @type {{label: string}[]} */
  const rows = isList(value, (row) => weightsOf(row) !== null) ? value.map(weightsOf) : [];
  return rows.length && new Set(rows.map(({ label }) => label)).size === rows.length ? rows : null;
}

/**
 * A row of a montage: its label, and the weight of each channel by its name.
 * @param {any} row A alone, [A, B] for A less B, each one name or a list for the mean of several, {A: weight, ...} of a
 *   label, or {LABEL: any of these}
 * @returns {{label: string, weights: [string, number][]} | null}
 */
export function weightsOf(row) {
  const named = isList(row, isObject) && row.length === 1 ? row[0] : row;
  if (!isObject(named)) {
    const weights = weightsIn(named);
    return weights && { label: [named].flat(1).map(sideName).join('-'), weights };
  }
  const [[label, content] = ['', null], ...more] = Object.entries(named);
  const weights = more.length || !label ? null : weightsIn(content);
  return weights && { label, weights };
}

/** @param {string | string[]} side of a row @returns {string} */
function sideName(side) {
  const names = [side].flat();
  return names.length > 1 ? `(${names.join('+')})/${names.length}` : names[0];
}

/** @param {any} content of a row @returns {[string, number][] | null} each name once, none with 0 */
function weightsIn(content) {
  const terms = termsIn(content);
  /** @type {Map<string, number>} */
  const sums = new Map();
  for (const [name, weight] of terms) sums.set(name, (sums.get(name) ?? 0) + weight);
  const weights = [...sums].filter(([, weight]) => weight !== 0);
  return terms.every(([name, weight]) => name && Math.abs(weight) < MOST_WEIGHT) && weights.length ? weights : null;
}

/** @param {any} content @returns {[string, number][]} none where these are no channels */
function termsIn(content) {
  if (isText(content)) return [[content, 1]];
  if (!Array.isArray(content)) {
    const weights = Object.entries(content ?? {});
    return weights.every(([, weight]) => Number.isFinite(weight)) ? weights : [];
  }
  const sides = content.map((side) => [side].flat());
  if (sides.length !== 2 || !sides.every(isNames)) return [];
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
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @param {any} value @returns {boolean} */
function isText(value) {
  return typeof value === 'string' && value !== '';
}

/** @param {any} value @returns {boolean} */
function isNames(value) {
  return isList(value, isText) && value.length > 0;
}

/** @param {any} value @returns {boolean} */
function isPositive(value) {
  return typeof value === 'number' && value > 0 && Number.isFinite(value);
}

/** @param {any} value @param {number} most @returns {boolean} */
function isWhole(value, most) {
  return Number.isInteger(value) && value > 0 && value <= most;
}
