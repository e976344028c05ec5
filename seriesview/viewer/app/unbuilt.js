/**
 * @file Hatching where a picture lacks what is not built yet, in saved pictures too: it is no silence. Below it, paler than
 * what is exact, what a few samples are like; these lie on a canvas of their own, of which nothing is read off.
 */

import { timeOfColumn } from '../geometry/timeline.js';
import { clearCanvas, make, styleValue } from './elements.js';

/** @typedef {import('../types.js').Painted} Painted */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('./app.js').App} App */

/** Device pixels from one line to the next. */
const STEP = 12;
const PALE = 0.3;
/** Lines of a preview that are drawn at once. */
const MOST_LINES = 30_000;

/**
 * @typedef {object} Hatching
 * @property {HTMLCanvasElement} canvas to lie upon the picture
 * @property {(painted: Painted, app: App, manifest: SeriesManifest | null) => void} draw
 * @property {(width: string, height: string, transform: string) => void} place as the picture
 */

/** @returns {Hatching} */
export function createHatching() {
  const canvas = make('canvas', { className: 'unbuilt', hidden: true, 'aria-hidden': 'true' });
  return {
    canvas,
    draw(painted, app, manifest) {
      const { width, height, frame, unbuilt } = painted;
      canvas.hidden = !unbuilt.length;
      if (canvas.hidden) return;
      const context = clearCanvas(canvas, width, height, app.pixelRatio());
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
        if (manifest?.preview) drawPreview(context, painted, app, manifest, from, to);
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

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Painted} painted
 * @param {App} app
 * @param {SeriesManifest} manifest with a preview
 * @param {number} from column of the picture
 * @param {number} to
 */
function drawPreview(context, { frame, lanes }, app, manifest, from, to) {
  const { samples, rows } = /** @type {import('../types.js').Preview} */ (manifest.preview);
  const width = manifest.channels.length;
  const uri = Object.keys(app.figure().series).find((each) => app.figure().series[each] === manifest) ?? '';
  const shift = app.timeline().shifts[uri] ?? 0;
  // An image has colours in place of heights.
  const drawn = lanes.filter(({ pixelsPerUnit }) => pixelsPerUnit > 0);
  const wide = Math.max(Math.ceil(((to - from) * drawn.length) / MOST_LINES), 1);
  context.globalAlpha = PALE;
  for (const lane of drawn) {
    const index = manifest.channels.findIndex(({ id }) => id === lane.id);
    const { scale = manifest.scale, offset = manifest.offset } = manifest.channels[index] ?? {};
    /** @param {number} stored */
    const rowOf = (stored) =>
      Math.round(lane.center - (stored * scale + offset + lane.offset - lane.baseline) * lane.pixelsPerUnit);
    context.fillStyle = lane.color;
    for (let column = from; column < to; column += wide) {
      const time = timeOfColumn(app.timeline(), frame, frame.leftColumn + column) - shift;
      const place = 2 * width * Math.floor(sampleAt(manifest, time) / samples) + index;
      const [low, high] = [rows[place], rows[place + width]];
      if (!(low <= high)) continue;
      const [one, other] = [rowOf(low), rowOf(high)];
      context.fillRect(column, Math.min(one, other), wide, Math.abs(one - other) + 1);
    }
  }
}

/**
 * @param {SeriesManifest} manifest regular
 * @param {number} time the series' own, seconds
 * @returns {number} the sample at a time, counted over all segments; NaN between them
 */
function sampleAt({ segments, sampling_frequency: rate }, time) {
  let first = 0;
  for (const { start_time: start, end_time: end, num_samples: count } of segments) {
    if (time >= start && time < end) return first + Math.floor((time - start) * (rate ?? 1));
    first += count;
  }
  return NaN;
}
