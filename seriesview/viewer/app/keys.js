/** @file The one table of keys, which the help shows too. */

import { panFrame, timesOf, wholeSession, zoomFrame } from '../geometry/timeline.js';
import { GAINS, fitFrame } from './state.js';

/** @typedef {import('./app.js').App} App */
/**
 * @typedef {object} Key
 * @property {string[]} keys names as KeyboardEvent.key gives them; 'Shift+' before names of more than one letter
 * @property {string} what it does, for the help
 * @property {string} group heading in the help
 * @property {(app: App) => void} run
 */

/** @type {Key[]} */
export const shellKeys = [
  { group: 'Moving', keys: ['ArrowLeft'], what: 'Back by a tenth of the screen', run: (app) => pan(app, -0.1) },
  { group: 'Moving', keys: ['ArrowRight'], what: 'On by a tenth of the screen', run: (app) => pan(app, 0.1) },
  { group: 'Moving', keys: ['Shift+ArrowLeft'], what: 'Back by a column', run: (app) => panColumns(app, -1) },
  { group: 'Moving', keys: ['Shift+ArrowRight'], what: 'On by a column', run: (app) => panColumns(app, 1) },
  { group: 'Moving', keys: ['PageUp'], what: 'Back by a screen', run: (app) => pan(app, -1) },
  { group: 'Moving', keys: ['PageDown'], what: 'On by a screen', run: (app) => pan(app, 1) },
  { group: 'Moving', keys: ['Home'], what: 'Beginning of the session', run: (app) => goToEnd(app, 'first') },
  { group: 'Moving', keys: ['End'], what: 'End of the session', run: (app) => goToEnd(app, 'last') },
  { group: 'Zoom', keys: ['+', '='], what: 'Closer, at the cursor', run: (app) => zoom(app, 1) },
  { group: 'Zoom', keys: ['-', '_'], what: 'Further out', run: (app) => zoom(app, -1) },
  { group: 'Zoom', keys: ['0'], what: 'The whole session', run: showAll },
  { group: 'Zoom', keys: ['1'], what: 'The page on which the view opens, from the left edge', run: showPage },
  { group: 'Panels', keys: ['ArrowUp'], what: 'More gain', run: (app) => changeGain(app, 1.25) },
  { group: 'Panels', keys: ['ArrowDown'], what: 'Less gain', run: (app) => changeGain(app, 0.8) },
  { group: 'Panels', keys: ['Shift+ArrowUp'], what: 'Automatic gain', run: (app) => changeGain(app, 0) },
  { group: 'Dragging', keys: ['v'], what: 'Drag to move', run: (app) => app.setDragMode('pan') },
  {
    group: 'Dragging',
    keys: ['b'],
    what: 'Drag to zoom to a box (or with Shift)',
    run: (app) => app.setDragMode('zoom'),
  },
  {
    group: 'Dragging',
    keys: ['s'],
    what: 'Drag to select a span (or with Alt)',
    run: (app) => app.setDragMode('select'),
  },
  { group: 'Dragging', keys: ['Escape'], what: 'Drop the selection', run: (app) => app.setSelection(null) },
];

/** What moves without a key, for the help: what to do and what it does. */
export const gestures = [
  ['Wheel', 'Zoom at the cursor'],
  ['Shift and wheel, or wheel sideways', 'Move'],
  ['Alt and wheel', 'Gain of the panel'],
  ['Drag', 'Move'],
  ['Shift and drag', 'Zoom to a box'],
  ['Alt and drag, or drag the time axis', 'Select a span'],
  ['Double click', 'Closer; with Alt further out'],
  ['One finger, two fingers, a tap', 'Move, zoom, read out'],
  ['Overview', 'Click to jump; drag the window or its edges'],
];

const TYPING = 'input, textarea, dialog, [contenteditable]';

/** @param {App} app */
export function listenToKeys(app) {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !app.frame()) return;
    const target = event.target instanceof Element ? event.target : null;
    // Not of a list that has just given its keys back.
    const isHeld = target?.matches('select') ? target === document.activeElement : target?.closest(TYPING);
    if (isHeld) return;
    const name = (event.shiftKey && event.key.length > 1 ? 'Shift+' : '') + event.key;
    const key = app.keys().find(({ keys }) => keys.includes(name));
    if (!key) return;
    event.preventDefault();
    key.run(app);
  });
}

/** @param {App} app @param {number} screens */
export function pan(app, screens) {
  panColumns(app, Math.round(app.frame().columns * screens));
}

/** @param {App} app @param {number} steps of the ladder; above 0: closer */
export function zoom(app, steps) {
  const frame = app.frame();
  app.moveTo(zoomFrame(app.timeline(), frame, steps, app.pointed()?.x ?? Math.floor(frame.columns / 2)));
}

/** @param {App} app */
export function showAll(app) {
  app.moveTo(wholeSession(app.timeline(), app.frame().columns));
}

/** @param {App} app */
function showPage(app) {
  const { page } = app.figure().views[app.state().view];
  const { startTime } = timesOf(app.timeline(), app.frame());
  app.moveTo(fitFrame(app.timeline(), null, app.frame().columns, page, page && startTime));
}

/**
 * @param {App} app
 * @param {number} factor 0: back to automatic
 * @param {import('./panel_host.js').PanelHost | null} [host]
 */
export function changeGain(app, factor, host = app.activePanel()) {
  const gain = Math.min(Math.max((host?.settings().gain ?? 1) * factor || 1, GAINS.least), GAINS.most);
  host?.set({ gain: Math.abs(gain - 1) < 1e-9 ? 1 : gain }, true);
}

/** @param {App} app @param {number} columns */
function panColumns(app, columns) {
  app.moveTo(panFrame(app.timeline(), app.frame(), columns));
}

/** @param {App} app @param {'first' | 'last'} which */
function goToEnd(app, which) {
  const { firstTime, endTime, startTime, ticksPerSecond } = app.timeline();
  const frame = app.frame();
  const columnsPerSecond = (ticksPerSecond * frame.columnsPerSample) / frame.samplesPerColumn;
  const first = Math.floor((firstTime - startTime) * columnsPerSecond + 1e-6);
  const last = Math.ceil((endTime - startTime) * columnsPerSecond - 1e-6) - frame.columns;
  app.moveTo({ ...frame, leftColumn: which === 'first' ? first : Math.max(last, first) });
}
