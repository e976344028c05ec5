/** @file What a panel wears while its samples go through steps, and what it says where raw ones stand in for them. */

import { filterName } from './filtering.js';
import { make } from './elements.js';

/** @typedef {import('../types.js').Painted} Painted */
/** @typedef {import('../types.js').PanelSettings} PanelSettings */
/** @typedef {import('./app.js').App} App */

/**
 * @typedef {object} Badge
 * @property {HTMLElement} element for the title
 * @property {HTMLElement} notice over the picture
 * @property {(settings: PanelSettings, painted: Painted | null) => void} update
 */

/**
 * @param {App} app
 * @param {() => void} toggle between raw and filtered
 * @returns {Badge}
 */
export function createBadge(app, toggle) {
  const element = make('button', { type: 'button', className: 'badge', hidden: true, onclick: toggle });
  const why = make('span');
  const line = make('code');
  const copy = make('button', { type: 'button', onclick: () => copyLine(app, line.textContent ?? '') }, 'Copy');
  const more = make('p', {}, 'At every zoom, in config.yaml: ', line, copy);
  const onpointerdown = (/** @type {Event} */ event) => event.stopPropagation();
  const notice = make(
    'div',
    { className: 'raw-notice', hidden: true, onpointerdown },
    make('b', {}, 'raw, not filtered'),
    why,
    more,
  );
  return {
    element,
    notice,
    update({ steps, isRaw }, painted) {
      const name = filterName(steps);
      const raw = (!isRaw && painted?.raw) || null;
      element.hidden = !name;
      element.classList.toggle('is-off', Boolean(isRaw || raw));
      const text = isRaw ? `raw: ${name}` : name;
      if (element.textContent !== text) element.textContent = text;
      element.title = isRaw ? 'Raw samples; filter them again (f)' : `${name}: show raw samples (f)`;
      element.setAttribute('aria-pressed', String(!isRaw));
      notice.hidden = !raw;
      if (!raw || (why.textContent === raw.why && line.textContent === raw.line)) return;
      why.textContent = raw.why;
      line.textContent = raw.line;
    },
  };
}

/** @param {App} app @param {string} text */
async function copyLine(app, text) {
  try {
    await navigator.clipboard.writeText(text);
    app.announce(
      'The line was copied. Put it under `datasets:`, with a name before it and the dataset in place of DATASET.',
    );
  } catch {
    app.announce('This browser copies nothing here: select the line and copy it.');
  }
}
