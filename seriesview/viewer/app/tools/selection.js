/** @file What is said of a selected span, and can be done with it. */

import { make } from '../elements.js';
import { button } from './dialog.js';
import { showExport, showStatistics } from './selected.js';
import { exactText } from './times.js';

/** @typedef {import('../app.js').App} App */
/** @typedef {import('../app.js').Range} Range */

/** @param {App} app @returns {{statistics: () => void, zoom: () => void}} */
export function installSelection(app) {
  const withRange = (/** @type {(range: Range) => void} */ act) => () => {
    const range = app.selection();
    if (range) act(range);
    else app.announce('Nothing is selected: drag with Alt, or press Alt+Shift and an arrow key.');
  };
  const statistics = withRange((range) => showStatistics(app, range));
  const zoom = withRange((range) => app.showRange(range.start, range.end));
  const text = make('output');
  const exporting = withRange((range) => showExport(app, range));
  const names = { className: 'tools-selection', role: 'group', 'aria-label': 'Selection', hidden: true };
  const bar = make(
    'div',
    names,
    text,
    button('Statistics', statistics),
    button('Zoom to it', zoom),
    button('Export\u2026', exporting),
    button('Clear', () => app.setSelection(null)),
  );
  app.element.append(bar);
  const show = () => {
    const range = app.selection();
    bar.hidden = !range;
    if (!range) return;
    const duration = Number((range.end - range.start).toPrecision(9));
    text.textContent = `${exactText(app, range.start)} to ${exactText(app, range.end)} (${duration} s)`;
  };
  app.on('selection', show);
  app.on('view', show);
  return { statistics, zoom };
}
