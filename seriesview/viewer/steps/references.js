/** @file What channels have in common, sample by sample: their mean or median, by selection and not by sorting. */

/** Samples that are gathered at once. */
const AT_ONCE = 64;

/**
 * The mean or median of some rows at each sample; NaN counts for nothing, and where nothing is left it is NaN.
 * @param {'mean' | 'median'} how
 * @param {Float64Array[]} rows of equal length
 * @param {number} length
 * @returns {Float64Array} (length,)
 */
export function common(how, rows, length) {
  const found = new Float64Array(length);
  const count = rows.length;
  if (how === 'mean') {
    const counted = new Uint32Array(length);
    for (const row of rows) {
      for (let index = 0; index < length; index += 1) {
        const value = row[index];
        if (value !== value) continue;
        found[index] += value;
        counted[index] += 1;
      }
    }
    for (let index = 0; index < length; index += 1) found[index] /= counted[index];
    return found;
  }
  // Sample after sample, since rows lie far from one another.
  const gathered = new Float64Array(AT_ONCE * count);
  for (let first = 0; first < length; first += AT_ONCE) {
    const some = Math.min(AT_ONCE, length - first);
    for (let row = 0; row < count; row += 1) {
      const values = rows[row];
      for (let each = 0, at = row; each < some; each += 1, at += count) gathered[at] = values[first + each];
    }
    for (let each = 0; each < some; each += 1) {
      const values = gathered.subarray(each * count, (each + 1) * count);
      found[first + each] = median(values, withoutGaps(values));
    }
  }
  return found;
}

/** @param {Float64Array} values NaN are taken out @returns {number} how many are left, in front */
function withoutGaps(values) {
  let left = 0;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    if (value === value) values[left++] = value;
  }
  return left;
}

/**
 * @param {Float64Array} values without NaN; put into another order
 * @param {number} count of them
 * @returns {number} NaN without any
 */
export function median(values, count) {
  if (!count) return NaN;
  const middle = count >> 1;
  const upper = selected(values, count, middle);
  if (count & 1) return upper;
  // What lies before the middle is not above it.
  let lower = values[0];
  for (let index = 1; index < middle; index += 1) if (values[index] > lower) lower = values[index];
  return (lower + upper) / 2;
}

/** So few are sorted. */
const FEW = 8;

/**
 * The value that would be at a place if they were sorted: nothing before it is larger then, nothing behind it smaller. Parts are
 * told apart without a branch for each value (Lomuto), which no processor could foresee.
 * @param {Float64Array} values
 * @param {number} count
 * @param {number} place
 * @returns {number}
 */
function selected(values, count, place) {
  let first = 0;
  let last = count - 1;
  while (last - first > FEW) {
    const one = values[first];
    const other = values[last];
    const between = values[(first + last) >> 1];
    const pivot = Math.max(Math.min(one, other), Math.min(Math.max(one, other), between));
    let below = first;
    for (let index = first; index <= last; index += 1) {
      const value = values[index];
      values[index] = values[below];
      values[below] = value;
      below += +(value < pivot);
    }
    if (place < below) {
      last = below - 1;
      continue;
    }
    let above = below;
    for (let index = below; index <= last; index += 1) {
      const value = values[index];
      values[index] = values[above];
      values[above] = value;
      above += +(value <= pivot);
    }
    if (place < above) return pivot;
    first = above;
  }
  for (let index = first + 1; index <= last; index += 1) {
    const value = values[index];
    let at = index - 1;
    for (; at >= first && values[at] > value; at -= 1) values[at + 1] = values[at];
    values[at + 1] = value;
  }
  return values[place];
}
