/** @file Hatching where a picture lacks what is not built yet, in saved pictures too: it is no silence. */

import { clearCanvas, make, styleValue } from './elements.js';

/** @typedef {import('../types.js').Painted} Painted */

/** Device pixels from one line to the next. */
const STEP = 12;

/**
 * @typedef {object} Hatching
 * @property {HTMLCanvasElement} canvas to lie upon the picture
 * @property {(painted: Painted, ratio: number) => void} draw
 * @property {(width: string, height: string, transform: string) => void} place as the picture
 */

/** @returns {Hatching} */
export function createHatching() {
  const canvas = make('canvas', { className: 'unbuilt', hidden: true, 'aria-hidden': 'true' });
  return {
    canvas,
    draw({ width, height, frame, unbuilt }, ratio) {
      canvas.hidden = !unbuilt.length;
      if (canvas.hidden) return;
      const context = clearCanvas(canvas, width, height, ratio);
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.strokeStyle = context.fillStyle = styleValue('--missing');
      context.lineWidth = 2;
      for (const [from, to] of unbuilt) {
        context.save();
        context.beginPath();
        context.rect(from, 0, to - from, height);
        context.clip();
        context.globalAlpha = 0.35;
        context.fillRect(from, 0, to - from, height);
        context.globalAlpha = 1;
        context.beginPath();
        // Lines stay on the columns that they are on when the picture is moved.
        const first = from - height - ((((from - height + frame.leftColumn) % STEP) + STEP) % STEP);
        for (let x = first; x < to; x += STEP) {
          context.moveTo(x, height);
          context.lineTo(x + height, 0);
        }
        context.stroke();
        context.restore();
      }
    },
    place(width, height, transform) {
      Object.assign(canvas.style, { width, height, transform });
    },
  };
}
