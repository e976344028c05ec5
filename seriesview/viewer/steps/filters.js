/** @file Filtering rows of samples forwards and backwards, as scipy.signal.sosfiltfilt does it. */

/** @typedef {import('./design.js').Section} Section */

/** Rows go through together: one waits for its own last sample while the others are worked on. */
const TOGETHER = 4;

/**
 * What stands before the first and behind the last sample, in samples: scipy's default.
 * @param {Section[]} sections
 * @returns {number}
 */
function paddingOf(sections) {
  const firstOrder = Math.min(
    sections.filter(([, , b2]) => b2 === 0).length,
    sections.filter(([, , , , a2]) => a2 === 0).length,
  );
  return 3 * (2 * sections.length + 1 - firstOrder);
}

/**
 * Filters samples [from, to) of some rows of equal length in place.
 * @param {Section[]} sections
 * @param {boolean} isCausal one pass, forwards
 * @param {Float64Array[]} rows
 * @param {number} from
 * @param {number} to
 * @param {[boolean, boolean]} ends whether the recording begins at `from` and ends at `to`, where it is continued oddly
 */
export function filterRows(sections, isCausal, rows, from, to, [isFirst, isLast]) {
  const most = isCausal ? 0 : Math.min(paddingOf(sections), to - from - 1);
  const [before, behind] = [isFirst ? most : 0, isLast ? most : 0];
  const length = before + to - from + behind;
  const buffers = Array.from({ length: Math.min(rows.length, TOGETHER) }, () => new Float64Array(length));
  while (buffers.length < TOGETHER) buffers.push(buffers[0]);
  for (let first = 0; first < rows.length; first += TOGETHER) {
    const some = rows.slice(first, first + TOGETHER);
    some.forEach((row, place) => {
      const buffer = buffers[place];
      buffer.set(row.subarray(from, to), before);
      for (let index = 0; index < before; index += 1) buffer[index] = 2 * row[from] - row[from + before - index];
      for (let index = 0; index < behind; index += 1)
        buffer[before + to - from + index] = 2 * row[to - 1] - row[to - 2 - index];
    });
    pass(sections, buffers, length, 0, 1);
    if (!isCausal) pass(sections, buffers, length, length - 1, -1);
    some.forEach((row, place) => row.set(buffers[place].subarray(before, before + to - from), from));
  }
}

/**
 * One pass over TOGETHER buffers, in place, from the state that their first samples would lead to if they had stood for ever.
 * @param {Section[]} sections
 * @param {Float64Array[]} buffers
 * @param {number} length
 * @param {number} first where it begins
 * @param {1 | -1} step
 */
function pass(sections, [a, b, c, d], length, first, step) {
  const [fromA, fromB, fromC, fromD] = [a[first], b[first], c[first], d[first]];
  let gain = 1;
  for (const [b0, b1, b2, a1, a2] of sections) {
    const own = (b0 + b1 + b2) / (1 + a1 + a2);
    const two = (b2 - a2 * own) * gain;
    const one = (b1 - a1 * own) * gain + two;
    let oneA = one * fromA;
    let oneB = one * fromB;
    let oneC = one * fromC;
    let oneD = one * fromD;
    let twoA = two * fromA;
    let twoB = two * fromB;
    let twoC = two * fromC;
    let twoD = two * fromD;
    for (let index = first, left = length; left > 0; left -= 1, index += step) {
      // One by one: engines make arrays of what is taken apart.
      const valueA = a[index];
      const valueB = b[index];
      const valueC = c[index];
      const valueD = d[index];
      const outA = b0 * valueA + oneA;
      const outB = b0 * valueB + oneB;
      const outC = b0 * valueC + oneC;
      const outD = b0 * valueD + oneD;
      oneA = b1 * valueA - a1 * outA + twoA;
      oneB = b1 * valueB - a1 * outB + twoB;
      oneC = b1 * valueC - a1 * outC + twoC;
      oneD = b1 * valueD - a1 * outD + twoD;
      twoA = b2 * valueA - a2 * outA;
      twoB = b2 * valueB - a2 * outB;
      twoC = b2 * valueC - a2 * outC;
      twoD = b2 * valueD - a2 * outD;
      a[index] = outA;
      b[index] = outB;
      c[index] = outC;
      d[index] = outD;
    }
    gain *= own;
  }
}
