/** @file The tools: read-out, going to a time, selection, panel menus, picture, link and help. */

import { iconButton, make } from '../elements.js';
import { installCursor } from './cursor.js';
import { showDialog } from './dialog.js';
import { eventLists } from './eventList.js';
import { filterKeys } from './filterMenu.js';
import { showHelp } from './help.js';
import { copyLink } from './link.js';
import { showPanelMenu } from './panelMenu.js';
import { savePicture } from './picture.js';
import { installSeek } from './seek.js';
import { installSelection } from './selection.js';

/** @typedef {import('../app.js').App} App */
/** @typedef {[string, string[], string, () => void]} Shortcut group, keys, what it does */

const CAMERA = 'M2 4.5h3l1-2h4l1 2h3v9H2zM8 6.5a2.2 2.2 0 1 0 .1 0';
const CHAIN = 'M7 9a3 3 0 0 0 4 0l2.5-2.5a2.8 2.8 0 0 0-4-4L8 4M9 7a3 3 0 0 0-4 0L2.5 9.5a2.8 2.8 0 0 0 4 4L8 12';
const QUESTION = 'M5.5 6a2.5 2.5 0 1 1 3.5 2.3Q8 8.8 8 10M8 12.5v.5';
const MENU = 'M3 4h10M3 8h10M3 12h10';
const TICKS = 'M2 11h4l1-8 2 10 1-2h4M7 1.5v0M3 4v3M13 4v3';

/** @param {App} app */
export function installTools(app) {
  const cursor = installCursor(app);
  const seek = installSeek(app, cursor);
  const selection = installSelection(app);
  app.toolbar.append(
    make(
      'div',
      { className: 'group', role: 'group', 'aria-label': 'Keep and share' },
      iconButton('Save the picture as PNG (p)', CAMERA, () => savePicture(app)),
      iconButton('Copy the link to this picture (l)', CHAIN, () => copyLink(app)),
      iconButton('Keys and help (?)', QUESTION, () => showHelp(app)),
    ),
  );
  // What whoever made the link asked for.
  let asked = app.connection.state;
  app.on('view', () => {
    const raw = app.panels().filter((host) => !host.settings().steps);
    if (asked?.filter && raw.length === app.panels().length)
      app.announce('No panel of this view can be filtered as was asked for.');
    else if (raw.some(({ key }) => asked?.panels?.[key]?.steps))
      app.announce('Filters that the link asks for are not known here: raw samples are shown.');
    asked = undefined;
    for (const host of app.panels()) {
      if (host.actions.querySelector('.tools-open')) continue;
      const more = { className: 'icon tools-open', 'aria-haspopup': 'dialog' };
      const name = `Menu of ${host.panel.label || host.panel.type}`;
      if (host.panel.over) host.actions.append(iconButton('Events over the traces (u)', TICKS, () => showEvents(host)));
      host.actions.append(iconButton(name, MENU, () => showPanelMenu(app, host, seek), more));
    }
  });

  /** @param {import('../app.js').PanelHost | null} [host] */
  const showEvents = (host = app.activePanel()) => {
    const over = [host, ...app.panels()].find((each) => each?.panel.over && !each.settings().hidden);
    if (over) showDialog(`Over ${over.panel.label || over.panel.type}`, eventLists(app, over, seek), 'tools-menu');
    else app.announce('Nothing lies over traces here.');
  };

  /** @param {string} key @param {import('./seek.js').What} what @returns {Shortcut[]} */
  const found = (key, what) => [
    ['Going to', [key], `The next ${what}, from the cursor or the left edge`, () => seek.findNext(1, what)],
    ['Going to', [key.toUpperCase()], `The ${what} before`, () => seek.findNext(-1, what)],
  ];
  const openMenu = () => {
    const host = app.activePanel();
    if (host) showPanelMenu(app, host, seek);
  };
  /** @type {Shortcut[]} */
  const keys = [
    ['Going to', ['g'], 'A time', seek.focusField],
    ...found('e', 'event'),
    ...found('i', 'interval'),
    ...found('x', 'gap'),
    [
      'Going to',
      ['n'],
      'The next of this unit, channel or label: the chosen one, else that under the cursor',
      () => seek.findThis(1),
    ],
    ['Going to', ['N'], 'The one before of this unit, channel or label', () => seek.findThis(-1)],
    ['Going to', ['Alt+i', 'Alt+I'], 'The next end of an interval, and the one before', () => {}],
    ['Cursor and selection', ['Alt+ArrowLeft', 'Alt+ArrowRight'], 'Cursor by a column', () => {}],
    ['Cursor and selection', ['Alt+PageUp', 'Alt+PageDown'], 'Cursor by 20 columns', () => {}],
    ['Cursor and selection', ['Alt+ArrowUp', 'Alt+ArrowDown'], 'Cursor to another channel', () => {}],
    ['Cursor and selection', ['Alt+Shift+ArrowLeft', 'Alt+Shift+ArrowRight'], 'Select from the cursor on', () => {}],
    ['Cursor and selection', ['t'], 'Statistics of the selection', selection.statistics],
    ['Cursor and selection', ['z'], 'Zoom to the selection', selection.zoom],
    ['Panels', ['m'], 'Menu of the panel', openMenu],
    ['Panels', ['u'], 'Units and other events over the traces: which are drawn', () => showEvents()],
    ...filterKeys(app, openMenu),
    ['Others', ['p'], 'Save the picture as PNG', () => savePicture(app)],
    ['Others', ['l'], 'Copy the link', () => copyLink(app)],
    ['Others', ['?'], 'This help', () => showHelp(app)],
  ];
  app.addKeys(...keys.map(([group, names, what, run]) => ({ group, keys: names, what, run })));
  document.addEventListener('keydown', (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || !app.frame()) return;
    if (event.target instanceof Element && event.target.closest('input, textarea, select, dialog')) return;
    // With Alt some keyboards write other letters.
    if (event.code === 'KeyI') {
      event.preventDefault();
      void seek.findNext(event.shiftKey ? -1 : 1, 'interval end');
      return;
    }
    const columns = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 }[event.key] ?? 0;
    const lanes = { ArrowUp: -1, ArrowDown: 1 }[event.key] ?? 0;
    if (!columns && !lanes) return;
    event.preventDefault();
    if (event.shiftKey && columns) cursor.extend(columns);
    else cursor.step(columns, lanes);
  });
}
