/** @file All keys and moves, on one page. */

import { make } from '../elements.js';
import { gestures } from '../keys.js';
import { showDialog } from './dialog.js';

/** @typedef {import('../app.js').App} App */
/** @type {Record<string, string>} */
const NAMES = { ArrowLeft: '\u2190', ArrowRight: '\u2192', ArrowUp: '\u2191', ArrowDown: '\u2193' };

/** @param {App} app */
export function showHelp(app) {
  /** @type {Map<string, HTMLElement[]>} */
  const groups = new Map();
  /** @param {string} group @param {(Node | string)[]} how @param {string} what */
  const add = (group, how, what) => {
    const rows = groups.get(group) ?? [];
    groups.set(group, [...rows, make('tr', {}, make('th', { scope: 'row' }, ...how), make('td', {}, what))]);
  };
  for (const { group, keys, what } of app.keys()) {
    add(
      group,
      keys.flatMap((key) => [make('kbd', {}, written(key)), ' ']),
      what,
    );
  }
  for (const [how, what] of gestures) add('Mouse and touch', [how], what);
  showDialog(
    'Keys and moves',
    [
      make(
        'div',
        { className: 'tools-help' },
        ...[...groups].map(([group, rows]) =>
          make('section', {}, make('h3', {}, group), make('table', {}, make('tbody', {}, ...rows))),
        ),
      ),
    ],
    'tools-large',
  );
}

/** @param {string} key @returns {string} */
function written(key) {
  const parts = key.split(/(?<=.)\+(?=.)/).map((part) => NAMES[part] ?? part.replace(/^[A-Z]$/, 'Shift+$&'));
  return parts.join('+');
}
