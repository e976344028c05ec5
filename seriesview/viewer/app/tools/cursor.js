/** @file What the cursor is on: time and values; and the cursor moved by keys. */

import { columnOfTime, panFrame, timeOfColumn } from '../../geometry/timeline.js';
import { make } from '../elements.js';
import { nameOf } from './eventList.js';
import { exactText } from './times.js';
import { placedLabel, precisionOfChannel, rangeText, shownUnitOf } from './values.js';

/** @typedef {import('../app.js').App} App */
/** @typedef {import('../app.js').Pointed} Pointed */
/** @typedef {import('../../types.js').ReadOut} ReadOut */
/**
 * @typedef {object} Cursor
 * @property {(columns: number, lanes: number) => void} step
 * @property {(columns: number) => void} extend step, and select from where it was first
 * @property {(time: number) => void} put at a view time
 * @property {() => Pointed} own where keys or a jump put it; null: it is where the pointer is, or nowhere
 */

const MOST_VALUES = 6;
/** Milliseconds without moving until values are read again. */
const REST = 120;

/** @param {App} app @returns {Cursor} */
export function installCursor(app) {
  /** Where it was put by keys, or null; `time` is where it stays while the picture moves. */
  let own = /** @type {Pointed} */ (null);
  let asked = /** @type {Pointed} */ (null);
  let isAsking = false;
  let isMoving = false;
  let timer = 0;
  /** Where a selection by keys began, view time. */
  let anchor = NaN;
  const box = make('div', { className: 'tools-readout', hidden: true, 'aria-hidden': 'true' });
  app.element.append(box);

  /** One question at a time. */
  const ask = async () => {
    const now = app.pointed();
    if (isAsking || !now || now === asked) return;
    isAsking = true;
    asked = now;
    const question = { name: /** @type {const} */ ('readOut'), key: now.host.key, column: now.column, row: now.y };
    /** @type {ReadOut | null} */
    const answer = await app.ask(question).catch(() => null);
    isAsking = false;
    const { samplesPerColumn, columnsPerSample } = app.frame();
    const column = samplesPerColumn / columnsPerSample / app.timeline().ticksPerSecond;
    if (answer?.kind === 'range' && Math.abs(answer.time - now.time) > 2 * column) {
      // The worker was still at another zoom.
      asked = null;
      askAtRest();
      return;
    }
    if (app.pointed()) show(now, answer);
    ask();
  };
  const askAtRest = () => {
    box.hidden = true;
    clearTimeout(timer);
    timer = setTimeout(ask, REST);
  };
  const show = (/** @type {NonNullable<Pointed>} */ now, /** @type {ReadOut | null} */ answer) => {
    const { startTime, ticksPerSecond } = app.timeline();
    const time = answer?.kind === 'sample' ? answer.time : now.time;
    const tick = (time - startTime) * ticksPerSecond;
    const stored = app.figure().series[now.host.panel.seriesUri ?? ''];
    const manifest = (answer?.isRaw ? null : now.host.manifest()) ?? stored;
    const rate = manifest?.sampling_frequency;
    const isTick = answer?.kind === 'sample' && rate === ticksPerSecond && Math.abs(tick - Math.round(tick)) < 1e-3;
    const when = `${exactText(app, time, answer?.kind === 'sample' ? rate && 1 / rate : undefined)}${isTick ? `  #${Math.round(tick)}` : ''}`;
    const values = answer?.values ?? [];
    const texts = values
      .slice(0, MOST_VALUES)
      .map((value) => [
        placedLabel(now.host, value),
        value.exact !== undefined
          ? `${value.exact} ${value.unit}`.trim()
          : rangeText(value, shownUnitOf(now.host, value.id, value.unit), precisionOfChannel(manifest, value.id)),
      ]);
    const raw = answer?.isRaw ? [make('small', {}, 'raw, not filtered')] : [];
    const more = values.length > MOST_VALUES ? [make('small', {}, `and ${values.length - MOST_VALUES} more`)] : [];
    const events = (answer?.events ?? [])
      .slice(0, MOST_VALUES)
      .map(({ uri, label }) => [`${nameOf(app, uri)} ${label}`, '']);
    const all = [...texts.slice(0, 1), ...events, ...texts.slice(1)].flat();
    box.replaceChildren(make('b', {}, when), ...all.map((text) => make('span', {}, text)), ...more, ...raw);
    box.hidden = false;
    const picture = now.host.picture.getBoundingClientRect();
    const [x, y] = [picture.left + now.x / app.pixelRatio(), picture.top + now.y / app.pixelRatio()];
    const { offsetWidth: width, offsetHeight: height } = box;
    box.style.left = `${x + width + 14 > innerWidth ? x - width - 14 : x + 14}px`;
    box.style.top = `${y + height + 14 > innerHeight ? Math.max(y - height - 14, 0) : y + 14}px`;
    if (now === own)
      app.announce([when, ...[...texts.slice(0, 3), ...events.slice(0, 3)].map((pair) => pair.join(' '))].join(', '));
  };
  app.on('pointer', (pointed) => {
    if (pointed !== own) own = null;
    if (!pointed) box.hidden = true;
    else if (isMoving || app.element.classList.contains('is-panning')) askAtRest();
    else ask();
  });
  // At its time where keys put it, else at the pointer.
  app.on('frame', ({ leftColumn }) => {
    const now = app.pointed();
    if (!now) return;
    const column = own ? columnAt(own.time) : leftColumn + now.x;
    if (column === now.column && column - leftColumn === now.x) return;
    isMoving = true;
    put({ ...now, column }, now === own, own?.time);
    isMoving = false;
  });
  document.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape' && own && !document.querySelector('dialog[open]')) app.point(null);
  });

  const columnAt = (/** @type {number} */ time) => Math.floor(columnOfTime(app.timeline(), app.frame(), time) + 1e-6);
  const timeAt = (/** @type {number} */ column) => timeOfColumn(app.timeline(), app.frame(), column);
  const put = (/** @type {NonNullable<Pointed>} */ start, isOwn = true, time = timeAt(start.column)) => {
    const pointed = { ...start, x: start.column - app.frame().leftColumn, time };
    if (isOwn) own = pointed;
    app.point(pointed);
  };
  /** @returns {Pointed} where it is, else in the middle of the panel that keys act on */
  const place = () => {
    const host = app.activePanel();
    const column = app.frame().leftColumn + Math.floor(app.frame().columns / 2);
    return app.pointed() ?? (host && { host, x: 0, y: 0, column, time: 0 });
  };
  const step = (/** @type {number} */ columns, /** @type {number} */ lanes) => {
    const start = place();
    if (!start) return;
    const all = app
      .panels()
      .filter((host) => !host.settings().hidden)
      .flatMap((host) =>
        (host.painted?.lanes.length ? host.painted.lanes : [{ center: 0 }]).map(({ center }) => ({
          host,
          y: Math.min(Math.max(Math.round(center), 0), host.canvas.height - 1),
        })),
      );
    const distances = all.map(({ host, y }) => (host === start.host ? Math.abs(y - start.y) : Infinity));
    const nearest = distances.indexOf(Math.min(...distances));
    const lane = lanes ? all[Math.min(Math.max(nearest + lanes, 0), all.length - 1)] : {};
    const frame = app.frame();
    const x = start.column + columns - frame.leftColumn;
    const screen = Math.sign(columns) * frame.columns;
    if (x < 0 || x >= frame.columns) app.moveTo(panFrame(app.timeline(), frame, screen / 4));
    put({ ...start, ...lane, column: start.column + columns });
  };
  return {
    step,
    own: () => own,
    put(time) {
      const start = place();
      if (start) put({ ...start, column: columnAt(time) }, true, time);
    },
    extend(columns) {
      const from = app.pointed();
      step(columns, 0);
      const to = app.pointed();
      if (!to) return;
      if (!app.selection() || Number.isNaN(anchor)) anchor = (from ?? to).time;
      const edge = to.column + (to.time >= anchor ? 1 : 0);
      app.setSelection({ start: anchor, end: timeAt(edge) });
    },
  };
}
