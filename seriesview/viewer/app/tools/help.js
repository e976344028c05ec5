/** @file All keys and moves, on one page. */

import { make } from '../elements.js';
import { gestures } from '../keys.js';
import { showDialog } from './dialog.js';

/** @typedef {import('../app.js').App} App */
/** @type {Record<string, string>} */
const NAMES = { ArrowLeft: '\u2190', ArrowRight: '\u2192', ArrowUp: '\u2191', ArrowDown: '\u2193', PageUp: 'Page up', PageDown: 'Page down' };

/** @param {App} app */
export function showHelp(app) {
  /** @type {Map<string, HTMLElement[]>} */
  const groups = new Map();
  const add = (/** @type {string} */ group, /** @type {Node[]} */ how, /** @type {string} */ what) => {
    const rows = groups.get(group) ?? [];
    groups.set(group, [...rows, make('tr', {}, make('th', { scope: 'row' }, ...how), make('td', {}, what))]);
  };
  for (const { group, keys, what } of app.keys()) add(group, keys.map((key) => make('kbd', {}, written(key))), what);
  for (const [how, what] of gestures) add('Mouse and touch', [document.createTextNode(how)], what);
  showDialog('Keys and moves', [make('div', { className: 'tools-help' }, ...[...groups].map(([group, rows]) => (
    make('section', {}, make('h3', {}, group), make('table', {}, make('tbody', {}, ...rows))))))], 'tools-large');
}

/** @param {string} key @returns {string} */
function written(key) {
  return key.split(/(?<=.)\+(?=.)/).map((part) => NAMES[part] ?? (/^[A-Z]$/.test(part) ? `Shift+${part}` : part)).join('+');
}
