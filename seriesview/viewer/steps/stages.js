/** @file Steps on the channels that they found: what each needs, what it does to rows of samples, and the channels after it. */

import { butterworth, marginOf, notches } from './design.js';
import { filterRows } from './filters.js';
import { comparedName } from './parse.js';
import { REACH, delayed } from './phase.js';
import { inPieces } from './pieces.js';
import { common } from './references.js';

/** @typedef {import('./parse.js').Step} Step */
/** @typedef {Float64Array[]} Rows of samples by channel; those that nobody wants are not there */

/**
 * A channel on its way through the steps.
 * @typedef {object} StepChannel
 * @property {string} id
 * @property {string} label
 * @property {number} scale
 * @property {number} offset
 * @property {string} unit
 * @property {string} [type]
 * @property {string} [group]
 * @property {true} [bad]
 * @property {number} [x]
 * @property {number} [y]
 * @property {number} [sample_shift] how much later than the first it was digitized, samples
 * @property {number | null} source which channel it was before; null: made of several
 * @property {boolean} keepsSteps its values are as fine as the source's
 * @property {boolean} isCentred they lie on both sides of 0, whatever the source's do
 * @property {boolean} mayMiss some of them
 * @property {import('../types.js').MissingRule | null} rule what stands for a missing one
 */

/**
 * @typedef {object} Stage
 * @property {number} margin samples to each side
 * @property {(wanted: Set<number>) => Set<number>} needs which channels before it those after it come from
 * @property {(rows: Rows, wanted: Set<number>, length: number, ends: [boolean, boolean]) => Rows} run may change the rows;
 *   ends: whether a segment begins and ends with them
 */
/** @typedef {{stages: Stage[], channels: StepChannel[]}} Made */

/** Types of channels that are no signals: steps pass them unchanged unless they name them. */
const LINES = ['TRIG', 'SYNC'];
const REFERENCES = ['REF'];
/** Types of channels that are referenced where a reference does not say which. */
const ELECTRODES = ['', 'EEG', 'SEEG', 'ECOG', 'DBS', 'IEEG', 'LFP', 'AP', ...REFERENCES];
/** Missing values for no longer are bridged, seconds. */
const BRIDGED = 0.01;

/**
 * @param {Step} step
 * @param {StepChannel[]} channels before it
 * @param {number} rate
 * @returns {Made} throws an Error in words where it cannot be
 */
export function stageOf(step, channels, rate) {
  if (step.kind === 'montage') return montage(step, channels);
  if (step.kind === 'reference') return reference(step, channels);
  if (step.kind === 'phase_shift') return phaseShift(channels, rate);
  const of = membersOf(step, channels);
  if (step.kind === 'absolute') {
    if (of.some((place) => channels[place].scale === 0))
      throw new Error('absolute: a channel has the scale 0, and no values.');
    const stage = onRows(of, 0, (row, place) => {
      const zero = channels[place].offset / channels[place].scale;
      for (let index = 0; index < row.length; index += 1) row[index] = Math.abs(row[index] + zero);
    });
    return {
      stages: [stage],
      channels: changed(channels, of, ({ scale }) => ({ scale: Math.abs(scale), offset: 0, isCentred: false })),
    };
  }
  return filter(step, of, channels, rate);
}

/**
 * @param {StepChannel} channel
 * @param {[number, number]} range of its dtype
 * @returns {number | null} what it holds where nothing is
 */
export function fillOf({ mayMiss, rule }, [lowest, highest]) {
  if (!mayMiss) return null;
  return Number(rule?.values[0] ?? (rule && rule.below === null && rule.above !== null ? highest : lowest));
}

/** @param {Step} step @param {number[]} of @param {StepChannel[]} channels @param {number} rate @returns {Made} */
function filter({ kind, value, order, isCausal, q, harmonics }, of, channels, rate) {
  const edges = kind === 'bandpass' ? value : [value];
  const highest = edges[edges.length - 1];
  if (highest >= rate / 2) throw new Error(`${kind}: ${highest} Hz is not below half of the ${rate} samples a second.`);
  const isButterworth = kind === 'highpass' || kind === 'lowpass' || kind === 'bandpass';
  const sections = isButterworth ? butterworth(kind, edges, order, rate) : notches(value, harmonics, q, rate);
  const bridged = bridgedSamples(rate, edges[0]);
  /** @type {Stage} */
  const stage = {
    margin: marginOf(sections) + bridged,
    needs: (wanted) => wanted,
    run(rows, wanted, _, ends) {
      const chosen = of.filter((place) => wanted.has(place));
      const gapped = chosen.filter((place) => channels[place].mayMiss && rows[place].includes(NaN));
      const whole = chosen.filter((place) => !gapped.includes(place)).map((place) => rows[place]);
      if (whole.length) filterRows(sections, isCausal, whole, 0, whole[0].length, ends);
      for (const place of gapped)
        inPieces(rows[place], bridged, ends, (from, to, own) =>
          filterRows(sections, isCausal, [rows[place]], from, to, own),
        );
      return rows;
    },
  };
  // Nothing constant passes.
  const change = kind === 'highpass' || kind === 'bandpass' ? { offset: 0, isCentred: true } : {};
  return { stages: [stage], channels: changed(channels, of, () => change) };
}

