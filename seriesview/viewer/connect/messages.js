/**
 * @file Messages between a figurl view and its parent page: requests out, answers and news in.
 *
 * What goes out has exactly the fields that the protocol names: parents ignore a message with one field more.
 */

import { SourceError } from '../source/errors.js';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * Who the parent is, and the figure that it shows here.
 * @typedef {object} Parent
 * @property {Window} window
 * @property {string} origin of its page; '*' where it is not known
 * @property {string} figureId
 * @property {string | null} state JSON as it was given, perhaps percent-encoded
 */

/**
 * A parent that can be asked.
 * @typedef {object} Figurl
 * @property {(request: {type: string, [field: string]: any}, seconds?: number, signal?: AbortSignal) => Promise<any>} ask
 *   gives the response, of the same type; rejects with an error of kind `network` after `seconds` (left out: waits for
 *   ever); with a signal, which only a node's own page may be given, it can be given up, answered or not
 * @property {(type: string, callback: (message: any) => void) => void} on messages that answer nothing
 */

/**
 * The query parameters of an address: everything after its first `?`, a `#` included.
 * @param {string} href
 * @returns {Map<string, string>} names and values percent-decoded, the first of each name
 */
export function queryOf(href) {
  /** @type {Map<string, string>} */
  const found = new Map();
  const start = href.indexOf('?');
  if (start < 0) return found;
  for (const part of href.slice(start + 1).split('&')) {
    const equals = part.indexOf('=');
    const name = decoded(equals < 0 ? part : part.slice(0, equals));
    if (!found.has(name)) found.set(name, equals < 0 ? '' : decoded(part.slice(equals + 1)));
  }
  return found;
}

/**
 * The state that a text of JSON holds, perhaps percent-encoded once more; null where it holds none.
 * @param {string | null | undefined} text
 * @returns {Record<string, any> | null}
 */
export function stateOf(text) {
  if (!text) return null;
  for (const json of [text, decoded(text)]) {
    try {
      const state = JSON.parse(json);
      if (isObject(state)) return state;
    } catch {
      // The other way of writing it.
    }
  }
  return null;
}

/**
 * The parent that the page's address names; null where it names none.
 * @param {Map<string, string>} query
 * @returns {Parent | null}
 */
export function parentOfQuery(query) {
  const origin = query.get('parentOrigin');
  const figureId = query.get('figureId');
  const peer = peerOf(query);
  if (!peer || origin === undefined || !figureId || !isOrigin(origin)) return null;
  return { window: peer, origin, figureId, state: query.get('s') ?? null };
}

/**
 * The parent that an initializeFigure message names. Only the first such message counts.
 * @param {Map<string, string>} query
 * @param {AbortSignal} signal ends the waiting
 * @returns {Promise<Parent>}
 */
export function parentOfMessage(query, signal) {
  return new Promise((resolve) => {
    const ending = new AbortController();
    signal.addEventListener('abort', () => ending.abort());
    const listen = (/** @type {MessageEvent} */ event) => {
      const message = event.data;
      if (event.source !== peerOf(query) || !isObject(message) || message.type !== 'initializeFigure') return;
      const { parentOrigin, figureId, s } = message;
      if (typeof figureId !== 'string' || (parentOrigin !== '*' && parentOrigin !== event.origin)) return;
      ending.abort();
      resolve({
        window: /** @type {Window} */ (event.source),
        origin: event.origin === 'null' ? '*' : event.origin,
        figureId,
        state: typeof s === 'string' ? s : null,
      });
    };
    addEventListener('message', listen, { signal: ending.signal });
  });
}

/**
 * The page that this one was opened by or lies in; null where there is none.
 * @param {Map<string, string>} query
 * @returns {Window | null}
 */
export function peerOf(query) {
  const peer = query.get('useOpener') === '1' ? window.opener : window.parent;
  return peer && peer !== window ? peer : null;
}

/**
 * Begin to talk to a parent.
 * @param {Parent} parent
 * @returns {Figurl}
 */
export function talkTo(parent) {
  /** @type {Map<string, {type: string, resolve: (response: any) => void}>} */
  const waiting = new Map();
  /** @type {Map<string, ((message: any) => void)[]>} */
  const listeners = new Map();

  addEventListener('message', (event) => {
    if (event.source !== parent.window || (parent.origin !== '*' && event.origin !== parent.origin)) return;
    const message = event.data;
    if (!isObject(message) || typeof message.type !== 'string') return;
    if (message.type !== 'figurlResponse') {
      for (const callback of listeners.get(message.type) ?? []) callback(message);
      return;
    }
    const asked = waiting.get(message.requestId);
    if (!asked || !isObject(message.response) || message.response.type !== asked.type) return;
    waiting.delete(message.requestId);
    asked.resolve(message.response);
  });

  return {
    ask(request, seconds, signal) {
      const requestId = randomLetters();
      const send = (/** @type {object} */ message, id = requestId) => {
        const whole = { type: 'figurlRequest', figureId: parent.figureId, requestId: id, request: message };
        parent.window.postMessage(whole, parent.origin);
      };
      return new Promise((resolve, reject) => {
        waiting.set(requestId, { type: request.type, resolve });
        send(request);
        signal?.addEventListener(
          'abort',
          () => {
            waiting.delete(requestId);
            send({ type: 'giveUp', requestId }, randomLetters());
            reject(signal.reason);
          },
          { once: true },
        );
        if (seconds === undefined) return;
        setTimeout(() => {
          if (!waiting.delete(requestId)) return;
          reject(
            new SourceError(
              'network',
              `The page around this view did not answer within ${seconds} s (${request.type}).`,
            ),
          );
        }, 1000 * seconds);
      });
    },
    on(type, callback) {
      listeners.set(type, [...(listeners.get(type) ?? []), callback]);
    },
  };
}

/**
 * Whether a value is an object with fields.
 * @param {any} value
 * @returns {value is Record<string, any>}
 */
export function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {string} text */
function isOrigin(text) {
  if (text === '*') return true;
  try {
    return new URL(text).origin === text;
  } catch {
    return false;
  }
}

function randomLetters() {
  const numbers = crypto.getRandomValues(new Uint8Array(10));
  return Array.from(numbers, (number) => LETTERS[number % LETTERS.length]).join('');
}
