/** @file The page around a view: takes the link apart, lets the browser in, shows the view and answers it. */

import { element, openChannelDialog, say, settingsOf } from './channel.js';
import { openFeeds } from './feeds.js';
import { figureDataOf } from './figure_data.js';
import { messageOf } from './errors.js';
import { BASE, NO_SESSION, post, reach } from './files.js';
import { answerTo, isKnownRequest } from './requests.js';
import { openTasks } from './tasks.js';

/** @typedef {import('./requests.js').Services} Services */
/** @typedef {{name: string | null, channelExists: boolean | null, permissions: string[], views: string[],
 *   viewOrigins: string[], answersWindows: boolean}} Session */
/** @typedef {{address: string, origin: string, isOwn: boolean}} View */

const BUCKETS = 'https://storage.googleapis.com';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const INITIALIZE_SECONDS = 30;
const MOST_ENDS = 1000;

const framer = framedByOtherName();
if (framer) location.replace(framer);
// Before anything else: the token works once, and must not stay in the address or the history.
const token = new URLSearchParams(location.hash.slice(1)).get('token');
if (location.hash && !framer) history.replaceState(history.state, '', location.pathname + location.search);
addEventListener('hashchange', () => location.reload());
if (!framer) show().catch((error) => fail(messageOf(error)));

async function show() {
  const link = new URLSearchParams(location.search);
  const label = link.get('label') ?? '';
  document.title = label || 'seriesview';
  element('label').textContent = label;
  const refusal = token === null ? '' : await letIn(token);
  const settings = settingsOf(link.get('channel') ?? '');
  /** Whether the view read the last file that it asked for. */
  let readsFiles = false;
  const onOutcome = openChannelDialog(
    link.get('channel') ?? '',
    () => location.reload(),
    () => readsFiles,
  );
  const session = await sessionOf(settings.channel);
  const view = viewOf(link.get('v') ?? '', session);
  const wrong = problemOf(settings.channel, session, refusal);
  say(wrong);

  const data = link.get('d');
  const live = link.get('live');
  const mayAsk = session.permissions.includes('requestTasks');
  const figureData = data ? figureDataOf(data, settings, mayAsk, onOutcome, tell) : live ? { live } : undefined;
  const figureId = Array.from(crypto.getRandomValues(new Uint8Array(10)), (n) => LETTERS[n % LETTERS.length]).join('');
  const frame = document.createElement('iframe');
  frame.title = label || 'Figure';
  frame.allow = 'fullscreen; clipboard-write';
  if (!view.isOwn) frame.setAttribute('sandbox', 'allow-scripts allow-same-origin allow-downloads allow-forms');

  const send = (/** @type {object} */ message, /** @type {Transferable[]} */ transfer = []) => {
    frame.contentWindow?.postMessage(message, view.origin, transfer);
  };
  const reportState = (/** @type {object} */ state) => send({ type: 'reportUrlStateChange', state });
  /** @type {Services} */
  const services = {
    channel: settings.channel,
    leavesArraysEncoded: view.isOwn,
    figureData: Promise.resolve(figureData),
    startTask: openTasks(settings, view.isOwn, (update) => send({ type: 'taskStatusUpdate', ...update }), onOutcome),
    followSubfeed: openFeeds(settings.channel, (news) => send({ type: 'newSubfeedMessages', ...news })),
    setState(state, how) {
      setState(state, how);
      reportState(state);
    },
    replaceFigure(sha1) {
      // What was followed while it was built is built, and has a link that lasts.
      if (live && /^[0-9a-f]{40}$/.test(sha1)) setLink((query) => (query.delete('live'), query.set('d', sha1)));
    },
  };
  const onFile = (/** @type {boolean} */ isRead) => {
    readsFiles = isRead;
  };
  services.figureData.catch((error) => fail(wrong || `The figure's data cannot be read: ${messageOf(error)}`));
  addEventListener('popstate', () => reportState(stateNow() ?? {}));
  listen(frame, view.origin, figureId, services, send, onFile);

  // Of backends that want an ID the node does not say whether one is here.
  const windows = session.answersWindows && !settings.backendId ? settings.channel : '';
  frame.src = addressWith(view, figureId, session, data, windows);
  // Keys are the view's from the beginning, unless somebody has begun to type here.
  frame.addEventListener('load', () => {
    if (document.activeElement === document.body) frame.focus();
  });
  element('message').before(frame);
}

