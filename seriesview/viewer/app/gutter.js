/** @file What stands left of a picture: labels of lanes with a scale bar, or an axis of values. */

import { barLength, scaledUnit, shortNumber, valueTicks } from '../geometry/ticks.js';
import { depthName, depthRuns, depthTicks } from './depths.js';
import { styleValue } from './elements.js';

/** @typedef {import('../types.js').Lane} Lane */
/** @typedef {import('../types.js').Painted} Painted */
/** @typedef {{width: number, height: number, ratio: number}} Size CSS pixels; device pixels a CSS pixel */

const LINE = 12;
/** Lines of text whose middles are nearer run into one another. */
const APART = 10.5;
/** How near to the edge the middle of a line may be. */
const EDGE = 5;
/** How far from the picture the name of an axis is where there is more room than that. */
const NEAR = 84;
const FONT = '10.5px system-ui, sans-serif';

/**
 * @param {CanvasRenderingContext2D} context in CSS pixels
 * @param {Painted} painted
 * @param {Size} size
 */
export function drawGutter(context, painted, size) {
  context.font = FONT;
  context.textBaseline = 'middle';
  context.textAlign = 'right';
  if (painted.valueAxis) drawAxis(context, painted.valueAxis, size);
  else if (painted.lanes.length) {
    const bar = scaleBar(painted.lanes, size);
    const left = painted.path ? drawPath(context, painted.path, size) : bar ? 16 : 2;
    const isByDepth = spacingOf(painted.lanes, size) < LINE && !painted.lanes[0].isNamed;
    const runs = isByDepth ? depthRuns(painted.lanes) : [];
    if (runs.length) drawDepths(context, painted.lanes, runs, size, left);
    else drawLanes(context, painted.lanes, size, left);
    if (bar && !painted.path) drawBar(context, bar, size);
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {NonNullable<Painted['path']>} path
 * @param {Size} size
 * @returns {number} where labels may begin
 */
function drawPath(context, { side, pixels }, { height, ratio }) {
  const image = new ImageData(new Uint8ClampedArray(pixels), side, side);
  const left = Math.round(2 * ratio);
  context.putImageData(image, left, Math.round((height * ratio - side) / 2));
  return (left + side) / ratio + 4;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{unit: string, low: number, high: number}} axis
 * @param {Size} size
 */
function drawAxis(context, { unit, low, high }, { width, height }) {
  const line = styleValue('--line');
  const scaled = scaledUnit(unit, Math.max(Math.abs(low), Math.abs(high)));
  const [bottom, top] = [low * scaled.factor, high * scaled.factor];
  for (const { value, label } of valueTicks(bottom, top, Math.max(Math.floor(height / 22), 1))) {
    const y = height - ((value - bottom) / (top - bottom || 1)) * height;
    context.fillStyle = line;
    context.fillRect(width - 5, Math.min(Math.round(y), height - 1), 5, 1);
    context.fillStyle = styleValue('--muted');
    context.fillText(
      label,
      width - 8,
      Math.min(Math.max(y, LINE / 2), height - LINE / 2),
      Math.min(width - 22, NEAR - 14),
    );
  }
  drawUpright(context, scaled.unit, Math.max(8, width - NEAR), height / 2, height);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Lane[]} lanes
 * @param {Size} size
 * @param {number} left where labels may begin
 */
function drawLanes(context, lanes, { width, height, ratio }, left) {
  const text = styleValue('--text');
  const every = Math.max(Math.ceil(LINE / Math.max(spacingOf(lanes, { width, height, ratio }), 0.01)), 1);
  let last = -Infinity;
  for (let index = 0; index < lanes.length; index += every) {
    const lane = lanes[index];
    const middle = lane.pixelsPerUnit ? lane.center : (lane.top + lane.bottom) / 2;
    const y = Math.min(Math.max(middle / ratio, EDGE), height - EDGE);
    if (Math.abs(y - last) < APART) continue;
    last = y;
    context.fillStyle = lane.color || text;
    context.fillRect(width - 4, Math.round(y) - 1, 4, 2);
    context.fillStyle = text;
    context.fillText(withoutMiddle(context, lane.label || lane.id, width - 8 - left), width - 8, y);
  }
}

/** @param {Lane[]} lanes @param {Size} size @returns {number} from one lane to the next, CSS pixels */
function spacingOf(lanes, { height, ratio }) {
  return lanes.length > 1
    ? Math.abs(lanes[lanes.length - 1].center - lanes[0].center) / (lanes.length - 1) / ratio
    : height;
}

/**
 * Depths along probes, and the names of channels that lie on none.
 * @param {CanvasRenderingContext2D} context
 * @param {Lane[]} lanes
 * @param {import('./depths.js').Run[]} runs
 * @param {Size} size
 * @param {number} left where labels may begin
 */
function drawDepths(context, lanes, runs, { width, height, ratio }, left) {
  /** @type {number[]} */
  const taken = [];
  const write = (/** @type {number} */ row, /** @type {string} */ label) => {
    const y = Math.min(Math.max(row / ratio, EDGE), height - EDGE);
    if (taken.some((other) => Math.abs(other - y) < APART)) return;
    taken.push(y);
    context.fillStyle = styleValue('--line');
    context.fillRect(width - 5, Math.min(Math.round(row / ratio), height - 1), 5, 1);
    context.fillStyle = styleValue('--muted');
    context.fillText(withoutMiddle(context, label, width - 8 - left - LINE), width - 8, y);
  };
  for (const run of runs) {
    const [from, to] = [lanes[run.first].top / ratio, lanes[run.last].bottom / ratio];
    const { name, unit } = depthName(run, (text) => context.measureText(text).width <= to - from);
    for (const { row, label } of depthTicks(run, Math.max(Math.floor((to - from) / 22), 1))) write(row, label + unit);
    if (name) drawUpright(context, name, Math.max(left + 6, width - NEAR), (from + to) / 2, to - from);
  }
  const isInRun = (/** @type {number} */ index) => runs.some(({ first, last }) => index >= first && index <= last);
  lanes.forEach(({ top, bottom, label, id }, index) => isInRun(index) || write((top + bottom) / 2, label || id));
}

/**
 * The bar's length, where one length is right for all lanes.
 * @param {Lane[]} lanes
 * @param {Size} size
 * @returns {{pixels: number, label: string} | null}
 */
export function scaleBar(lanes, { height, ratio }) {
  const { pixelsPerUnit, unit, shownUnit } = lanes[0];
  const isSame = lanes.every(
    (lane) => lane.unit === unit && Math.abs(lane.pixelsPerUnit - pixelsPerUnit) <= 1e-9 * pixelsPerUnit,
  );
  if (!isSame || !(pixelsPerUnit > 0) || !Number.isFinite(pixelsPerUnit)) return null;
  const perUnit = pixelsPerUnit / ratio;
  const length = barLength(perUnit, height);
  const shown = shownUnit ?? scaledUnit(unit, length);
  return {
    pixels: length * perUnit,
    label: `${shortNumber(length * shown.factor)}${shown.unit && `\u00a0${shown.unit}`}`,
  };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{pixels: number, label: string}} bar
 * @param {Size} size
 */
function drawBar(context, { pixels, label }, { height }) {
  const bottom = Math.round(height) - 6;
  context.fillStyle = styleValue('--muted');
  context.fillRect(2, bottom - pixels, 2, pixels);
  const long = context.measureText(label).width;
  drawUpright(context, label, 11, Math.min(bottom - pixels / 2, height - long / 2 - 4), height);
}

/** @param {CanvasRenderingContext2D} context @param {string} text @param {number} x @param {number} y @param {number} room */
function drawUpright(context, text, x, y, room) {
  context.save();
  context.translate(x, y);
  context.rotate(-Math.PI / 2);
  context.textAlign = 'center';
  context.fillStyle = styleValue('--muted');
  context.fillText(text, 0, 0, room);
  context.restore();
}

/** @type {CanvasRenderingContext2D | null} */
let measuring = null;

/** @param {string} text @returns {number} CSS pixels of a name in a gutter */
export function textWidth(text) {
  measuring ??= document.createElement('canvas').getContext('2d');
  if (!measuring) return 0;
  measuring.font = FONT;
  return measuring.measureText(text).width;
}

/**
 * A name that is too long loses its middle: names of neighbours often differ in their ends alone.
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} room CSS pixels
 * @returns {string}
 */
export function withoutMiddle(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let length = Math.min(text.length - 1, 60);
  /** @param {number} left how many characters stay */
  const ends = (left) => `${text.slice(0, Math.ceil(left / 2))}…${text.slice(text.length - Math.floor(left / 2))}`;
  while (length > 1 && context.measureText(ends(length)).width > room) length -= 1;
  return ends(length);
}

/**
 * A label in a strip: where there is no room for `Stimulus/S  1`, what tells it from others, S 1; else without its middle.
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} room CSS pixels
 * @returns {string}
 */
export function shortName(context, text, room) {
  const plain = text.replace(/\s+/g, ' ').trim();
  if (context.measureText(plain).width <= room) return plain;
  return withoutMiddle(context, plain.replace(/^[\w ]+\/ ?(?=[^/]+$)/, ''), room);
}
