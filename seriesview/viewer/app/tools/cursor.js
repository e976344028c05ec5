/** @file What the cursor is on: time and values; and the cursor moved by keys. */

import { columnOfTime, panFrame, timeOfColumn } from '../../geometry/timeline.js';
import { make } from '../elements.js';
import { readable } from './exporting.js';
import { exactText } from './times.js';

/** @typedef {import('../app.js').App} App */
/** @typedef {import('../app.js').Pointed} Pointed */
/** @typedef {import('../../types.js').ReadOut} ReadOut */
/**
 * @typedef {object} Cursor
 * @property {(columns: number, lanes: number) => void} step
 * @property {(time: number) => void} put at a view time
 * @property {(columns: number) => void} extend step, and select from where it was first
 */

const MOST_VALUES = 12;

/**
 * @param {App} app
 * @returns {Cursor}
 */
export function installCursor(app) {
  let isByKeys = false;
  let isMoving = false;
  let isAsking = false;
  /** @type {Pointed} */
  let asked = null;
  /** @type {number | null} where a selection by keys began */
  let anchor = null;
  const box = make('div', { className: 'tools-readout', hidden: true, 'aria-hidden': 'true' });
  app.element.append(box);

  const ask = async () => {
    const now = app.pointed();
    if (isAsking || !now || now === asked) return;
    isAsking = true;
    asked = now;
    /** @type {ReadOut | null} */
    let answer = null;
    try {
      answer = await app.ask({ name: 'readOut', key: now.host.key, column: now.column, row: now.y });
    } catch { /* The panel says what is wrong. */ }
    isAsking = false;
    if (app.pointed()) show(now, answer);
    ask();
  };
  const show = (/** @type {NonNullable<Pointed>} */ now, /** @type {ReadOut | null} */ answer) => {
    const timeline = app.timeline();
    const time = answer?.time ?? now.time;
    let when = exactText(app, time);
    const tick = (time - timeline.startTime) * timeline.ticksPerSecond;
    if (answer?.kind === 'sample' && Math.abs(tick - Math.round(tick)) < 1e-3) when += `  #${Math.round(tick)}`;
    const values = answer?.values ?? [];
    const texts = values.slice(0, MOST_VALUES).map(({ label, unit, low, high }) => [label, low === null
      ? 'no data' : `${readable(low)}${low === high ? '' : ` \u2026 ${readable(high)}`} ${unit}`]);
    const more = values.length - texts.length;
    box.replaceChildren(make('b', {}, when), ...texts.flatMap((pair) => pair.map((text) => make('span', {}, text))),
      ...more > 0 ? [make('small', {}, `and ${more} more`)] : []);
    box.hidden = false;
    const picture = now.host.picture.getBoundingClientRect();
    const left = picture.left + now.x / app.pixelRatio() + 14;
    const top = picture.top + now.y / app.pixelRatio() + 14;
    const { width, height } = box.getBoundingClientRect();
    box.style.left = `${left + width > innerWidth ? left - width - 28 : left}px`;
    box.style.top = `${Math.max(0, top + height > innerHeight ? top - height - 28 : top)}px`;
    if (isByKeys) app.announce([when, ...texts.slice(0, 3).map((pair) => pair.join(' '))].join(', '));
  };
  const point = (/** @type {Pointed} */ pointed) => {
    isMoving = true;
    app.point(pointed);
    isMoving = false;
  };
  app.on('pointer', (pointed) => {
    if (!isMoving) isByKeys = false;
    if (pointed) ask();
    else box.hidden = true;
  });
  // By keys it stays at its time, else at the pointer.
  app.on('frame', (frame) => {
    const now = app.pointed();
    if (!now) return;
    const column = isByKeys ? columnAt(now.time) : frame.leftColumn + now.x;
    if (column - frame.leftColumn !== now.x || column !== now.column) at(now, column);
  });
  app.on('view', () => void (box.hidden = true));

  /** @returns {Pointed} */
  const place = () => {
    const host = app.activePanel();
    const x = Math.floor(app.frame().columns / 2);
    return app.pointed() ?? (host && { host, x, y: 0, column: app.frame().leftColumn + x, time: 0 });
  };
  const columnAt = (/** @type {number} */ time) => Math.floor(columnOfTime(app.timeline(), app.frame(), time) + 1e-6);
  const at = (/** @type {NonNullable<Pointed>} */ start, /** @type {number} */ column) => point({
    ...start, column, x: column - app.frame().leftColumn, time: timeOfColumn(app.timeline(), app.frame(), column),
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && isByKeys && !document.querySelector('dialog[open]')) point(null);
  });
  /** @type {Cursor} */
  const cursor = {
    put(time) {
      const start = place();
      isByKeys = true;
      if (start) at(start, columnAt(time));
    },
    extend(columns) {
      const from = app.pointed();
      cursor.step(columns, 0);
      const to = app.pointed();
      if (!to) return;
      if (!app.selection()) anchor = null;
      anchor ??= (from ?? to).time;
      const edge = timeOfColumn(app.timeline(), app.frame(), to.column + (to.time >= anchor ? 1 : 0));
      app.setSelection({ start: anchor, end: edge });
    },
    step(columns, lanes) {
      const start = place();
      if (!start) return;
      const hosts = app.panels().filter((host) => !host.settings().hidden);
      const all = hosts.flatMap((host) => (host.painted?.lanes.length ? host.painted.lanes : [{ center: 0 }])
        .map(({ center }) => ({ host, y: Math.min(Math.max(Math.round(center), 0), host.canvas.height - 1) })));
      const distance = (/** @type {{host: any, y: number}} */ lane) => (
        lane.host === start.host ? Math.abs(lane.y - start.y) : Infinity);
      const nearest = all.reduce((best, lane) => (distance(lane) < distance(best) ? lane : best), all[0]);
      const lane = all[Math.min(Math.max(all.indexOf(nearest) + lanes, 0), all.length - 1)];
      const column = start.column + columns;
      const frame = app.frame();
      const x = column - frame.leftColumn;
      if (x < 0 || x >= frame.columns) app.moveTo(panFrame(app.timeline(), frame, (Math.sign(columns) * frame.columns) / 4));
      isByKeys = true;
      at({ ...start, ...lanes ? lane : {} }, column);
    },
  };
  return cursor;
}
