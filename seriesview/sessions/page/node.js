/** @file The index as the front page of a node: lets the browser in, and shows what the node has. */

import { show } from './sessions.js';

/** @typedef {import('./sessions.js').Index & {channel: string, viewer: string}} NodeIndex */

/** Where the node's own paths begin, also behind a proxy that puts something before them. */
const BASE = new URL('../..', location.href);
const NOT_LET_IN =
  'This browser has not been let in by this node. Print a new link (seriesview serve) where the node runs, and open it ' +
  'here: each link lets one browser in.';

const token = new URLSearchParams(location.hash.slice(1)).get('token');
// Before anything else: the token works once, and must not stay in the address or the history.
if (token !== null) history.replaceState(history.state, '', location.pathname + location.search);
start().catch((error) => {
  /** @type {HTMLElement} */ (document.getElementById('problem')).textContent = `${error?.message ?? error}`;
});

async function start() {
  if (token !== null) {
    await fetch(new URL('session', BASE), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token, path: BASE.pathname }),
    });
  }
  const response = await fetch(new URL('front/sessions.json', BASE));
  if (response.status === 403 && !(await isLetIn())) throw new Error(NOT_LET_IN);
  if (!response.ok) throw new Error(await response.text());
  /** @type {NodeIndex} */
  const index = await response.json();
  for (const session of index.sessions) {
    if (session.picture !== null) session.picture = new URL(`front/${session.picture}`, BASE).href;
  }
  show(index, (session) => (session.workspace === null ? null : figureOf(index, session.workspace, session.label)));
}

/** Whether the node knows this browser. */
async function isLetIn() {
  const response = await fetch(new URL('session', BASE));
  return response.ok && (await response.json()).name !== null;
}

/**
 * @param {NodeIndex} index
 * @param {string} workspace its URI
 * @param {string} label
 */
function figureOf(index, workspace, label) {
  const link = new URL('f', BASE);
  const fields = { v: index.viewer, d: workspace.split('/')[2], channel: index.channel, label };
  for (const [name, value] of Object.entries(fields)) link.searchParams.set(name, value);
  return link.href;
}
