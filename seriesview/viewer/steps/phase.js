/** @file Channels that one converter digitizes after one another, moved to the instant of the first. */

/** Samples of the kernel to each side. */
export const REACH = 48;
/** Of its Kaiser window. */
const BETA = 10;

/**
 * @param {Float64Array} row
 * @param {number} shift samples by which it is delayed
 * @returns {Float64Array} of the same length; both ends are continued oddly
 */
export function delayed(row, shift) {
  const { length } = row;
  const kernel = kernelOf(shift);
  const padded = new Float64Array(length + 2 * REACH);
  padded.set(row, REACH);
  const last = length - 1;
  for (let by = 1; by <= REACH; by += 1) {
    const turned = Math.min(by, last);
    padded[REACH - by] = 2 * row[0] - row[turned];
    padded[REACH + last + by] = 2 * row[last] - row[last - turned];
  }
  const found = new Float64Array(length);
  for (let tap = 0; tap < kernel.length; tap += 1) {
    const weight = kernel[tap];
    // The last tap goes with the oldest sample.
    const from = kernel.length - 1 - tap;
    for (let index = 0; index < length; index += 1) found[index] += weight * padded[from + index];
  }
  return found;
}

/** @param {number} shift @returns {Float64Array} (2 REACH + 1,) a windowed sinc whose sum is 1 */
function kernelOf(shift) {
  const kernel = Float64Array.from({ length: 2 * REACH + 1 }, (_, tap) => {
    const lag = tap - REACH - shift;
    const sinc = lag ? Math.sin(Math.PI * lag) / (Math.PI * lag) : 1;
    return sinc * bessel(BETA * Math.sqrt(Math.max(0, 1 - (lag / (REACH + 1)) ** 2)));
  });
  const sum = kernel.reduce((total, weight) => total + weight, 0);
  return kernel.map((weight) => weight / sum);
}

/** @param {number} x @returns {number} the modified Bessel function of the first kind, of order 0 */
function bessel(x) {
  let [sum, term] = [1, 1];
  for (let number = 1; term > sum * 1e-17; number += 1) {
    term *= (x / (2 * number)) ** 2;
    sum += term;
  }
  return sum;
}
