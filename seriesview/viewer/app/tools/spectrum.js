/** @file The power spectrum of a selected span as a picture: decibels over frequency, a line for each channel. */

import { make } from '../elements.js';

/** @typedef {import('../../types.js').Spectrum} Spectrum */

const SPACE = 'http://www.w3.org/2000/svg';
const [WIDTH, HEIGHT] = [720, 280];
const [LEFT, RIGHT, TOP, BOTTOM] = [56, 12, 10, 34];
const STEPS = [1, 2, 5];
/** Decibels below the highest power that are drawn at most. */
const DEEPEST = 120;

/**
 * @param {Spectrum} found
 * @param {(string | undefined)[]} colors one a channel; that of texts where there is none
 * @param {string} unit of the samples
 * @param {string} label of the series
 * @returns {HTMLElement}
 */
export function spectrumPicture(found, colors, unit, label) {
  const { frequencies, density, channels, seconds } = found;
  const bins = frequencies.length;
  const powers = density.map((power) => 10 * Math.log10(power));
  const known = powers.filter((power, at) => at % bins && Number.isFinite(power));
  if (!known.length) return make('p', {}, `${label}: there is no power at any frequency.`);
  const high = known.reduce((most, power) => Math.max(most, power), -Infinity) + 1;
  const low = Math.max(known.reduce((least, power) => Math.min(least, power), Infinity) - 1, high - DEEPEST);
  const [first, last] = [frequencies[1], frequencies[bins - 1]];
  const x = (/** @type {number} */ frequency) =>
    LEFT + ((WIDTH - LEFT - RIGHT) * Math.log(frequency / first)) / Math.log(last / first);
  const y = (/** @type {number} */ power) => TOP + ((HEIGHT - TOP - BOTTOM) * (high - power)) / (high - low);
  const picture = element('svg', {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    class: 'tools-spectrum',
    role: 'img',
    'aria-label': `Power spectrum of ${label}`,
  });
  for (const frequency of ticksOfDecades(first, last)) {
    picture.append(line(x(frequency), TOP, x(frequency), HEIGHT - BOTTOM));
    picture.append(text(String(Number(frequency.toPrecision(3))), x(frequency), HEIGHT - BOTTOM + 14, 'middle'));
  }
  for (const power of ticksOfDecibels(low, high)) {
    picture.append(line(LEFT, y(power), WIDTH - RIGHT, y(power)));
    picture.append(text(String(power), LEFT - 6, y(power) + 4, 'end'));
  }
  picture.append(text('Hz', WIDTH - RIGHT, HEIGHT - 4, 'end'));
  picture.append(text(`dB re ${unit ? `${unit}\u00b2` : '1'}/Hz`, LEFT, HEIGHT - 4, 'start'));
  channels.forEach((channel, number) => {
    let path = '';
    for (let bin = 1; bin < bins; bin += 1) {
      const power = powers[number * bins + bin];
      if (!Number.isFinite(power)) continue;
      path += `${path ? 'L' : 'M'}${x(frequencies[bin]).toFixed(1)} ${y(Math.max(power, low)).toFixed(1)}`;
    }
    const drawn = element('path', { d: path, stroke: colors[number] || 'currentColor' });
    drawn.append(element('title', {}, channel.label));
    picture.append(drawn);
  });
  const windows = Math.max(...found.windows);
  const how = `${label}: Hann windows of ${Number(seconds.toPrecision(3))} s, half over one another, mean of ${windows}`;
  return make('figure', {}, picture, make('figcaption', {}, how));
}

/**
 * @param {Spectrum} found
 * @param {(text: string) => string} cell
 * @returns {string} a row for each frequency, linear densities
 */
export function spectrumCsv({ frequencies, density, channels }, cell) {
  const bins = frequencies.length;
  const head = ['frequency (Hz)', ...channels.map(({ label }) => cell(label))].join();
  const rows = Array.from(frequencies, (frequency, bin) =>
    [frequency, ...channels.map((_, number) => density[number * bins + bin])].join(),
  );
  return [head, ...rows, ''].join('\r\n');
}

/** @param {number} first @param {number} last @returns {number[]} 1, 2 and 5 in every decade, or 1 alone in many */
function ticksOfDecades(first, last) {
  const steps = last / first > 1e4 ? [1] : STEPS;
  const found = [];
  for (let decade = Math.floor(Math.log10(first)); decade <= Math.log10(last); decade += 1) {
    found.push(...steps.map((step) => step * 10 ** decade));
  }
  return found.filter((tick) => tick >= first && tick <= last);
}

/** @param {number} low @param {number} high @returns {number[]} round ones, at most some eight */
function ticksOfDecibels(low, high) {
  const step = [1, 2, 5, 10, 20].find((each) => (high - low) / each <= 8) ?? 50;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, number) => (first + number) * step);
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {string} [content]
 * @returns {SVGElement}
 */
function element(name, attributes, content) {
  const made = /** @type {SVGElement} */ (document.createElementNS(SPACE, name));
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  if (content !== undefined) made.textContent = content;
  return made;
}

/** @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 @returns {SVGElement} */
function line(x1, y1, x2, y2) {
  return element('line', { x1, y1, x2, y2 });
}

/** @param {string} content @param {number} x @param {number} y @param {string} anchor @returns {SVGElement} */
function text(content, x, y, anchor) {
  return element('text', { x, y, 'text-anchor': anchor }, content);
}
