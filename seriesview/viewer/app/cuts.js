/** @file Where traces or points leave a picture: marks beside its edges, which hide nothing of it, and words. */

import { make, styleValue } from './elements.js';

/** @typedef {import('../types.js').Painted} Painted */

/** CSS pixels of a mark: how high, and how wide at least, so that a single column can be seen. */
const HEIGHT = 3;
const LEAST_WIDTH = 3;

/**
 * @typedef {object} CutMarks
 * @property {HTMLElement} above to lie upon the picture's upper edge
 * @property {HTMLElement} below to lie under its lower edge
 * @property {(painted: Painted, ratio: number) => void} draw
 * @property {(width: string, transform: string) => void} place as the picture, across
 */

/** @returns {CutMarks} */
export function createCutMarks() {
  const canvases = /** @type {const} */ (['above', 'below']).map((side) => {
    const canvas = make('canvas', { width: 1, height: 1, 'aria-hidden': 'true' });
    return { side, canvas, element: make('div', { className: `cuts ${side}` }, canvas) };
  });
  const [above, below] = canvases.map(({ element }) => element);
  return {
    above,
    below,
    draw({ width, cut }, ratio) {
      const height = Math.max(Math.round(HEIGHT * ratio), 1);
      const least = Math.max(Math.round(LEAST_WIDTH * ratio), 1);
      for (const { side, canvas } of canvases) {
        Object.assign(canvas, { width, height });
        canvas.style.height = `${height / ratio}px`;
        const context = canvas.getContext('2d');
        if (!context) continue;
        context.fillStyle = styleValue('--alarm');
        for (const [from, to] of cut[side]) {
          const wide = Math.max(to - from, least);
          context.fillRect(from - Math.floor((wide - (to - from)) / 2), 0, wide, height);
        }
      }
    },
    place(width, transform) {
      for (const { canvas } of canvases) Object.assign(canvas.style, { width, transform });
    },
  };
}

/**
 * @param {Painted['cut']} cut
 * @returns {string | null} what the user should know of it; null: nothing is cut off
 */
export function cutWords({ above, below }) {
  const sides = [above.length ? 'above' : '', below.length ? 'below' : ''].filter(Boolean).join(' and ');
  return sides ? `cut off ${sides}, where marked: lower the gain to see all` : null;
}
