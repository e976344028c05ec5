/** @file Going to a time, and to the next event, gap, or beginning or end of an interval: any, or those of one channel or label. */

import { columnOfTime, timesOf } from '../../geometry/timeline.js';
import { make } from '../elements.js';
import { giveKeysBack, lendKeys } from '../focus.js';
import { button, inWords } from './dialog.js';
import { nameOf } from './eventList.js';
import { TIME_KINDS, modeOf, parseTime } from './times.js';

/** @typedef {import('../app.js').App} App */
/** @typedef {'event' | 'gap' | 'interval' | 'interval end'} What */

/**
 * What is gone to from one to the next: the events of a channel, the intervals of a label.
 * @typedef {object} This
 * @property {What} what
 * @property {string} uri
 * @property {string} of id of the channel, or the label
 * @property {string} label
 */
/**
 * @typedef {object} Seek
 * @property {() => void} focusField
 * @property {(direction: 1 | -1, what?: What) => Promise<void>} findNext of any, or of what is chosen where nothing is said
 * @property {(direction: 1 | -1, given?: This) => Promise<void>} findThis of what is chosen, else of what is under the cursor
 */

/** A list of more says nothing. */
const MOST_CHOICES = 2000;
/** CSS pixels that a pointer may go without being meant. */
const STILL = 8;
const WHATS = ['event', 'gap', 'interval', 'interval end'];

/**
 * @param {App} app
 * @param {import('./cursor.js').Cursor} cursor
 * @returns {Seek}
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
  /** What the second list has, after any. @type {This[]} */
  let choices = [];
  const which = make('select', { className: 'tools-kind', 'aria-label': 'Of which channel or label' });
  const offer = () => {
    choices = choicesOf(app, /** @type {What} */ (kind.value));
    which.replaceChildren(
      ...[`Any ${kind.value === 'event' ? 'channel' : 'label'}`, ...choices.map(({ label }) => label)].map((text, at) =>
        make('option', { value: String(at) }, text),
      ),
    );
    which.hidden = choices.length < 2;
  };
  kind.addEventListener('change', offer);
  app.on('view', offer);
  lendKeys(app, kind);
  lendKeys(app, which);
  app.toolbar.append(
    form,
    make(
      'span',
      { className: 'tools-row' },
      kind,
      which,
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
  /** @type {Seek['findNext']} */
  const findNext = async (direction, what) => {
    const chosen = what ? undefined : choices[Number(which.value) - 1];
    if (what && kind.value !== what) {
      kind.value = what;
      offer();
    }
    if (what) which.value = '0';
    await find(direction, /** @type {What} */ (kind.value), chosen);
  };
  /** @param {1 | -1} direction @param {What} what @param {This} [only] */
  const find = async (direction, what, only) => {
    const time = from();
    const of = only ? { seriesUri: only.uri, of: only.of } : { seriesUri: seriesOf(what) };
    try {
      const found = await app.ask({ name: 'findNext', what, time, direction, ...of });
      const meant = only ? `${what} of ${only.label}` : what;
      if (typeof found === 'number') goTo(found);
      else app.announce(`There is no ${meant} ${direction > 0 ? 'after' : 'before'} ${app.timeText(time)}.`);
    } catch (error) {
      app.announce(inWords(error));
    }
  };
  /** @type {Seek['findThis']} */
  const findThis = async (direction, given) => {
    const only = given ?? choices[Number(which.value) - 1] ?? (await underCursor(app));
    if (!only) {
      app.announce('Point at a unit, a channel of events or a label, or choose one in the list, to go to its next.');
      return;
    }
    kind.value = only.what;
    offer();
    let place = choices.findIndex(({ uri, of }) => uri === only.uri && of === only.of);
    if (place < 0) {
      place = choices.push(only) - 1;
      which.append(make('option', { value: String(place + 1) }, only.label));
    }
    which.value = String(place + 1);
    await find(direction, only.what, only);
  };
  return { focusField: () => field.select(), findNext, findThis };
}

/**
 * Channels of the events in a view, or labels of intervals.
 * @param {App} app
 * @param {What} what
 * @returns {This[]}
 */
function choicesOf(app, what) {
  const { series, views, intervalSeries } = app.figure();
  const { panels } = views[app.state().view];
  const all = panels.flatMap(({ seriesUri, over = [] }) => [...(seriesUri ? [seriesUri] : []), ...over]);
  const uris = what === 'event' ? [...new Set(all)].filter((uri) => series[uri].type === 'event') : intervalSeries;
  if (what === 'gap') return [];
  const found = uris.flatMap((uri) => {
    const { channels, intervals } = series[uri];
    const named = intervals ? intervals.labels.map((label) => ({ of: label, label })) : [];
    const own = what === 'event' ? channels.map(({ id, label }) => ({ of: id, label: label || id })) : named;
    const name = uris.length > 1 ? ` (${nameOf(app, uri)})` : '';
    return own.map(({ of, label }) => ({ what, uri, of, label: `${label}${name}` }));
  });
  return found.slice(0, MOST_CHOICES);
}

/**
 * The channel or label in whose row the cursor is, or the unit over a trace that is nearest to it.
 * @param {App} app
 * @returns {Promise<This | undefined>}
 */
async function underCursor(app) {
  const pointed = app.pointed();
  if (!pointed) return undefined;
  const { host, column, y } = pointed;
  const uri = host.panel.seriesUri ?? '';
  const manifest = app.figure().series[uri];
  if (manifest?.type === 'event' || manifest?.type === 'interval') {
    const lane = host.painted?.lanes.find(({ top, bottom }) => y >= top && y < bottom);
    if (!lane) return undefined;
    const { id, label } = lane;
    return manifest.events
      ? { what: 'event', uri, of: id, label: label || id }
      : { what: 'interval', uri, of: label, label };
  }
  /** @type {import('../../types.js').ReadOut | null} */
  const told = await app.ask({ name: 'readOut', key: host.key, column, row: y }).catch(() => null);
  const event = told?.events?.[0];
  return event && { what: 'event', uri: event.uri, of: event.id, label: event.label };
}

/** @param {import('../../types.js').Frame} one @param {import('../../types.js').Frame} other @returns {boolean} */
function samePlace(one, other) {
  const { leftColumn, samplesPerColumn, columnsPerSample } = other;
  const isSameRung = one.samplesPerColumn === samplesPerColumn && one.columnsPerSample === columnsPerSample;
  return isSameRung && one.leftColumn === leftColumn;
}
