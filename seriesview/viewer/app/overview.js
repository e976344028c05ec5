/** @file The whole session in one strip: RMS of all channels, gaps, and the visible range as a window to drag. */

import { panFrame, timesOf } from '../geometry/timeline.js';
import { clearCanvas, make, styleValue } from './elements.js';

/** @typedef {import('../types.js').Overview} Overview */
/** @typedef {import('./app.js').App} App */
/** @typedef {import('./bands.js').Interval} Interval */

const HEIGHT = 40;
const COLUMNS = 1024;
const LEAST = 5;
const EDGE = 9;

/**
 * @param {App} app
 * @param {HTMLElement} row
 * @param {() => void} failed
 * @returns {{draw: () => void, load: () => void}}
 */
export function createOverview(app, row, failed) {
  const canvas = make('canvas', { role: 'img', 'aria-label': 'Overview of the whole session' });
  const visible = make('div', {
    className: 'window',
    tabIndex: 0,
    role: 'slider',
    'aria-label': 'Visible range',
    'aria-orientation': 'horizontal',
    'aria-valuemin': 0,
    'aria-valuemax': 100,
  });
  const strip = make('div', { className: 'overview-strip' }, canvas, visible);
  const title = make('div', { className: 'gutter name' }, 'Overview');
  row.append(title, strip);
  /** @type {Overview | null} */
  let overview = null;
  /** Stages of sleep: their lanes, and the intervals. @type {{lanes: string[], intervals: Interval[]} | null} */
  let stages = null;
  let loaded = 0;
  let picture = '';

  async function load() {
    loaded += 1;
    const mine = loaded;
    try {
      const found = await app.ask({ name: 'overview', columns: COLUMNS });
      if (mine !== loaded) return;
      overview = found;
      title.title = 'Root mean square of each channel over the whole session';
      stages = await stagesOf();
      if (mine !== loaded) return;
      if (stages) title.title = `${stages.lanes.join(', ')} from the top; behind them r${title.title.slice(1)}`;
      title.textContent = stages ? 'Hypnogram' : 'Overview';
    } catch (error) {
      if (mine !== loaded) return;
      overview = null;
      title.title = `No overview: ${error instanceof Error ? error.message : error}`;
      failed();
    }
    picture = '';
    draw();
  }

  /** Of the first panel of lanes in an order of the view's own, which stages have. */
  async function stagesOf() {
    const { panels } = app.figure().views[app.state().view];
    const panel = panels.find(({ traits, data }) => traits.replacesBands && Array.isArray(data?.lanes));
    if (!panel?.seriesUri) return null;
    const lanes = /** @type {string[]} */ (panel.data?.lanes);
    return { lanes, intervals: await app.ask({ name: 'intervals', uri: panel.seriesUri }) };
  }

  /** @returns {{firstTime: number, seconds: number, width: number}} width: CSS pixels */
  function scale() {
    const { firstTime, endTime } = app.timeline();
    return { firstTime, seconds: endTime - firstTime, width: app.frame().columns / app.pixelRatio() };
  }

  function draw() {
    if (!app.frame()) return;
    const { firstTime, seconds, width } = scale();
    const wanted = [width, app.pixelRatio(), app.isDark(), overview?.columns, !!stages].join();
    if (wanted !== picture) drawPicture();
    picture = wanted;
    const { startTime, endTime } = timesOf(app.timeline(), app.frame());
    const [from, to] = [startTime, endTime].map(
      (time) => Math.min(Math.max((time - firstTime) / seconds, 0), 1) * width,
    );
    const long = Math.max(to - from, LEAST);
    visible.style.transform = `translateX(${Math.min(Math.max((from + to - long) / 2, 0), width - long)}px)`;
    visible.style.width = `${long}px`;
    const middle = Math.round((100 * ((startTime + endTime) / 2 - firstTime)) / seconds);
    visible.setAttribute('aria-valuenow', String(Math.min(Math.max(middle, 0), 100)));
    visible.setAttribute('aria-valuetext', `${app.timeText(startTime)} to ${app.timeText(endTime)}`);
  }

  function drawPicture() {
    const { firstTime, seconds, width } = scale();
    const context = clearCanvas(canvas, app.frame().columns, Math.round(HEIGHT * app.pixelRatio()), app.pixelRatio());
    context.fillStyle = styleValue('--missing');
    if (!overview) return;
    const { columns, channels } = overview;
    const from = ((overview.firstTime - firstTime) / seconds) * width;
    const long = ((overview.endTime - overview.firstTime) / seconds) * width;
    if (channels.length) {
      const image = rmsImage(overview, ['--rms-low', '--rms-high'].map(styleValue));
      const small = Object.assign(document.createElement('canvas'), { width: columns, height: channels.length });
      small.getContext('2d')?.putImageData(image, 0, 0);
      context.imageSmoothingQuality = 'high';
      context.globalAlpha = stages ? 0.4 : 1;
      context.drawImage(small, from, 0, long, HEIGHT);
      context.globalAlpha = 1;
    }
    if (stages) drawSteps(context, stages, (time) => ((time - firstTime) / seconds) * width);
    for (const gap of overview.gaps) {
      const x = ((gap.start - firstTime) / seconds) * width;
      context.fillRect(x, 0, Math.max(((gap.end - gap.start) / seconds) * width, 1), HEIGHT);
    }
  }

  strip.addEventListener('pointerdown', (event) => {
    if (!app.frame() || event.button > 0) return;
    const { firstTime, seconds, width } = scale();
    const box = strip.getBoundingClientRect();
    const timeAt = (/** @type {number} */ clientX) => firstTime + ((clientX - box.left) / width) * seconds;
    const shape = visible.getBoundingClientRect();
    const isInside = event.clientX >= shape.left - 2 && event.clientX <= shape.right + 2;
    const edge = shape.width < 3 * EDGE || !isInside ? null : edgeAt(event.clientX, shape);
    if (!isInside) centre(timeAt(event.clientX));
    const frame = app.frame();
    const before = timesOf(app.timeline(), frame);
    const perColumn = (before.endTime - before.startTime) / frame.columns;
    strip.setPointerCapture(event.pointerId);
    strip.onpointermove = (move) => {
      const time = timeAt(move.clientX);
      if (edge === 'start') return app.showRange(Math.min(time, before.endTime - perColumn), before.endTime);
      if (edge === 'end') return app.showRange(before.startTime, Math.max(time, before.startTime + perColumn));
      app.moveTo(panFrame(app.timeline(), frame, Math.round((time - timeAt(event.clientX)) / perColumn)));
    };
    strip.onpointerup = strip.onpointercancel = () => {
      strip.onpointermove = null;
    };
  });

  strip.addEventListener('pointermove', (event) => {
    const shape = visible.getBoundingClientRect();
    const isEdge = shape.width >= 3 * EDGE && edgeAt(event.clientX, shape);
    strip.style.cursor = isEdge ? 'ew-resize' : '';
  });

  /** @param {number} time */
  function centre(time) {
    const frame = app.frame();
    const { startTime, endTime } = timesOf(app.timeline(), frame);
    const columns = ((time - (startTime + endTime) / 2) / (endTime - startTime)) * frame.columns;
    app.moveTo(panFrame(app.timeline(), frame, Math.round(columns)));
  }

  return { draw, load };
}

