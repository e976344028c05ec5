/** @file The list of what lies over a panel's traces: which units are drawn, how many events each has, and going to them. */

import { eventColors, hasTraces, tracesOf } from '../../drawing/event_marks.js';
import { make } from '../elements.js';
import { button, inWords } from './dialog.js';

/** @typedef {import('../app.js').App} App */
/** @typedef {import('../app.js').PanelHost} PanelHost */
/** @typedef {import('../../types.js').Channel} Channel */
/** @typedef {import('./seek.js').Seek} Seek */

/** So many rows at once; the filter leads to others. */
const MOST_ROWS = 500;

/**
 * What a series is called: as the panel that shows it in this view, else by its name.
 * @param {App} app
 * @param {string} uri
 * @returns {string}
 */
export function nameOf(app, uri) {
  const { views, seriesNames } = app.figure();
  const panel = views[app.state().view].panels.find(({ seriesUri }) => seriesUri === uri);
  return panel?.label || seriesNames[uri];
}

/**
 * A list for each series that is drawn over a panel.
 * @param {App} app
 * @param {PanelHost} host
 * @param {Seek} seek
 * @returns {HTMLElement[]}
 */
export function eventLists(app, host, seek) {
  return (host.panel.over ?? []).map((uri, place) => eventList(app, host, seek, uri, place));
}

/**
 * @param {App} app
 * @param {PanelHost} host
 * @param {Seek} seek
 * @param {string} uri of a series of events
 * @param {number} place of it among those over the panel
 * @returns {HTMLElement}
 */
function eventList(app, host, seek, uri, place) {
  const manifest = app.figure().series[uri];
  const { channels, label } = manifest;
  const below = app.figure().series[host.panel.seriesUri ?? ''];
  const traces = tracesOf(channels, below.channels);
  const colors = eventColors(manifest, app.isDark());
  const chosen = new Set(host.settings().over?.[place] ?? channels.map(({ id }) => id));
  /** @type {number[]} */
  let counts = [];
  const words = channels.map((_, index) => {
    const { best_channel: named } = channels[index];
    if (named !== undefined && traces[index] < 0) return `on ${named}, not here`;
    if (traces[index] < 0) return hasTraces(manifest) ? 'on a channel that is not known' : '';
    const { id, label: name } = below.channels[traces[index]];
    return `on ${name || id}`;
  });
  const shown = make('output', { 'aria-live': 'polite' });
  const list = make('ul', { className: 'tools-channels' });
  const filter = make('input', {
    type: 'search',
    placeholder: 'Filter',
    'aria-label': `Filter ${label}`,
    size: 10,
    oninput: () => fill(),
  });
  /** @returns {number[]} */
  const listed = () => {
    const wanted = filter.value.toLowerCase().split(/\s+/);
    return [...channels.keys()].filter((index) => {
      const { id, label: name, group = '' } = channels[index];
      const text = `${name} ${id} ${group} ${words[index]}`.toLowerCase();
      return wanted.every((word) => text.includes(word));
    });
  };
  const apply = () => {
    const ids = channels.flatMap(({ id }) => (chosen.has(id) ? [id] : []));
    const all = { ...host.settings().over, [place]: ids };
    host.set({ over: all });
    tell();
  };
  const tell = () => (shown.textContent = `${chosen.size} of ${channels.length} drawn`);
  /** @param {(index: number) => boolean} rule */
  const choose = (rule) => {
    channels.forEach(({ id }, index) => chosen[rule(index) ? 'add' : 'delete'](id));
    apply();
    update();
  };
  /** Those that were listed, which stay what they are: one of them may have the focus.
   * @type {Map<number, {item: HTMLElement, box: HTMLInputElement, told: HTMLElement}>} */
  const rows = new Map();
  const update = () =>
    rows.forEach(({ box, told }, index) => {
      box.checked = chosen.has(channels[index].id);
      told.textContent = `${counts.length ? `${counts[index]} ` : ''}${words[index]}`;
    });
  /** @param {number} index @returns {HTMLElement} */
  const row = (index) => {
    const { id, label: name } = channels[index];
    const called = name || id;
    const box = make('input', {
      type: 'checkbox',
      onchange: () => {
        chosen[box.checked ? 'add' : 'delete'](id);
        apply();
      },
    });
    const swatch = make('span', { className: 'tools-swatch', 'aria-hidden': 'true' });
    swatch.style.background = colors[index];
    const told = make('small');
    /** @param {1 | -1} direction */
    const go = (direction) => seek.findThis(direction, { what: 'event', uri, of: id, label: called });
    const item = make(
      'li',
      {},
      make('label', {}, box, swatch, called, told),
      button('Only', () => choose((each) => each === index), { 'aria-label': `Only ${called}` }),
      button('\u2039', () => go(-1), { 'aria-label': `Previous of ${called}`, title: 'Previous' }),
      button('\u203a', () => go(1), { 'aria-label': `Next of ${called}`, title: 'Next' }),
    );
    rows.set(index, { item, box, told });
    return item;
  };
  const fill = () => {
    const found = listed();
    const rest = found.length - MOST_ROWS;
    list.replaceChildren(
      ...found.slice(0, MOST_ROWS).map((index) => rows.get(index)?.item ?? row(index)),
      ...(rest > 0 ? [make('li', {}, `and ${rest} more: filter`)] : []),
    );
    update();
  };
  fill();
  tell();
  app.ask({ name: 'eventCounts', uri }).then(
    (found) => {
      counts = found;
      update();
    },
    (error) => (shown.textContent = inWords(error)),
  );
  return make(
    'fieldset',
    {},
    make('legend', {}, nameOf(app, uri)),
    make(
      'p',
      { className: 'tools-row' },
      filter,
      button('All', () => choose(() => true)),
      button('None', () => choose(() => false)),
      button(
        'Only these',
        () => {
          const kept = new Set(listed());
          choose((index) => kept.has(index));
        },
        { title: 'Draw those that are listed, and no others' },
      ),
      shown,
    ),
    list,
  );
}
