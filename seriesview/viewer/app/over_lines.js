/** @file Events as lines over a panel's traces, with labels where there is room: the picture below keeps its pixels. */

import { labelRooms } from './bands.js';
import { clearCanvas, make, styleValue } from './elements.js';
import { shortName } from './gutter.js';

/** @typedef {import('../types.js').Painted} Painted */
/** @typedef {import('./app.js').App} App */

/** CSS pixels that a label has at least, and at most. */
const LEAST = 18;
const MOST = 140;
const LINE = 13;

/**
 * @typedef {object} OverLines
 * @property {HTMLCanvasElement} canvas to lie upon the picture
 * @property {(painted: Painted, app: App) => string} draw what people should know of it, in words
 * @property {(width: string, height: string, transform: string) => void} place as the picture
 */

/** @returns {OverLines} */
export function createOverLines() {
  const canvas = make('canvas', { className: 'over-lines', hidden: true, 'aria-hidden': 'true' });
  return {
    canvas,
    draw({ lines, width, height }, app) {
      canvas.hidden = !lines.length;
      if (canvas.hidden) return '';
      const ratio = app.pixelRatio();
      const context = clearCanvas(canvas, width, height, ratio);
      context.font = '10.5px system-ui, sans-serif';
      context.textBaseline = 'middle';
      context.strokeStyle = styleValue('--back');
      context.lineWidth = 3;
      const rooms = labelRooms(
        lines.map(({ x }) => ({ from: x, to: x + 1, isLine: true })),
        LEAST * ratio,
        MOST * ratio,
      );
      let left = 0;
      lines.forEach(({ x, label, color }, place) => {
        context.fillStyle = color;
        context.globalAlpha = 0.6;
        context.fillRect(x / ratio, 0, 1 / ratio, height / ratio);
        context.globalAlpha = 1;
        if (!label) return;
        const room = rooms[place] / ratio;
        if (room < LEAST) {
          left += 1;
          return;
        }
        const text = shortName(context, label, room - 7);
        // Marks and traces behind it are seen.
        context.strokeText(text, x / ratio + 4, LINE / 2 + 0.5);
        context.fillStyle = styleValue('--text');
        context.fillText(text, x / ratio + 4, LINE / 2 + 0.5);
      });
      return left ? `${left} labels have no room beside their lines: zoom in` : '';
    },
    place(width, height, transform) {
      Object.assign(canvas.style, { width, height, transform });
    },
  };
}
