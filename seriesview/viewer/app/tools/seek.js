/** @file Going to a time, and to the next event, gap, or beginning or end of an interval. */

import { columnOfTime, timesOf } from '../../geometry/timeline.js';
import { make } from '../elements.js';
import { giveKeysBack, lendKeys } from '../focus.js';
import { button, inWords } from './dialog.js';
import { TIME_KINDS, modeOf, parseTime } from './times.js';

/** @typedef {import('../app.js').App} App */
/** @typedef {'event' | 'gap' | 'interval' | 'interval end'} What */

/** CSS pixels that a pointer may go without being meant. */
const STILL = 8;
const WHATS = ['event', 'gap', 'interval', 'interval end'];

/**
 * @param {App} app
 * @param {import('./cursor.js').Cursor} cursor
 * @returns {{focusField: () => void, findNext: (direction: 1 | -1, what?: What) => Promise<void>}}
 */
export function installSeek(app, cursor) {
  /** @type {{time: number, frame: import('../../types.js').Frame, x: number | null} | null} where a jump ended; x: the pointer's then */
  let last = null;
  const wrong = make('span', { className: 'tools-wrong', role: 'alert', id: 'tools-wrong' });
  const field = make('input', {
    type: 'text',
    size: 12,
    placeholder: 'Go to time',
    'aria-label': 'Go to time',
    'aria-describedby': wrong.id,
    title: `Type ${TIME_KINDS}`,
    autocomplete: 'off',
    spellcheck: false,
    oninput: () => wrong.replaceChildren(),
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      event.stopPropagation();
      if (event.key !== 'Escape') return;
      wrong.replaceChildren();
      giveKeysBack(app);
    },
  });
  const form = make(
    'form',
    {
      className: 'tools-row',
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        const read = parseTime(field.value, app.timeline(), modeOf(app));
        wrong.textContent = 'error' in read ? read.error : '';
        if ('error' in read) return;
        goTo(read.time);
        giveKeysBack(app);
      },
    },
    field,
    wrong,
  );
  const kind = make(
    'select',
    { className: 'tools-kind', 'aria-label': 'What to look for' },
    ...WHATS.map((value) => make('option', { value }, value[0].toUpperCase() + value.slice(1))),
  );
  lendKeys(app, kind);
  app.toolbar.append(
    form,
    make(
      'span',
      { className: 'tools-row' },
      kind,
      button('\u2039', () => findNext(-1), { 'aria-label': 'Previous', title: 'Previous' }),
      button('\u203a', () => findNext(1), { 'aria-label': 'Next', title: 'Next' }),
    ),
  );

  /** @param {number} time view time, seconds: the middle of the picture afterwards */
  const goTo = (time) => {
    const frame = app.frame();
    const column = Math.floor(columnOfTime(app.timeline(), frame, time) + 1e-6);
    app.moveTo({ ...frame, leftColumn: column - Math.floor(frame.columns / 2) });
    cursor.put(time);
    last = { time, frame: app.frame(), x: null };
  };
  /**
   * View time from which is searched: that of the cursor where keys or a jump put it, or of a pointer that is on the
   * picture and did not just happen to lie there when something was found; else that of the left edge.
   * @returns {number}
   */
  const from = () => {
    const frame = app.frame();
    const isSeen = (/** @type {import('../app.js').Pointed} */ one) => one && one.x >= 0 && one.x < frame.columns;
    const own = cursor.own();
    const pointed = app.pointed();
    if (own && isSeen(own)) return own.time;
    if (last && samePlace(last.frame, frame)) return last.time;
    return pointed && isSeen(pointed) ? pointed.time : timesOf(app.timeline(), frame).startTime;
  };
  app.on('pointer', (pointed) => {
    if (!last || !pointed || pointed === cursor.own()) return;
    const x = last.x ?? pointed.x;
    last.x = x;
    if (Math.abs(pointed.x - x) > STILL * app.pixelRatio()) last = null;
  });
  /** @param {What} what @returns {string | null} the series of the panel that keys act on, where it has events */
  const seriesOf = (what) => {
    const uri = app.activePanel()?.panel.seriesUri ?? null;
    const hasEvents = uri !== null && ['event', 'discrete'].includes(app.figure().series[uri]?.type);
    return what === 'event' && hasEvents ? uri : null;
  };
  /** @param {1 | -1} direction @param {What} what */
  const findNext = async (direction, what = /** @type {What} */ (kind.value)) => {
    kind.value = what;
    const time = from();
    try {
      const found = await app.ask({ name: 'findNext', what, time, direction, seriesUri: seriesOf(what) });
      if (typeof found === 'number') goTo(found);
      else app.announce(`There is no ${what} ${direction > 0 ? 'after' : 'before'} ${app.timeText(time)}.`);
    } catch (error) {
      app.announce(inWords(error));
    }
  };
  return { focusField: () => field.select(), findNext };
}

/** @param {import('../../types.js').Frame} one @param {import('../../types.js').Frame} other @returns {boolean} */
function samePlace(one, other) {
  const { leftColumn, samplesPerColumn, columnsPerSample } = other;
  const isSameRung = one.samplesPerColumn === samplesPerColumn && one.columnsPerSample === columnsPerSample;
  return isSameRung && one.leftColumn === leftColumn;
}