/**
 * Answer the view, and nobody else.
 * @param {HTMLIFrameElement} frame
 * @param {string} origin
 * @param {string} figureId
 * @param {Services} services
 * @param {(message: object, transfer?: Transferable[]) => void} send
 * @param {(isRead: boolean) => void} onFile hears of every file that the view asked for
 */
function listen(frame, origin, figureId, services, send, onFile) {
  let isHeard = false;
  /** Of what the view may still give up, by the names of its requests, the oldest first. @type {Map<string, AbortController>} */
  const ends = new Map();
  addEventListener('message', async (event) => {
    if (event.source !== frame.contentWindow || event.origin !== origin) return;
    const message = event.data;
    if (message?.type !== 'figurlRequest' || message.figureId !== figureId) return;
    if (typeof message.requestId !== 'string' || !isKnownRequest(message.request)) return;
    isHeard = true;
    if (message.request.type === 'giveUp') {
      ends.get(message.request.requestId)?.abort();
      ends.delete(message.request.requestId);
      return;
    }
    const end = new AbortController();
    ends.set(message.requestId, end);
    // Tasks can be given up after they were answered; who does so has few under way.
    for (const [oldest] of ends) if (ends.size > MOST_ENDS) ends.delete(oldest);
    try {
      /** @type {Record<string, any>} */
      const response = { type: message.request.type, ...(await answerTo(message.request, services, end.signal)) };
      if (end.signal.aborted) return;
      if (response.type === 'getFileData') onFile(response.fileData !== undefined);
      const transfer = response.fileData instanceof ArrayBuffer ? [response.fileData] : [];
      send({ type: 'figurlResponse', requestId: message.requestId, response }, transfer);
    } catch (error) {
      // The protocol has no answer for this; the view is left without one.
      console.warn(`${message.request.type}: ${messageOf(error)}`);
    }
  });
  frame.addEventListener('load', () => {
    const until = performance.now() + 1000 * INITIALIZE_SECONDS;
    const repeat = () => {
      if (isHeard || performance.now() > until) return;
      const state = stateNow();
      const s = state ? { s: JSON.stringify(state) } : {};
      send({ type: 'initializeFigure', parentOrigin: location.origin, figureId, ...s });
      setTimeout(repeat, 50);
    };
    repeat();
  });
}

/**
 * Exchange a link's token for a session; gives the node's reason where it refuses.
 * @param {string} secret
 * @returns {Promise<string>}
 */
async function letIn(secret) {
  try {
    await post('session', { token: secret, path: new URL(BASE).pathname });
    return '';
  } catch (error) {
    return messageOf(error);
  }
}

