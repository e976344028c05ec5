/** Searching in what is sorted. */

/**
 * @template T
 * @param {ArrayLike<T>} sorted those of which `isBefore` holds first, then the others
 * @param {(value: T) => boolean} isBefore
 * @returns {number} of how many it holds, which is the index of the first one of which it does not
 */
export function countWhere(sorted, isBefore) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(sorted[middle])) low = middle + 1;
    else high = middle;
  }
  return low;
}
