/** @file Rows with missing samples: short runs of them are bridged, longer ones part what stands on its own. */

/**
 * Has what lies between missing samples processed; what was missing is missing again afterwards, bridged or not.
 * @param {Float64Array} row changed in place
 * @param {number} bridged the longest run of missing samples that is bridged
 * @param {[boolean, boolean]} ends whether the recording begins and ends with it
 * @param {(from: number, to: number, ends: [boolean, boolean]) => void} process a piece [from, to) and whether it ends there
 */
export function inPieces(row, bridged, ends, process) {
  const { length } = row;
  /** @type {[number, number][]} */
  const gaps = [];
  let start = 0;
  /** @param {number} to */
  const piece = (to) => {
    if (start < to) process(start, to, [start > 0 || ends[0], to < length || ends[1]]);
  };
  for (let at = 0; at < length; at += 1) {
    if (row[at] === row[at]) continue;
    const from = at;
    while (at < length && row[at] !== row[at]) at += 1;
    gaps.push([from, at]);
    if (from > start && at < length && at - from <= bridged) {
      const slope = (row[at] - row[from - 1]) / (at - from + 1);
      for (let between = from; between < at; between += 1) row[between] = row[from - 1] + slope * (between - from + 1);
      continue;
    }
    piece(from);
    start = at;
  }
  piece(length);
  for (const [from, to] of gaps) row.fill(NaN, from, to);
}
