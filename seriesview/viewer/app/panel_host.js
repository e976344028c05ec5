/** @file One panel: its title, labels, picture, overlay, and the handle that resizes it. */

import { quantityText } from '../geometry/ticks.js';
import { createAbsence } from './absence.js';
import { createBadge } from './badge.js';
import { createCutMarks, cutWords } from './cuts.js';
import { clearCanvas, iconButton, make } from './elements.js';
import { drawGutter } from './gutter.js';
import { shownManifest } from './filtering.js';
import { hasPath, pathSide } from './heights.js';
import { createOverLines } from './over_lines.js';
import { createStandIn, place as placeIn } from './stand_in.js';
import { HEIGHTS, idsOver, readSettings } from './state.js';
import { createHatching } from './unbuilt.js';

/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('../types.js').Painted} Painted */
/** @typedef {import('../types.js').Panel} Panel */
/** @typedef {import('../types.js').PanelRequest} PanelRequest */
/** @typedef {import('../types.js').PanelSettings} PanelSettings */
/** @typedef {import('./app.js').App} App */
/**
 * @typedef {object} PanelHost
 * @property {string} key
 * @property {Panel} panel
 * @property {number} numChannels of its series, shown or not
 * @property {() => import('../types.js').SeriesManifest | null} manifest of what it shows: its series, as its steps make it
 * @property {HTMLElement} element the whole panel
 * @property {HTMLElement} actions in its title, to add buttons to
 * @property {HTMLElement} picture holds both canvases; gets the focus
 * @property {HTMLCanvasElement} canvas holds exactly painted.pixels
 * @property {HTMLCanvasElement} overlay over the canvas, as large; nothing is drawn there but by tools
 * @property {Painted | null} painted
 * @property {() => PanelSettings} settings a copy
 * @property {(changes: Partial<PanelSettings>, isGradual?: boolean) => void} set merges; undefined: the default.
 *   isGradual: one of many small changes, which are one step of the browser's history
 * @property {(settings: PanelSettings) => void} replaceSettings tells nobody
 * @property {() => number} height of the picture, CSS pixels
 * @property {(height: number) => void} setHeight CSS pixels
 * @property {() => PanelRequest | null} request null: nothing is to be painted
 * @property {(frame: Frame) => void} place shows the picture that there is where it belongs in a frame
 * @property {(painted: Painted, frame: Frame) => void} show
 * @property {(text: string) => void} hint what is to be known of it beside what its picture says
 * @property {(order: number) => boolean} isDone the picture of that order is complete or failed
 * @property {() => void} redraw the labels
 * @property {() => void} remove
 */

const CLOSE = 'M4 4l8 8M12 4l-8 8';
const STEP = 16;

/**
 * @param {App} app
 * @param {Panel} panel
 * @param {PanelSettings} initial
 * @param {{changing: () => void, changed: (host: PanelHost) => void, retry: () => void}} answers `changing` is called
 *   before settings change at a stroke, `changed` after any change, `retry` where the user wants it
 * @returns {PanelHost}
 */
