/** @file Where the viewer begins. */

import { startApp } from './app/app.js';
import { make } from './app/elements.js';
import { installTools } from './app/tools/index.js';
import { connect } from './connect/start.js';

const element = /** @type {HTMLElement} */ (document.getElementById('viewer'));

async function open() {
  element.replaceChildren(make('p', { className: 'opening', role: 'status' }, 'Opening\u2026'));
  try {
    const connection = await connect();
    installTools(startApp(connection, element));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const again = make('button', { type: 'button', onclick: open }, 'Try again');
    element.replaceChildren(make('div', { className: 'opening', role: 'alert' }, make('p', {}, message), again));
    element.removeAttribute('aria-busy');
  }
}

// Else opened_as_file.js has said why not.
if ('seriesviewEmbedded' in globalThis || (location.protocol !== 'file:' && globalThis.origin !== 'null')) open();
