/** @file The axis of time below the panels, the faint lines of its ticks behind them, and the range in words. */

import { columnOfTime, timesOf } from '../geometry/timeline.js';
import { durationText, formatTime, timeTicks, zoomText } from '../geometry/ticks.js';
import { clearCanvas, make, styleValue } from './elements.js';

/** @typedef {import('../geometry/ticks.js').TimeMode} TimeMode */
/** @typedef {import('./app.js').App} App */

const HEIGHT = 32;
/** @type {Record<TimeMode, string>} */
const NAMES = { seconds: 'seconds', clock: 'hours, minutes and seconds', wall: 'wall-clock time' };

/**
 * @param {App} app
 * @param {() => TimeMode | undefined} chosen
 * @param {{row: HTMLElement, grid: HTMLCanvasElement, range: HTMLElement, zoom: HTMLElement}} places
 * @returns {{draw: () => void, mode: () => TimeMode}}
 */
export function createTimeAxis(app, chosen, { row, grid, range, zoom }) {
  const unit = make('button', { type: 'button', className: 'time-unit', onclick: change });
  const canvas = make('canvas', { className: 'axis', role: 'img' });
  const heard = make('span', { className: 'unseen', role: 'status' });
  row.append(make('div', { className: 'gutter' }, unit), canvas, heard);
  let said = 0;

  /** @returns {TimeMode} */
  function mode() {
    const time = chosen() ?? 'clock';
    return time === 'wall' && !app.timeline().sessionStart ? 'clock' : time;
  }

  function change() {
    /** @type {TimeMode[]} */
    const modes = app.timeline().sessionStart ? ['seconds', 'clock', 'wall'] : ['seconds', 'clock'];
    const time = modes[(modes.indexOf(mode()) + 1) % modes.length];
    app.update({ time });
    app.announce(`Times in ${NAMES[time]}`);
  }

  function draw() {
    const frame = app.frame();
    const timeline = app.timeline();
    const ratio = app.pixelRatio();
    const { startTime, endTime } = timesOf(timeline, frame);
    const width = frame.columns / ratio;
    const context = clearCanvas(canvas, frame.columns, Math.round(HEIGHT * ratio), ratio);
    const lines = clearCanvas(grid, frame.columns, 1, ratio);
    grid.style.height = '';
    lines.setTransform(1, 0, 0, 1, 0, 0);
    const found = timeTicks(startTime, endTime, width, mode(), timeline.sessionStart);
    const [line, text, muted] = ['--line', '--text', '--muted'].map(styleValue);
    lines.fillStyle = styleValue('--grid');
    context.font = '11px system-ui, sans-serif';
    context.textAlign = 'center';
    context.fillStyle = line;
    context.fillRect(0, 0, width, 1 / ratio);
    for (const { time, label, context: date, isMajor } of found.ticks) {
      const column = Math.floor(columnOfTime(timeline, frame, time) - frame.leftColumn + 1e-6);
      const x = column / ratio;
      context.fillStyle = isMajor ? muted : line;
      context.fillRect(x, 0, 1 / ratio, isMajor ? 6 : 3);
      if (!isMajor) continue;
      lines.fillRect(column, 0, 1, 1);
      const half = context.measureText(label).width / 2;
      context.fillStyle = text;
      if (x >= half && x <= width - half) context.fillText(label, x, 17);
      if (!date) continue;
      const room = context.measureText(date).width / 2 + 1;
      context.fillStyle = muted;
      context.fillText(date, Math.min(Math.max(x, room), width - room), 29);
    }
    if (mode() !== 'wall' && timeline.sessionStart) {
      context.textAlign = 'left';
      context.fillStyle = muted;
      context.fillText(formatTime(startTime, 'wall', timeline.sessionStart, 1), 0, 29);
    }
    unit.textContent = found.unit;
    unit.title = `Times in ${NAMES[mode()]}: press to change`;
    unit.setAttribute('aria-label', unit.title);
    showRange(startTime, endTime);
  }

  /** @param {number} startTime @param {number} endTime */
  function showRange(startTime, endTime) {
    const span = durationText(endTime - startTime);
    const [from, to] = [startTime, endTime].map((time) => app.timeText(time));
    const isSameDay = mode() === 'wall' && from.slice(0, 11) === to.slice(0, 11);
    const ends = `${from} \u2013 ${isSameDay ? to.slice(11) : to}`;
    range.replaceChildren(make('b', {}, ends), ` \u00b7 ${span}`);
    zoom.textContent = zoomText(app.frame());
    clearTimeout(said);
    said = setTimeout(() => {
      heard.textContent = `From ${ends.replace('\u2013', 'to')}, ${span}`;
      canvas.setAttribute('aria-label', `Time axis. ${heard.textContent}`);
    }, 700);
  }

  return { draw, mode };
}