/** @param {StepChannel[]} channels @param {number} rate @returns {Made} */
function phaseShift(channels, rate) {
  const of = Array.from(channels.keys()).filter(
    (place) => channels[place].sample_shift !== undefined && !isOf(channels[place], LINES),
  );
  if (!of.length)
    throw new Error('phase_shift: the recording does not say when within a sample each channel was digitized.');
  const bridged = bridgedSamples(rate, null);
  /** @type {Stage} */
  const stage = {
    margin: REACH + bridged,
    needs: (wanted) => wanted,
    run(rows, wanted, _, ends) {
      for (const place of of) {
        const shift = channels[place].sample_shift ?? 0;
        const row = rows[place];
        if (!shift || !wanted.has(place)) continue;
        inPieces(row, bridged, ends, (from, to) => row.set(delayed(row.subarray(from, to), shift), from));
      }
      return rows;
    },
  };
  return { stages: [stage], channels: changed(channels, of, () => ({ sample_shift: 0 })) };
}

/** @param {Step} step @param {StepChannel[]} channels @returns {Made} */
function reference(step, channels) {
  const { value, isWithin, types, channels: names } = step;
  const isChosen = types.length > 0 || names.length > 0;
  const of = isChosen ? membersOf(step, channels) : places(channels, (channel) => isOf(channel, ELECTRODES));
  if (!of.length) throw new Error('reference: no channel is an electrode.');
  const groups = isWithin ? [...new Set(of.flatMap((place) => channels[place].group ?? []))] : [undefined];
  if (!groups.length) throw new Error('reference: no channel is known to belong to a group.');
  /** @type {Stage[]} */
  const stages = [];
  let after = channels;
  for (const group of groups) {
    const members = of.filter((place) => group === undefined || channels[place].group === group);
    const by = Array.isArray(value)
      ? value.map((name) => placeOf(name, channels))
      : members.filter((place) => !channels[place].bad && !isOf(channels[place], [...REFERENCES, ...LINES]));
    if (by.length < 2 && !Array.isArray(value))
      throw new Error(`reference: there are not two channels to take the ${value} of.`);
    const comparable = madeComparable(new Set([...members, ...by]), after, true);
    stages.push(...comparable.stages, subtraction(members, by, value === 'median' ? 'median' : 'mean'));
    const mayMiss = by.some((place) => channels[place].mayMiss);
    after = changed(comparable.channels, members, (channel) => ({
      offset: 0,
      isCentred: true,
      mayMiss: mayMiss || channel.mayMiss,
    }));
  }
  return { stages, channels: after };
}

/** @param {number[]} members @param {number[]} by @param {'mean' | 'median'} how @returns {Stage} */
function subtraction(members, by, how) {
  return {
    margin: 0,
    needs: (wanted) => (members.some((place) => wanted.has(place)) ? new Set([...wanted, ...by]) : wanted),
    run(rows, wanted, length) {
      const chosen = members.filter((place) => wanted.has(place));
      if (!chosen.length) return rows;
      const shared = common(
        how,
        by.map((place) => rows[place]),
        length,
      );
      for (const place of chosen) {
        const row = rows[place];
        for (let index = 0; index < length; index += 1) row[index] -= shared[index];
      }
      return rows;
    },
  };
}

/** @param {Step} step @param {StepChannel[]} channels @returns {Made} */
function montage(step, channels) {
  const rows = /** @type {NonNullable<ReturnType<typeof import('./parse.js').weightsOf>>[]} */ (step.value);
  const terms = rows.map(({ label, weights }) => ({
    label,
    of: weights.map(([name, weight]) => ({ place: placeOf(name, channels), weight })),
  }));
  const twice = terms.find(({ of }) => new Set(of.map(({ place }) => place)).size < of.length);
  if (twice) throw new Error(`montage: two names of ${twice.label} mean the same channel.`);
  /** @type {Stage[]} */
  const stages = [];
  let before = channels;
  for (const { of } of terms) {
    if (of.length < 2) continue;
    const comparable = madeComparable(new Set(of.map(({ place }) => place)), before, false);
    stages.push(...comparable.stages);
    before = comparable.channels;
  }
  const isChosen = step.types.length > 0 || step.channels.length > 0;
  const replaced = new Set(isChosen ? membersOf(step, channels) : channels.keys());
  const others = places(channels, (_, place) => !replaced.has(place));
  const rowsOf = [...terms.map(({ of }) => of), ...others.map((place) => [{ place, weight: 1 }])];
  stages.push({
    margin: 0,
    needs: (wanted) => new Set([...wanted].flatMap((each) => rowsOf[each].map(({ place }) => place))),
    run(rows, wanted, length) {
      /** @type {Rows} */
      const made = [];
      for (const each of wanted) {
        made[each] = new Float64Array(length);
        for (const { place, weight } of rowsOf[each])
          for (let index = 0; index < length; index += 1) made[each][index] += rows[place][index] * weight;
      }
      return made;
    },
  });
  const made = terms.map(({ label, of }) => madeChannel(label, of, before));
  return { stages, channels: [...made, ...others.map((place) => before[place])] };
}