/**
 * A line that goes from stage to stage, the first lane at the top.
 * @param {CanvasRenderingContext2D} context
 * @param {{lanes: string[], intervals: Interval[]}} stages
 * @param {(time: number) => number} xOf CSS pixels of a view time
 */
function drawSteps(context, { lanes, intervals }, xOf) {
  context.beginPath();
  let last = -Infinity;
  for (const { start, end, label } of intervals) {
    const lane = lanes.indexOf(label);
    if (lane < 0) continue;
    const y = ((lane + 0.5) / lanes.length) * HEIGHT;
    const from = xOf(start);
    if (from - last > 1) context.moveTo(from, y);
    else context.lineTo(from, y);
    context.lineTo(xOf(end), y);
    last = xOf(end);
  }
  context.lineWidth = 1.5;
  context.strokeStyle = styleValue('--text');
  context.stroke();
}

/** @param {number} x @param {DOMRect} shape @returns {'start' | 'end' | null} */
function edgeAt(x, shape) {
  if (Math.abs(x - shape.left) < EDGE) return 'start';
  return Math.abs(x - shape.right) < EDGE ? 'end' : null;
}

/**
 * Brighter (or darker) is louder, by the logarithm, between the quietest and the loudest that are no exceptions.
 * @param {Overview} overview
 * @param {string[]} colours two, #rrggbb
 * @returns {ImageData} (channels, columns)
 */
function rmsImage({ rms, columns, channels }, colours) {
  const sorted = rms.filter((value) => value > 0 && value < Infinity).sort();
  const low = Math.log(sorted[Math.floor(sorted.length * 0.02)] ?? 1);
  const high = Math.log(sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 1);
  const [from, to] = colours.map((colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
  const image = new ImageData(columns, channels.length);
  for (let index = 0; index < rms.length; index += 1) {
    const value = rms[index];
    if (Number.isNaN(value)) continue;
    const part = high > low ? Math.min(Math.max((Math.log(Math.max(value, 1e-300)) - low) / (high - low), 0), 1) : 0.4;
    for (let colour = 0; colour < 3; colour += 1) {
      image.data[4 * index + colour] = from[colour] + (to[colour] - from[colour]) * part;
    }
    image.data[4 * index + 3] = 255;
  }
  return image;
}