export function createPanelHost(app, panel, initial, answers) {
  let settings = initial;
  let height = 0;
  /** What is to be known of the picture, and of what lies over all panels. @type {(string | null | undefined)[]} */
  let said = [];
  let hint = '';
  /** What the labels were drawn from. */
  let drawn = '';
  const manifest = panel.seriesUri === null ? null : app.figure().series[panel.seriesUri];
  const ids = new Set(manifest?.channels.map((channel) => channel.id));
  const over = idsOver(panel, app.figure());
  const name = panel.label || panel.type;
  const gutter = make('canvas', { className: 'gutter', 'aria-hidden': 'true' });
  const canvas = make('canvas', { className: 'pixels', role: 'img', 'aria-label': name });
  const overlay = make('canvas', { className: 'overlay', 'aria-hidden': 'true' });
  const standIn = createStandIn();
  const properties = { className: 'picture is-empty', tabIndex: 0, role: 'group', 'aria-label': name };
  const hatching = createHatching();
  const lines = createOverLines();
  const badge = createBadge(app, () => host.set({ isRaw: settings.isRaw ? undefined : true }));
  const layers = [standIn.canvas, canvas, hatching.canvas, lines.canvas, overlay, badge.notice];
  const picture = make('div', properties, ...layers);
  const card = make('div', { className: 'card', role: 'alert', hidden: true });
  const absence = createAbsence(app, panel);
  const body = make('div', { className: 'panel-body' }, gutter, picture, absence.element, card);
  const cuts = createCutMarks();
  const notes = make('span', { className: 'notes' });
  const busy = make('span', { className: 'busy', hidden: true, 'aria-hidden': 'true' }, 'Loading\u2026');
  const actions = make('div', { className: 'panel-actions' });
  const hide = iconButton(`Hide ${name}`, CLOSE, () => host.set({ hidden: true }));
  const warned = manifest?.notes.length ? noteMark(manifest.notes, name) : [];
  const parts = [make('h2', {}, name), badge.element, ...warned, busy, notes, actions, hide, cuts.above];
  const bar = make('div', { className: 'panel-bar' }, ...parts);
  const handle = make(
    'div',
    {
      className: 'handle',
      tabIndex: 0,
      role: 'separator',
      'aria-orientation': 'horizontal',
      'aria-label': `Height of ${name}`,
      'aria-valuemin': HEIGHTS.least,
      'aria-valuemax': HEIGHTS.most,
      title: 'Drag to resize, double click for the automatic height',
      ondblclick: () => host.set({ height: undefined }),
    },
    cuts.below,
  );
  listenToHandle();

  /** @type {PanelHost} */
  const host = {
    key: panel.key,
    panel,
    numChannels: ids.size,
    manifest: () => manifest && shownManifest(manifest, settings),
    element: make('section', { className: 'panel', 'aria-label': name }, bar, body, handle),
    actions,
    picture,
    canvas,
    overlay,
    painted: null,
    settings: () => structuredClone(settings),
    set(changes, isGradual = false) {
      if (!isGradual) answers.changing();
      settings = readSettings({ ...settings, ...changes }, ids, panel.traits, over);
      badge.update(settings, host.painted);
      answers.changed(host);
    },
    replaceSettings(all) {
      settings = readSettings(all, ids, panel.traits, over);
      badge.update(settings, host.painted);
    },
    height: () => height,
    setHeight(wanted) {
      const pixels = Math.round(wanted * app.pixelRatio());
      height = pixels / app.pixelRatio();
      body.style.height = `${height}px`;
      handle.setAttribute('aria-valuenow', String(Math.round(height)));
      if (host.painted && pixels !== host.painted.height) app.redraw();
    },
    request() {
      if (panel.seriesUri === null || panel.error || settings.hidden) return null;
      const pixelRatio = app.pixelRatio();
      const pixels = Math.max(Math.round(height * pixelRatio), 1);
      const request = { key: panel.key, type: panel.type, seriesUri: panel.seriesUri, height: pixels, pixelRatio };
      const more = { ...(panel.data ? { data: panel.data } : {}), ...(panel.over ? { over: panel.over } : {}) };
      const side = hasPath(host) ? Math.round(pathSide(gutterWidth() / pixelRatio, height) * pixelRatio) : 0;
      return { ...request, settings: structuredClone(settings), ...more, ...(side ? { pathSide: side } : {}) };
    },
    place,
    show(painted, frame) {
      host.painted = painted;
      showCard(painted.error, true);
      absence.update(painted);
      badge.update(settings, painted);
      busy.hidden = painted.isComplete || painted.error !== null;
      if (painted.pixels.byteLength === painted.width * painted.height * 4 && painted.width > 0 && painted.height > 0) {
        draw(painted);
        cuts.draw(painted, app.pixelRatio());
        hatching.draw(painted, app, manifest);
        const how = { ...settings, height: painted.height, isDark: app.isDark() };
        if (painted.isComplete && !painted.unbuilt.length) standIn.keep(canvas, painted, JSON.stringify(how));
      }
      const clock = app.timeline().clockNotes[panel.seriesUri ?? ''];
      said = [cutWords(painted.cut), clock, ...painted.notes, lines.draw(painted, app), ...(panel.overNotes ?? [])];
      tell();
      place(frame);
      if (painted.isComplete) canvas.setAttribute('aria-label', inWords(painted));
      host.redraw();
    },
    hint(text) {
      if (text === hint) return;
      hint = text;
      tell();
    },
    isDone: (order) =>
      !!host.painted && host.painted.number >= order && (host.painted.isComplete || host.painted.error !== null),
    redraw() {
      const ratio = app.pixelRatio();
      const width = gutterWidth();
      const { lanes, valueAxis, path, number } = host.painted ?? {};
      // Each path is another one.
      const wanted = JSON.stringify([
        lanes,
        valueAxis,
        width,
        height,
        ratio,
        app.isDark(),
        path && [number, host.painted?.isComplete],
      ]);
      if (wanted === drawn) return;
      drawn = wanted;
      const context = clearCanvas(gutter, width, Math.max(Math.round(height * ratio), 1), ratio);
      gutter.style.width = '';
      if (host.painted) drawGutter(context, host.painted, { width: width / ratio, height, ratio });
    },
    remove: () => host.element.remove(),
  };
  picture.addEventListener('focus', () => app.activate(host));
  // Names that have no room there are told in full.
  gutter.addEventListener('pointermove', ({ offsetY }) => {
    const row = offsetY * app.pixelRatio();
    const lane = host.painted?.lanes.find(({ top, bottom }) => row >= top && row < bottom);
    gutter.title = lane ? lane.label || lane.id : '';
  });
  if (panel.error || panel.seriesUri === null) showCard(panel.error ?? 'Its series is not in the workspace.', false);
  return host;

  /** @returns {number} device pixels */
  function gutterWidth() {
    return Math.round(parseFloat(app.element.style.getPropertyValue('--gutter')) * app.pixelRatio());
  }

  function tell() {
    const text = [...said, hint].filter(Boolean).join(' \u00b7 ');
    if (notes.textContent !== text) Object.assign(notes, { textContent: text, title: text });
  }

  /** @param {Painted} painted */
  function draw({ width, height: rows, pixels }) {
    for (const each of [canvas, overlay]) {
      if (each.width !== width || each.height !== rows) Object.assign(each, { width, height: rows });
    }
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context?.putImageData(new ImageData(new Uint8ClampedArray(pixels), width, rows), 0, 0);
    picture.classList.remove('is-empty');
  }

  /** @param {Frame} frame */
  function place(frame) {
    const { painted } = host;
    if (!painted) return;
    const ratio = app.pixelRatio();
    const { left, scale } = placeIn(painted.frame, frame);
    const down = height > 0 && painted.height > 0 ? (height * ratio) / painted.height : 1;
    const isInPlace = scale === 1 && left === 0 && Math.abs(down - 1) < 1e-9;
    const transform = isInPlace ? '' : `translateX(${left / ratio}px) scale(${scale}, ${down})`;
    for (const each of [canvas, overlay]) {
      each.style.width = `${painted.width / ratio}px`;
      each.style.height = `${painted.height / ratio}px`;
      if (each.style.transform !== transform) each.style.transform = transform;
    }
    cuts.place(`${painted.width / ratio}px`, transform && `translateX(${left / ratio}px) scaleX(${scale})`);
    for (const each of [hatching, lines])
      each.place(`${painted.width / ratio}px`, `${painted.height / ratio}px`, transform);
    standIn.draw(frame, painted, Math.max(Math.round(height * ratio), 1));
  }

  /** @param {string | null} message @param {boolean} canRetry */
  function showCard(message, canRetry) {
    card.hidden = message === null;
    if (message === null || card.dataset.message === message) return;
    card.dataset.message = message;
    const again = make('button', { type: 'button', onclick: answers.retry }, 'Try again');
    card.replaceChildren(make('p', {}, message), ...(canRetry ? [again] : []));
  }

  /** @param {Painted} painted @returns {string} */
  function inWords({ frame, lanes, valueAxis }) {
    const { leftColumn, columns } = frame;
    const timeline = app.timeline();
    const secondsPerColumn = frame.samplesPerColumn / frame.columnsPerSample / timeline.ticksPerSecond;
    const from = app.timeText(timeline.startTime + leftColumn * secondsPerColumn);
    const to = app.timeText(timeline.startTime + (leftColumn + columns) * secondsPerColumn);
    const axis = valueAxis
      ? `, ${quantityText(valueAxis.low, valueAxis.unit)} to ${quantityText(valueAxis.high, valueAxis.unit)}`
      : '';
    const count = lanes.length > 1 ? `, ${lanes.length} channels` : '';
    return `${name}${count}, from ${from} to ${to}${axis}`;
  }

  function listenToHandle() {
    handle.addEventListener('pointerdown', (event) => {
      const { clientY } = event;
      const before = height;
      let isMoved = false;
      handle.setPointerCapture(event.pointerId);
      handle.onpointermove = (move) => {
        if (!isMoved && Math.abs(move.clientY - clientY) < 2) return;
        host.set({ height: limited(before + move.clientY - clientY) }, isMoved);
        isMoved = true;
      };
      handle.onpointerup = handle.onpointercancel = () => {
        handle.onpointermove = null;
        picture.focus({ preventScroll: true });
      };
    });
    handle.addEventListener('keydown', (event) => {
      const steps = { ArrowUp: -STEP, ArrowDown: STEP, PageUp: -5 * STEP, PageDown: 5 * STEP }[event.key];
      if (steps) host.set({ height: limited(height + steps) }, true);
      else if (event.key === 'Enter') host.set({ height: undefined });
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }
}

/**
 * A mark with what is to be known of how a series was read.
 * @param {string[]} notes
 * @param {string} name of the panel
 * @returns {HTMLElement[]}
 */
function noteMark(notes, name) {
  const title = notes.join('\n');
  const list = make('ul', { className: 'warnings', popover: 'auto' }, ...notes.map((note) => make('li', {}, note)));
  const label = `${notes.length > 1 ? `${notes.length} notes` : 'A note'} on ${name}`;
  const show = () => list.togglePopover();
  /** @param {KeyboardEvent} event Escape means something to the page, too */
  const onkeydown = (event) => {
    if (event.key !== 'Escape' || !list.matches(':popover-open')) return;
    event.preventDefault();
    list.hidePopover();
  };
  const mark = { type: 'button', className: 'warned', title, 'aria-label': label, onclick: show, onkeydown };
  return [make('button', mark, '\u26a0'), list];
}

/** @param {number} height @returns {number} */
function limited(height) {
  return Math.min(Math.max(Math.round(height), HEIGHTS.least), HEIGHTS.most);
}
