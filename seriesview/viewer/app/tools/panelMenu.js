/** @file The menu of a panel: mode, gain, channels, hiding. */

import { make } from '../elements.js';
import { button, showDialog } from './dialog.js';
import { channelList } from './channelList.js';

/** @typedef {import('../app.js').App} App */
/** @typedef {import('../app.js').PanelHost} PanelHost */

const MODES = /** @type {const} */ ([undefined, 'stacked', 'overlaid', 'image']);
const GAIN_STEP = 1.25;

/** @param {App} app @param {PanelHost} host */
export function showPanelMenu(app, host) {
  const isTraces = host.panel.type === 'ContinuousTraces';
  const name = host.panel.label || host.panel.type;
  const content = [];
  if (isTraces) content.push(modeChoice(host));
  if (host.panel.type !== 'RasterPlot') content.push(gainChoice(host));
  if (host.panel.type === 'Position') content.push(pathChoice(host));
  const manifest = host.panel.seriesUri ? app.figure().series[host.panel.seriesUri] : null;
  const hasChannels = host.panel.type !== 'ProbabilityDensity' && manifest?.channels.length;
  if (manifest && hasChannels) content.push(channelList(host, manifest, isTraces));
  const dialog = showDialog(
    name,
    [
      ...content,
      make(
        'p',
        { className: 'tools-row' },
        button('Reset this panel', () => {
          host.set({
            channels: undefined,
            mode: undefined,
            gain: undefined,
            offsets: undefined,
            height: undefined,
            path: undefined,
          });
          dialog.close();
          showPanelMenu(app, host);
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

/** @param {PanelHost} host @returns {HTMLElement} */
function modeChoice(host) {
  const now = host.settings().mode;
  const choices = MODES.map((mode) =>
    make(
      'label',
      {},
      make('input', {
        type: 'radio',
        name: 'tools-mode',
        checked: mode === now,
        onchange: () => host.set({ mode }),
      }),
      mode ? mode[0].toUpperCase() + mode.slice(1) : 'Automatic',
    ),
  );
  const title = 'Automatic: stacked, or an image where lanes would be too low for traces';
  return make('fieldset', { className: 'tools-row', title }, make('legend', {}, 'Mode'), ...choices);
}

/** @param {PanelHost} host @returns {HTMLElement} */
function pathChoice(host) {
  const box = make('input', {
    type: 'checkbox',
    checked: host.settings().path !== false,
    onchange: () => host.set({ path: box.checked ? undefined : false }),
  });
  return make('p', {}, make('label', {}, box, 'Path in the plane, beside the traces'));
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
