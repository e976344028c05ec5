/** @file What is on the screen as a PNG: the same pixels, without the buttons. */

import { make, styleValue } from '../elements.js';
import { download } from './dialog.js';
import { fileName } from './exporting.js';

/** @typedef {import('../app.js').App} App */

const LEFT_OUT = 'button:not(.time-unit, .badge), .cursor, .busy';
/** Height of the title, CSS pixels. */
const TITLE = 34;

/**
 * All visible panels with their labels, axes and bands on one canvas, in device pixels. Canvases are copied as they
 * are; texts and backgrounds are drawn where the page has them.
 * @param {App} app
 * @returns {HTMLCanvasElement}
 */
export function composePicture(app) {
  const ratio = app.pixelRatio();
  const roots = [...app.element.querySelectorAll('.strips, .stack, .axis-row')];
  const boxes = roots.map((root) => root.getBoundingClientRect());
  const left = Math.min(...boxes.map((box) => box.left));
  const figure = app.figure();
  const { label, panels } = figure.views[app.state().view];
  const titles = new Set(
    [figure.label, label].filter((text) => text && !(panels.length === 1 && panels[0].label === text)),
  );
  const titleHeight = titles.size ? TITLE : 0;
  const height = boxes.reduce((sum, box) => sum + box.height, titleHeight);
  const canvas = make('canvas', {
    width: Math.round((Math.max(...boxes.map((box) => box.right)) - left) * ratio),
    height: Math.round(height * ratio),
  });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const { color, fontFamily } = getComputedStyle(app.element);
  const title = [...titles].join(' \u2013 ');
  context.imageSmoothingEnabled = false;
  context.fillStyle = styleValue('--back');
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = color;
  context.font = `${15 * ratio}px ${fontFamily}`;
  context.textBaseline = 'middle';
  context.fillText(title, 10 * ratio, (TITLE / 2) * ratio);
  let top = titleHeight;
  roots.forEach((root, at) => {
    drawElement(context, root, left, boxes[at].top - top, ratio);
    // Edges of bands lie over the pictures, and below titles.
    for (const bar of root.querySelectorAll('.panel-bar')) drawElement(context, bar, left, boxes[at].top - top, ratio);
    top += boxes[at].height;
  });
  return canvas;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Element} element
 * @param {number} left of the picture, on the page
 * @param {number} top
 * @param {number} ratio
 */
function drawElement(context, element, left, top, ratio) {
  const style = getComputedStyle(element);
  if (element.matches(LEFT_OUT) || style.display === 'none' || style.visibility === 'hidden') return;
  const box = element.getBoundingClientRect();
  const [x, y] = [Math.round((box.left - left) * ratio), Math.round((box.top - top) * ratio)];
  const [width, height] = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
  context.save();
  context.globalAlpha *= Number(style.opacity);
  if (style.overflowX !== 'visible' && !(element instanceof HTMLCanvasElement)) {
    context.beginPath();
    context.rect(x, y, width, height);
    context.clip();
  }
  context.fillStyle = style.backgroundColor;
  context.fillRect(x, y, width, height);
  if (element instanceof HTMLCanvasElement) {
    if (element.width && element.height) context.drawImage(element, x, y, width, height);
  } else {
    for (const child of element.childNodes) {
      if (child instanceof Element) drawElement(context, child, left, top, ratio);
      else if (child instanceof Text && child.data.trim()) drawText(context, child, style, left, top, ratio);
    }
  }
  context.restore();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Text} text of one line
 * @param {CSSStyleDeclaration} style
 * @param {number} left
 * @param {number} top
 * @param {number} ratio
 */
function drawText(context, text, style, left, top, ratio) {
  const range = document.createRange();
  range.selectNodeContents(text);
  const box = range.getBoundingClientRect();
  context.fillStyle = style.color;
  context.font = `${style.fontStyle} ${style.fontWeight} ${parseFloat(style.fontSize) * ratio}px ${style.fontFamily}`;
  context.textBaseline = 'middle';
  context.fillText(text.data.trim(), (box.left - left) * ratio, ((box.top + box.bottom) / 2 - top) * ratio);
}

/** @param {App} app @returns {Promise<void>} */
export async function savePicture(app) {
  const canvas = composePicture(app);
  const blob = await new Promise((resolve) => {
    canvas.toBlob(resolve, 'image/png');
  });
  if (!(blob instanceof Blob)) {
    app.announce('The picture is too large for this browser. Make the window smaller, or hide panels.');
    return;
  }
  const { leftColumn, columns } = app.frame();
  download(fileName([app.figure().label, `columns ${leftColumn}-${leftColumn + columns}`], 'png'), [blob], 'image/png');
}