/** @param {string} label @param {{place: number, weight: number}[]} of @param {StepChannel[]} channels @returns {StepChannel} */
function madeChannel(label, of, channels) {
  const first = channels[of[0].place];
  if (of.length === 1 && of[0].weight === 1) return { ...first, id: label, label };
  const parts = of.map(({ place }) => channels[place]);
  return {
    id: label,
    label,
    scale: first.scale,
    offset: of.reduce((sum, { place, weight }) => sum + channels[place].offset * weight, 0),
    unit: first.unit,
    type: first.type,
    group: parts.every(({ group }) => group === first.group) ? first.group : undefined,
    bad: parts.some(({ bad }) => bad) || undefined,
    source: of.length === 1 ? first.source : null,
    keepsSteps: false,
    isCentred: true,
    mayMiss: parts.some(({ mayMiss }) => mayMiss),
    rule: null,
  };
}

/**
 * Channels that are mixed in one unit and the same stored steps, else in physical values.
 * @param {Set<number>} mixed
 * @param {StepChannel[]} channels
 * @param {boolean} hasOffsets they matter
 * @returns {Made}
 */
function madeComparable(mixed, channels, hasOffsets) {
  const of = [...mixed];
  const [first, ...others] = of.map((place) => channels[place]);
  const other = others.find(({ unit }) => unit !== first.unit);
  if (other)
    throw new Error(
      `Channels in ${first.unit || 'no unit'} and in ${other.unit || 'no unit'} cannot be mixed: ${first.label}, ${other.label}.`,
    );
  if (others.every(({ scale, offset }) => scale === first.scale && (!hasOffsets || offset === first.offset)))
    return { stages: [], channels };
  const stage = onRows(of, 0, (row, place) => {
    const { scale, offset } = channels[place];
    for (let index = 0; index < row.length; index += 1) row[index] = row[index] * scale + offset;
  });
  return { stages: [stage], channels: changed(channels, of, () => ({ scale: 1, offset: 0, keepsSteps: false })) };
}

/** @param {number[]} of @param {number} margin @param {(row: Float64Array, place: number) => void} each @returns {Stage} */
function onRows(of, margin, each) {
  return {
    margin,
    needs: (wanted) => wanted,
    run(rows, wanted) {
      for (const place of of) if (wanted.has(place)) each(rows[place], place);
      return rows;
    },
  };
}

/**
 * @param {StepChannel[]} channels
 * @param {number[]} of
 * @param {(channel: StepChannel) => Partial<StepChannel>} change
 * @returns {StepChannel[]}
 */
function changed(channels, of, change) {
  const after = [...channels];
  for (const place of of) after[place] = { ...after[place], ...change(after[place]) };
  return after;
}

/** @param {number} rate @param {number | null} edge the lowest, Hz @returns {number} missing samples that are bridged at most */
function bridgedSamples(rate, edge) {
  return Math.max(Math.floor((edge === null ? BRIDGED : Math.min(BRIDGED, 0.5 / edge)) * rate), 1);
}

/** @param {Step} step @param {StepChannel[]} channels @returns {number[]} that a step is about */
function membersOf({ types, channels: names }, channels) {
  const named = names.map((name) => placeOf(name, channels));
  const wanted = types.map((type) => type.toUpperCase());
  const isChosen = wanted.length + named.length > 0;
  if (wanted.length && !channels.some((channel) => isOf(channel, wanted)))
    throw new Error(`No channel is of type ${types.join(' or ')}.`);
  return places(channels, (channel, place) =>
    isChosen ? named.includes(place) || isOf(channel, wanted) : !isOf(channel, LINES),
  );
}

/** @param {StepChannel[]} channels @param {(channel: StepChannel, place: number) => boolean} isOne @returns {number[]} */
function places(channels, isOne) {
  return Array.from(channels.keys()).filter((place) => isOne(channels[place], place));
}

/** @param {StepChannel} channel @param {string[]} types @returns {boolean} */
function isOf({ type }, types) {
  return types.includes(type?.toUpperCase() ?? '');
}

/** @param {string} name @param {StepChannel[]} channels @returns {number} throws where there is no such channel */
function placeOf(name, channels) {
  const labels = channels.map(({ label }) => label);
  if (labels.includes(name)) return labels.indexOf(name);
  const wanted = comparedName(name);
  const found = places(channels, ({ label }) => comparedName(label) === wanted);
  if (found.length !== 1) throw new Error(`There is no channel ${name}, or more than one.`);
  return found[0];
}