/** @param {string} channel @returns {Promise<Session>} */
async function sessionOf(channel) {
  const response = await reach(`${BASE}session?channel=${encodeURIComponent(channel)}`, { cache: 'no-store' });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

/** @param {string} channel @param {Session} session @param {string} refusal @returns {string} '': nothing is wrong */
function problemOf(channel, { name, channelExists, permissions }, refusal) {
  if (name === null) return `${refusal} ${NO_SESSION}`.trim();
  if (!channel) return 'The link names no kachery channel.';
  if (!channelExists) return `This node has no channel ${channel}.`;
  const missing = ['requestTasks', 'requestFiles'].filter((one) => !permissions.includes(one));
  if (!missing.length) return '';
  return (
    `Channel ${channel} does not permit this browser ${missing.join(' and ')}: ` +
    `seriesview channel set ${channel} --permit ${name}=requestTasks,requestFiles changes that.`
  );
}

/**
 * What `v` names, if this page may show it.
 * @param {string} v
 * @param {Session} session
 * @returns {View}
 */
function viewOf(v, { views, viewOrigins }) {
  const given = v.startsWith('gs://') ? `${BUCKETS}/${v.slice('gs://'.length)}/index.html` : v;
  const own = /^\/?view\/([^/?#]+)(\/|\/index\.html)?$/.exec(withoutBase(given));
  if (own && views.includes(own[1])) {
    return { address: `${BASE}view/${own[1]}/`, origin: location.origin, isOwn: true };
  }
  const address = /^https?:\/\//.test(given) ? new URL(given) : null;
  if (address && viewOrigins.includes(address.origin)) {
    return { address: address.href, origin: address.origin, isOwn: false };
  }
  const known = [...views.map((name) => `/view/${name}`), ...viewOrigins.map((one) => `views of ${one}`)];
  const shown = v.length > 200 ? `${v.slice(0, 200)}...` : v;
  throw new Error(
    v
      ? `This page does not show the view ${shown}.\nIt shows ${known.join(', ') || 'none'}. ` +
          'A node that is started with --view-origin ORIGIN also shows those of that origin.'
      : 'The link names no view: its query parameter v is missing.',
  );
}

/**
 * A notebook that calls this machine localhost gets no cookie of 127.0.0.1 sent, nor the other way round.
 * @returns {string | null} the page's address by the name that the page around it has; null: it is the same, or no other
 */
function framedByOtherName() {
  if (window === window.top || !document.referrer) return null;
  const { hostname } = new URL(document.referrer);
  if (hostname === location.hostname || !isLoopback(hostname) || !isLoopback(location.hostname)) return null;
  const address = new URL(location.href);
  address.hostname = hostname;
  return address.href;
}

/** @param {string} name of a host @returns {boolean} whether a node on loopback listens there */
function isLoopback(name) {
  return ['localhost', '127.0.0.1', '[::1]'].includes(name);
}

/** @param {string} address of a view; one of this node, by whichever of its loopback names, loses its beginning */
function withoutBase(address) {
  if (!/^https?:\/\//.test(address)) return address;
  const { protocol, hostname, port, pathname } = new URL(address);
  const isSame = hostname === location.hostname || (isLoopback(hostname) && isLoopback(location.hostname));
  if (!isSame || protocol !== location.protocol || port !== location.port) return address;
  return pathname.slice(new URL(BASE).pathname.length - 1);
}

/**
 * @param {View} view
 * @param {string} figureId
 * @param {Session} session
 * @param {string | null} data SHA-1 of the figure's data
 * @param {string} windows the kachery channel on which the node answers windows itself; '': none
 * @returns {string}
 */
function addressWith(view, figureId, session, data, windows) {
  const state = stateNow();
  // Views decode it twice, so nothing in it may look percent-encoded.
  const text = state && JSON.stringify(state).replaceAll('%', '\\u0025');
  const parameters = [`parentOrigin=${location.origin}`, `figureId=${figureId}`];
  if (view.isOwn) parameters.push('arrays=encoded');
  // A series can then be asked for by its URI.
  if (view.isOwn && /^[0-9a-f]{40}$/.test(data ?? '')) parameters.push(`figure=${data}`);
  if (view.isOwn && !session.permissions.includes('requestTasks')) parameters.push('tasks=none');
  if (view.isOwn && windows) parameters.push(`windows=${encodeURIComponent(windows)}`);
  if (text) parameters.push(`s=${encodeURIComponent(text)}`);
  return `${view.address}${view.address.includes('?') ? '&' : '?'}${parameters.join('&')}`;
}

/** @returns {object | null} the view's state in the page's address */
function stateNow() {
  try {
    const state = JSON.parse(new URLSearchParams(location.search).get('s') ?? 'null');
    return typeof state === 'object' ? state : null;
  } catch {
    return null;
  }
}

/** @param {object} state @param {'push' | 'replace'} how */
function setState(state, how) {
  setLink((query) => query.set('s', JSON.stringify(state)), how);
}

/** @param {(query: URLSearchParams) => void} change @param {'push' | 'replace'} [how] */
function setLink(change, how = 'replace') {
  const query = new URLSearchParams(location.search);
  change(query);
  const readable = query.toString().replaceAll('%2F', '/').replaceAll('%3A', ':');
  const address = `${location.pathname}?${readable}`;
  if (how === 'push') history.pushState(null, '', address);
  else history.replaceState(null, '', address);
}

/** @param {string} text shown in place of the view */
function fail(text) {
  document.querySelector('iframe')?.remove();
  tell(text);
}

/** @param {string} text shown below the view; '': nothing */
function tell(text) {
  const message = element('message');
  message.textContent = text;
  message.hidden = !text;
}
