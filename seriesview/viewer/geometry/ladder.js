/** @file The zoom ladder: which numbers of samples one column may stand for, so that columns are whole bins. */

/** @typedef {import('../types.js').Rung} Rung */
/** @typedef {import('../types.js').Timeline} Timeline */

const OCTAVE = [4, 5, 6, 7];

/** Columns that one tick may take, closer than one tick a column. */
export const COLUMNS_PER_SAMPLE = [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32];
/** More of them, for sessions of so few ticks that they would not fill a screen. */
const COLUMNS_OF_FEW = [48, 64, 96, 128, 192, 256, 384, 512, 768, 1024];
const SCREEN = 4096;

/**
 * Samples a column, ascending, up to the first at which `numSamples` fit one column.
 * @param {number[]} factors of the stored levels, ascending
 * @param {number} numSamples
 * @param {boolean} hasSamples whether raw samples can be read
 * @returns {number[]}
 */
export function zoomLadder(factors, numSamples, hasSamples = true) {
  /** @type {number[]} */
  let rungs = [];
  if (hasSamples) {
    rungs = [1, 2, 3, ...steps(4, factors.length ? 4 * factors[0] - 1 : Math.max(4, 2 * numSamples))];
  } else if (factors.length) {
    rungs = [1, 2, 3].map((multiple) => multiple * factors[0]);
  }
  factors.forEach((factor, index) => {
    const following = factors[index + 1];
    const last =
      following === undefined
        ? Math.max(4, Math.ceil((2 * numSamples) / factor))
        : Math.floor((4 * following - 1) / factor);
    rungs.push(...steps(4, last).map((multiple) => factor * multiple));
  });
  const enough = rungs.filter((rung) => rung >= numSamples);
  return [...rungs.filter((rung) => rung < numSamples), ...enough.slice(0, 1)];
}

/**
 * What columns are read from: the coarsest stored factor that divides samplesPerColumn, 1 for samples.
 * @param {number} samplesPerColumn
 * @param {number[]} factors
 * @param {boolean} hasSamples
 * @returns {number | null} null where nothing stored divides it
 */
export function sourceFactor(samplesPerColumn, factors, hasSamples = true) {
  if (hasSamples && (!factors.length || samplesPerColumn < 4 * factors[0])) return 1;
  const dividing = factors.filter((factor) => samplesPerColumn % factor === 0);
  if (dividing.length) return Math.max(...dividing);
  return hasSamples ? 1 : null;
}

/**
 * All rungs of a timeline, from the closest to the widest.
 * @param {Timeline} timeline
 * @returns {Rung[]}
 */
export function allRungs(timeline) {
  const ticks = (timeline.endTime - timeline.firstTime) * timeline.ticksPerSecond;
  const few = COLUMNS_OF_FEW.filter((columns) => columns * ticks <= SCREEN);
  const closer = timeline.finest === 1 ? [...COLUMNS_PER_SAMPLE.slice(1), ...few].reverse() : [];
  return [
    ...closer.map((columnsPerSample) => ({ samplesPerColumn: 1, columnsPerSample })),
    ...timeline.ladder.map((samplesPerColumn) => ({ samplesPerColumn, columnsPerSample: 1 })),
  ];
}

/**
 * The rung nearest, by ratio, to a wanted number of ticks a column, which may be below 1.
 * @param {Timeline} timeline
 * @param {number} wanted
 * @returns {Rung}
 */
export function nearestRung(timeline, wanted) {
  return allRungs(timeline).reduce((best, rung) => (distance(rung, wanted) < distance(best, wanted) ? rung : best));
}

/**
 * The closest rung on which a column covers at least the wanted number of ticks; the widest where none does.
 * @param {Timeline} timeline
 * @param {number} wanted
 * @returns {Rung}
 */
export function rungOfAtLeast(timeline, wanted) {
  const rungs = allRungs(timeline);
  return rungs.find((rung) => ticksPerColumn(rung) >= wanted * (1 - 1e-9)) ?? rungs[rungs.length - 1];
}

/**
 * The rung some steps further in (direction > 0) or out (direction < 0); the last one where the ladder ends.
 * @param {Timeline} timeline
 * @param {Rung} rung
 * @param {number} direction whole number of steps
 * @returns {Rung}
 */
export function nextRung(timeline, rung, direction) {
  const rungs = allRungs(timeline);
  const here = rungs.findIndex((each) => ticksPerColumn(each) >= ticksPerColumn(rung) * (1 - 1e-9));
  const from = here < 0 ? rungs.length - 1 : here;
  // The first that is further out than a page is a step away.
  const isBetween = direction < 0 && ticksPerColumn(rungs[from]) > ticksPerColumn(rung) * (1 + 1e-9);
  return rungs[Math.min(Math.max(from - Math.trunc(direction) - Number(isBetween), 0), rungs.length - 1)];
}

/**
 * Ticks that a column covers; below 1 closer than a tick a column.
 * @param {Rung} rung
 * @returns {number}
 */
export function ticksPerColumn(rung) {
  return rung.samplesPerColumn / rung.columnsPerSample;
}

/**
 * @param {Rung} rung
 * @param {number} wanted
 * @returns {number}
 */
function distance(rung, wanted) {
  return Math.abs(Math.log(ticksPerColumn(rung) / Math.max(wanted, 1e-12)));
}

/**
 * 4, 5, 6, 7 times powers of two, from `first` to `last`, inclusive.
 * @param {number} first
 * @param {number} last
 * @returns {number[]}
 */
function steps(first, last) {
  const found = [];
  for (let scale = 1; OCTAVE[0] * scale <= last; scale *= 2) {
    for (const step of OCTAVE) {
      if (step * scale >= first && step * scale <= last) found.push(step * scale);
    }
  }
  return found;
}
