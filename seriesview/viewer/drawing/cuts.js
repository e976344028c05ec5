/** @file Where traces and points leave a picture: kept for each column, told as runs. */

/** Something lies above the picture in a column. */
export const CUT_ABOVE = 1;
export const CUT_BELOW = 2;

/**
 * Note for a column of a picture that something in it lies outside.
 * @param {Uint8Array} cut (width,)
 * @param {number} column
 * @param {number} top lowest row number of what is drawn
 * @param {number} bottom highest
 * @param {number} height of the picture
 */
export function noteCut(cut, column, top, bottom, height) {
  if (top < 0) cut[column] |= CUT_ABOVE;
  if (bottom > height - 1) cut[column] |= CUT_BELOW;
}

/**
 * @param {Uint8Array} cut (width,)
 * @returns {{above: [number, number][], below: [number, number][]}} runs of columns [from, to)
 */
export function cutRuns(cut) {
  return { above: runsOf(cut, CUT_ABOVE), below: runsOf(cut, CUT_BELOW) };
}

/** @param {Uint8Array} cut @param {number} side @returns {[number, number][]} */
function runsOf(cut, side) {
  /** @type {[number, number][]} */
  const runs = [];
  for (let column = 0; column < cut.length; column += 1) {
    if (!(cut[column] & side)) continue;
    const last = runs[runs.length - 1];
    if (last && last[1] === column) last[1] = column + 1;
    else runs.push([column, column + 1]);
  }
  return runs;
}
