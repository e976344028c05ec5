/**
 * @file Reads the description that a Backend URI names, and leads on: to the figure with this backend, where that works
 * through this node, else to the same figure on the backend's own app.
 *
 * A page of its own, since it may reach any bucket: no view is in it, and nobody is sent a cookie or a setting.
 */

import { keepSettings } from './channel.js';

/** @typedef {{label: string, channel: string, appUrl: string}} Backend */

const BUCKETS = 'https://storage.googleapis.com/';
const BASE = new URL('..', location.href.replace(/[?#].*$/, '')).href;
const MOST_CHARACTERS = 10_000;
const CARRIED = ['v', 'd', 'label', 's'];
const LOOPBACK = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(\/|$)/;

const query = new URLSearchParams(location.search);
const figure = new URLSearchParams(query.get('figure') ?? '');
read(query.get('uri') ?? '').then(offer, (error) => say(error.message));

/** @param {string} uri @returns {Promise<Backend>} */
async function read(uri) {
  const address = uri.startsWith('gs://') ? BUCKETS + uri.slice('gs://'.length) : uri;
  if (!isWebAddress(address)) throw new Error('A Backend URI begins with gs:// or https://.');
  let response;
  try {
    response = await fetch(address, { credentials: 'omit', cache: 'no-store' });
  } catch {
    throw new Error(
      `${address} cannot be read from here. Perhaps the bucket's CORS rules do not name ${location.origin}: ` +
        `whoever set it up can run: seriesview bucket cors --origin ${location.origin}`,
    );
  }
  if (!response.ok) throw new Error(`${address} cannot be read: HTTP status ${response.status}. Check the URI.`);
  const text = await response.text();
  const said = text.length > MOST_CHARACTERS ? null : parsed(text);
  const isKnown = said?.format === 'seriesview-backend/1' && typeof said.label === 'string';
  const isChannel = /^[A-Za-z0-9_.-]{3,40}$/.test(said?.channel ?? '');
  if (!isKnown || !isChannel || typeof said.appUrl !== 'string' || !isWebAddress(said.appUrl)) {
    throw new Error(`${address} does not describe a backend. Check the URI.`);
  }
  return said;
}

/** @param {Backend} backend */
function offer({ label, channel, appUrl }) {
  const app = `${appUrl.replace(/\/+$/, '')}/`;
  const isOwn = new URL(app).href === BASE;
  const link = /** @type {HTMLAnchorElement} */ (element('open'));
  const target = new URL('f', app);
  for (const name of CARRIED) if (figure.has(name)) target.searchParams.set(name, figure.get(name) ?? '');
  target.searchParams.set('channel', channel);
  link.href = target.href;
  element('choice').hidden = false;
  if (isOwn) {
    say(`The backend ${label} answers through this node, on channel ${channel}.`);
    link.textContent = 'Open the figure with it';
    link.addEventListener('click', () => keepSettings(BASE, { channel, label }));
  } else {
    say(`The backend ${label} answers through ${new URL(app).host}, and this page tells it nothing.`);
    link.textContent = `Open the same figure on ${new URL(app).host}`;
  }
}

/** @param {string} text */
function isWebAddress(text) {
  return URL.canParse(text) && (text.startsWith('https://') || LOOPBACK.test(text));
}

/** @param {string} text @returns {any} null: no JSON */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {string} text */
function say(text) {
  element('message').textContent = text;
}

/** @param {string} id @returns {HTMLElement} */
function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}
