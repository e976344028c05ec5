/**
 * @file Coefficients of filters, as scipy.signal has them: Butterworth by pole pairs and the bilinear transform
 * (butter, output='sos'), notches (iirnotch), and how far a filter reaches.
 */

/** @typedef {[number, number, number, number, number]} Section b0, b1, b2, a1, a2 of a biquad; a0 is 1 */
/** @typedef {[number, number]} Complex */

/** Where what is left of an impulse response weighs less, a filter has ended. */
const ENDED = 1e-8;
/** A filter that rings for longer than so many samples is not followed, and nothing is computed of it. */
const MOST_MARGIN = 2 ** 21;

/** @param {Complex} a @param {Complex} b @returns {Complex} */
function times([a, b], [c, d]) {
  return [a * c - b * d, a * d + b * c];
}

/** @param {Complex} a @param {Complex} b @returns {Complex} */
function over([a, b], [c, d]) {
  const size = c * c + d * d;
  return [(a * c + b * d) / size, (b * c - a * d) / size];
}

/** @param {Complex} z @returns {Complex} the root with a real part that is not negative */
function root([a, b]) {
  const size = Math.hypot(a, b);
  return [Math.sqrt((size + a) / 2), Math.sign(b || 1) * Math.sqrt((size - a) / 2)];
}

/**
 * @param {'highpass' | 'lowpass' | 'bandpass'} kind
 * @param {number[]} edges Hz, where a pass is at -3 dB
 * @param {number} order scipy's N
 * @param {number} rate Hz
 * @returns {Section[]}
 */
export function butterworth(kind, edges, order, rate) {
  // Analog frequencies in units of twice the rate, warped.
  const warped = edges.map((edge) => Math.tan((Math.PI * edge) / rate));
  /** @type {[Complex, Complex | null][]} pairs of analog poles that make a section; null: a section of first order */
  const pairs = [];
  for (let number = 0; number < order >> 1; number += 1) {
    const angle = (Math.PI * (2 * number + 1)) / (2 * order);
    /** @type {Complex} */
    const pole = [-Math.sin(angle), Math.cos(angle)];
    if (kind === 'bandpass') {
      for (const each of bandPoles(pole, warped)) pairs.push([each, [each[0], -each[1]]]);
      continue;
    }
    const own = kind === 'lowpass' ? times(pole, [warped[0], 0]) : over([warped[0], 0], pole);
    pairs.push([own, [own[0], -own[1]]]);
  }
  if (order % 2) {
    const [one, other] =
      kind === 'bandpass' ? bandPoles([-1, 0], warped) : [/** @type {Complex} */ ([-warped[0], 0]), null];
    pairs.push([one, other]);
  }
  const center = 2 * Math.atan(Math.sqrt(warped[0] * (warped[1] ?? warped[0])));
  const angle = { lowpass: 0, highpass: Math.PI, bandpass: center }[kind];
  return pairs.map(([one, other]) => scaled(zerosOf(kind, other === null), polesOf(one, other), angle));
}

/**
 * The two poles of a band that a pole of the prototype becomes.
 * @param {Complex} pole
 * @param {number[]} edges warped
 * @returns {[Complex, Complex]}
 */
function bandPoles(pole, [low, high]) {
  const half = times(pole, [(high - low) / 2, 0]);
  const [a, b] = times(half, half);
  const apart = root([a - low * high, b]);
  return [
    [half[0] + apart[0], half[1] + apart[1]],
    [half[0] - apart[0], half[1] - apart[1]],
  ];
}

/** @param {Complex} one @param {Complex | null} other @returns {[number, number]} a1, a2 by the bilinear transform */
function polesOf(one, other) {
  const digital = (/** @type {Complex} */ [a, b]) => over([1 + a, b], [1 - a, -b]);
  const first = digital(one);
  if (!other) return [-first[0], 0];
  const second = digital(other);
  return [-first[0] - second[0], times(first, second)[0]];
}

/** @param {string} kind @param {boolean} isFirstOrder @returns {[number, number, number]} */
function zerosOf(kind, isFirstOrder) {
  if (kind === 'bandpass') return [1, 0, -1];
  const sign = kind === 'lowpass' ? 1 : -1;
  return isFirstOrder ? [1, sign, 0] : [1, 2 * sign, 1];
}

/**
 * A section whose gain at an angle is 1.
 * @param {[number, number, number]} b
 * @param {[number, number]} a
 * @param {number} angle radians a sample
 * @returns {Section}
 */
function scaled([b0, b1, b2], [a1, a2], angle) {
  /** @param {number} c0 @param {number} c1 @param {number} c2 */
  const size = (c0, c1, c2) =>
    Math.hypot(c0 + c1 * Math.cos(angle) + c2 * Math.cos(2 * angle), c1 * Math.sin(angle) + c2 * Math.sin(2 * angle));
  const gain = size(1, a1, a2) / size(b0, b1, b2);
  return [b0 * gain, b1 * gain, b2 * gain, a1, a2];
}

/**
 * Notches at a frequency and its multiples.
 * @param {number} frequency Hz
 * @param {number} harmonics 1: the frequency alone
 * @param {number} q frequency over width
 * @param {number} rate Hz
 * @returns {Section[]} of those below half the rate
 */
export function notches(frequency, harmonics, q, rate) {
  /** @type {Section[]} */
  const sections = [];
  for (let number = 1; number <= harmonics && number * frequency < rate / 2; number += 1) {
    const angle = (2 * Math.PI * number * frequency) / rate;
    const gain = 1 / (1 + Math.tan(angle / q / 2));
    const middle = -2 * gain * Math.cos(angle);
    sections.push([gain, middle, gain, middle, 2 * gain - 1]);
  }
  return sections;
}

/**
 * After how many samples what is left of the impulse response of one pass is nothing; MOST_MARGIN: of too many.
 * @param {Section[]} sections
 * @returns {number}
 */
export function marginOf(sections) {
  const radius = Math.max(...sections.map(([, , , a1, a2]) => radiusOf(a1, a2)));
  // So far poles are felt, and sections in a row for longer than one.
  const most = Math.ceil((Math.log(ENDED * ENDED) / Math.log(radius)) * (1 + sections.length / 8));
  if (!(radius < 1) || most >= MOST_MARGIN) return MOST_MARGIN;
  const response = new Float64Array(most + 1);
  response[0] = 1;
  for (const [b0, b1, b2, a1, a2] of sections) {
    let [one, other] = [0, 0];
    for (let index = 0; index <= most; index += 1) {
      const value = response[index];
      const out = b0 * value + one;
      one = b1 * value - a1 * out + other;
      other = b2 * value - a2 * out;
      response[index] = out;
    }
  }
  let [left, last] = [0, most];
  while (last > 0 && left + Math.abs(response[last]) < ENDED) left += Math.abs(response[last--]);
  return last + 1;
}

/** @param {number} a1 @param {number} a2 @returns {number} of the outer pole */
function radiusOf(a1, a2) {
  const square = a1 * a1 - 4 * a2;
  return square < 0 ? Math.sqrt(a2) : (Math.abs(a1) + Math.sqrt(square)) / 2;
}
