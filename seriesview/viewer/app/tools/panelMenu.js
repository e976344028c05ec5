/** @file The menu of a panel: what its type offers, gain, channels, hiding. */

import { make } from '../elements.js';
import { button, showDialog } from './dialog.js';
import { channelList } from './channelList.js';
import { eventLists } from './eventList.js';
import { filterChoices } from './filterMenu.js';

/** @typedef {import('../app.js').App} App */
/** @typedef {import('../app.js').PanelHost} PanelHost */
/** @typedef {import('../../types.js').PanelChoice} PanelChoice */

const GAIN_STEP = 1.25;

/** @param {App} app @param {PanelHost} host @param {import('./seek.js').Seek} seek */
export function showPanelMenu(app, host, seek) {
  const { choices, hasGain, hasChannels, hasOffsets } = host.panel.traits;
  const name = host.panel.label || host.panel.type;
  const manifest = host.manifest();
  const content = choices.filter(({ values }) => values.length > 1).map((choice) => choiceOfMany(host, choice));
  if (hasGain) content.push(gainChoice(host));
  content.push(...choices.filter(({ values }) => values.length === 1).map((choice) => choiceOfOne(host, choice)));
  const reopen = () => {
    const now = app.panels().find(({ key }) => key === host.key);
    if (now) showPanelMenu(app, now, seek);
  };
  content.push(...filterChoices(app, host, reopen));
  content.push(...eventLists(app, host, seek));
  if (hasChannels && manifest?.channels.length) content.push(channelList(host, manifest, hasOffsets));
  const dialog = showDialog(
    name,
    [
      ...content,
      make(
        'p',
        { className: 'tools-row' },
        button('Reset this panel', () => {
          host.set(Object.fromEntries(Object.keys(host.settings()).map((key) => [key, undefined])));
          dialog.close();
          showPanelMenu(app, host, seek);
        }),
        button('Hide this panel', () => {
          dialog.close();
          host.set({ hidden: true });
          app
            .panels()
            .find((other) => !other.settings().hidden)
            ?.picture.focus({ preventScroll: true });
        }),
      ),
    ],
    'tools-menu',
  );
}

/**
 * @param {PanelHost} host
 * @param {PanelChoice} choice of several values, or the default
 * @returns {HTMLElement}
 */
function choiceOfMany(host, { key, text, title = '', values }) {
  const now = host.settings()[key];
  const choices = [undefined, ...values].map((value) =>
    make(
      'label',
      {},
      make('input', {
        type: 'radio',
        name: `tools-${key}`,
        checked: value === now,
        onchange: () => host.set({ [key]: value }),
      }),
      value === undefined ? 'Automatic' : capital(String(value)),
    ),
  );
  return make('fieldset', { className: 'tools-row', title }, make('legend', {}, text), ...choices);
}

/**
 * @param {PanelHost} host
 * @param {PanelChoice} choice of one value, or the default
 * @returns {HTMLElement}
 */
function choiceOfOne(host, { key, text, title = '', values: [value] }) {
  const box = make('input', {
    type: 'checkbox',
    checked: (host.settings()[key] === value) === value,
    onchange: () => host.set({ [key]: box.checked === value ? value : undefined }),
  });
  return make('p', { title }, make('label', {}, box, text));
}

/** @param {string} text @returns {string} */
function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}

/** @param {PanelHost} host @returns {HTMLElement} */
function gainChoice(host) {
  const shown = make('output', { 'aria-live': 'polite' });
  const set = (/** @type {number} */ gain) => {
    host.set({ gain: Math.abs(gain - 1) < 1e-9 ? undefined : gain });
    show();
  };
  const gain = () => host.settings().gain ?? 1;
  const show = () => {
    shown.textContent = `\u00d7 ${Number(gain().toPrecision(3))}`;
  };
  show();
  return make(
    'fieldset',
    { className: 'tools-row' },
    make('legend', {}, 'Gain'),
    button('\u2212', () => set(gain() / GAIN_STEP), { 'aria-label': 'Smaller' }),
    shown,
    button('+', () => set(gain() * GAIN_STEP), { 'aria-label': 'Larger' }),
    button('Reset', () => set(1)),
  );
}
