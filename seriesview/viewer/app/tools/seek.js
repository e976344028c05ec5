/** @file Going to a time, and to the next event, gap or interval. */

import { columnOfTime, timesOf } from '../../geometry/timeline.js';
import { make } from '../elements.js';
import { giveKeysBack, lendKeys } from '../focus.js';
import { button, inWords } from './dialog.js';
import { TIME_KINDS, modeOf, parseTime } from './times.js';

/** @typedef {import('../app.js').App} App */
/** @typedef {'event' | 'gap' | 'interval'} What */

/**
 * @param {App} app
 * @param {import('./cursor.js').Cursor} cursor
 * @returns {{focusField: () => void, findNext: (direction: 1 | -1, what?: What) => Promise<void>}}
 */
export function installSeek(app, cursor) {
  /** @type {{time: number, leftColumn: number} | null} where the last search or jump ended */
  let last = null;
  const wrong = make('span', { className: 'tools-wrong', role: 'alert', id: 'tools-wrong' });
  const field = make('input', {
    type: 'text', size: 12, placeholder: 'Go to time', 'aria-label': 'Go to time', 'aria-describedby': wrong.id,
    title: `Type ${TIME_KINDS}`,
    autocomplete: 'off', spellcheck: false,
    oninput: () => wrong.replaceChildren(),
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      event.stopPropagation();
      if (event.key !== 'Escape') return;
      wrong.replaceChildren();
      giveKeysBack(app);
    },
  });
  const form = make('form', {
    className: 'tools-row',
    onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault();
      const read = parseTime(field.value, app.timeline(), modeOf(app));
      wrong.textContent = 'error' in read ? read.error : '';
      if ('error' in read) return;
      goTo(read.time);
      giveKeysBack(app);
    },
  }, field, wrong);
  const kind = make('select', { 'aria-label': 'What to look for' },
    ...['event', 'gap', 'interval'].map((value) => make('option', { value }, value[0].toUpperCase() + value.slice(1))));
  lendKeys(app, kind);
  app.toolbar.append(form, make('span', { className: 'tools-row' }, kind,
    button('\u2039', () => findNext(-1), { 'aria-label': 'Previous', title: 'Previous' }),
    button('\u203a', () => findNext(1), { 'aria-label': 'Next', title: 'Next' })));

  /** @param {number} time view time, seconds: the middle of the picture afterwards */
  const goTo = (time) => {
    const frame = app.frame();
    const column = Math.floor(columnOfTime(app.timeline(), frame, time) + 1e-6);
    app.moveTo({ ...frame, leftColumn: column - Math.floor(frame.columns / 2) });
    last = { time, leftColumn: app.frame().leftColumn };
    cursor.put(time);
  };
  /** @param {1 | -1} direction @param {What} what */
  const findNext = async (direction, what = /** @type {What} */ (kind.value)) => {
    kind.value = what;
    const { startTime, endTime } = timesOf(app.timeline(), app.frame());
    const time = last?.leftColumn === app.frame().leftColumn ? last.time : (startTime + endTime) / 2;
    try {
      const found = await app.ask({ name: 'findNext', what, time, direction, seriesUri: null });
      if (typeof found === 'number') goTo(found);
      else app.announce(`There is no ${what} ${direction > 0 ? 'after' : 'before'} ${app.timeText(time)}.`);
    } catch (error) {
      app.announce(inWords(error));
    }
  };
  return { focusField: () => field.select(), findNext };
}
