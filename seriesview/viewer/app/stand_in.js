/** @file What is seen beside the last picture until the next one comes: the widest complete picture there was. */

import { make } from './elements.js';

/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('../types.js').Painted} Painted */
/**
 * @typedef {object} StandIn
 * @property {HTMLCanvasElement} canvas to be laid below the picture
 * @property {(source: HTMLCanvasElement, painted: Painted, key: string) => void} keep a complete picture; key: how it
 *   was drawn, pictures of another key are dropped
 * @property {(frame: Frame, painted: Painted, height: number) => void} draw what `painted` leaves of the frame; height:
 *   device pixels
 */

/** @returns {StandIn} */
export function createStandIn() {
  const canvas = make('canvas', { className: 'stand-in', 'aria-hidden': 'true', hidden: true });
  const kept = make('canvas');
  /** @type {Frame | null} */
  let keptFrame = null;
  let keptKey = '';
  return {
    canvas,
    keep(source, { frame }, key) {
      if (keptFrame && key === keptKey && span(frame) < span(keptFrame)) return;
      Object.assign(kept, { width: source.width, height: source.height });
      kept.getContext('2d')?.drawImage(source, 0, 0);
      keptFrame = frame;
      keptKey = key;
    },
    draw(frame, painted, height) {
      const covered = place(painted.frame, frame);
      canvas.hidden = !keptFrame || (covered.left <= 0.5 && covered.right >= frame.columns - 0.5);
      if (canvas.hidden || !keptFrame) return;
      Object.assign(canvas, { width: frame.columns, height });
      const context = canvas.getContext('2d');
      const { left, right } = place(keptFrame, frame);
      const perColumn = (right - left) / keptFrame.columns;
      const first = Math.max(Math.floor(-left / perColumn), 0);
      const end = Math.min(Math.ceil((frame.columns - left) / perColumn), keptFrame.columns);
      if (!context || end <= first) return;
      context.imageSmoothingEnabled = false;
      const [x, width] = [left + first * perColumn, (end - first) * perColumn];
      context.drawImage(kept, first, 0, end - first, kept.height, x, 0, width, height);
      context.clearRect(covered.left, 0, covered.right - covered.left, height);
    },
  };
}

/**
 * Where one frame lies in another, in the other's columns from its left edge.
 * @param {Frame} frame
 * @param {Frame} within
 * @returns {{left: number, right: number, scale: number}} scale: columns of `within` a column of `frame`
 */
export function place(frame, within) {
  const scale = (within.columnsPerSample * frame.samplesPerColumn) / (within.samplesPerColumn * frame.columnsPerSample);
  const left = frame.leftColumn * scale - within.leftColumn;
  return { left, right: left + frame.columns * scale, scale };
}

/** @param {Frame} frame @returns {number} ticks */
function span(frame) {
  return (frame.columns * frame.samplesPerColumn) / frame.columnsPerSample;
}
