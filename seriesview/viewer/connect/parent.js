/** @file The viewer in a figurl page: what that page can do, files and tasks through it, the state in its address. */

import { SourceError } from '../source/errors.js';
import { loopbackNote } from './files.js';
import { isObject, stateOf, talkTo } from './messages.js';
import { tasksOf } from './tasks.js';

/** @typedef {import('./messages.js').Figurl} Figurl */
/** @typedef {import('./messages.js').Parent} Parent */
/** @typedef {import('./start.js').Connection} Connection */

const PROBE_SECONDS = 1.5;
/** A parent that reports a state that it was told does so within this time; later reports are moves in its history. */
const REPORT_MILLISECONDS = 1500;
/** Generation K does not answer for a file that it cannot read. */
const JSON_SECONDS = 20;
const BYTES_SECONDS = 120;

/**
 * Connect to a figurl parent. A parent of generation K is never sent what later generations added: it is told by its
 * answer to a task, the later ones by theirs to getFileDataUrl or by initializeFigure.
 * @param {Parent} parent
 * @param {Map<string, string>} query of the page's address; the node's own page adds `arrays=encoded`, `figure`, `windows`
 * @returns {Promise<Connection>}
 */
export async function parentConnection(parent, query) {
  const figurl = talkTo(parent);
  const isNode = query.get('arrays') === 'encoded';
  const tasks = tasksOf(figurl, isNode);
  let initialState = stateOf(parent.state);
  let isInitialized = !query.has('parentOrigin');
  figurl.on('initializeFigure', (message) => {
    isInitialized = true;
    initialState ??= stateOf(message.s);
  });
  const figure = figurl.ask({ type: 'getFigureData' });
  const abilities = isNode ? { hasTasks: query.get('tasks') !== 'none', isLater: true } : await probed();
  const { figureData } = await figure;
  const live = isNode && isObject(figureData) && typeof figureData.live === 'string' ? figureData.live : null;
  if (figureData === undefined)
    throw new SourceError('missing', 'The link names no figure: its query parameter d is missing.');

  /** @returns {Promise<{hasTasks: boolean, isLater: boolean}>} */
  async function probed() {
    await figure;
    const ended = new Promise((resolve) => setTimeout(resolve, 1000 * PROBE_SECONDS));
    let hasTasks = false;
    let isLater = isInitialized;
    const uri = `sha1://${'0'.repeat(40)}`;
    await Promise.race([
      ended,
      tasks.probe().then(
        () => (hasTasks = true),
        () => ended,
      ),
      isLater || figurl.ask({ type: 'getFileDataUrl', uri }).then(() => (isLater = true)),
    ]);
    // A parent that answers neither has at least files: what has no tasks is of a later generation.
    return { hasTasks, isLater: isLater || isInitialized || !hasTasks };
  }

  return {
    start: {
      mode: 'parent',
      figureData,
      base: '',
      hasTasks: abilities.hasTasks,
      hasByteRanges: abilities.isLater,
      leavesArraysEncoded: isNode,
      ...(isNode && query.get('windows') ? { windows: windowsAt(String(query.get('windows'))) } : {}),
      ...(live === null ? {} : { live: new URL(`../../live/${live}`, location.href).href }),
      ...(isNode && query.has('figure') ? { figureUri: `sha1://${query.get('figure')}/figure.json` } : {}),
    },
    outside: {
      getFileJson: (uri) => readFile(figurl, { type: 'getFileData', uri }, JSON_SECONDS),
      async getFileBytes(uri, startByte, endByte, signal) {
        const range = startByte === undefined ? {} : { startByte, endByte };
        const request = { type: 'getFileData', uri, responseType: 'binary', ...range };
        const data = await readFile(figurl, request, BYTES_SECONDS, isNode ? signal : undefined);
        if (data instanceof ArrayBuffer) return data;
        throw new SourceError('damaged', `The page around this view gave no bytes for ${uri}.`);
      },
      runTask: tasks.run,
    },
    state: initialState,
    replaceFigure(uri) {
      if (isNode) figurl.ask({ type: 'replaceFigure', sha1: uri.slice(7, 47) });
    },
    ...parentState(figurl, abilities.isLater, isNode),
    onBackend: tasks.onBackend,
    link: () => addressOfParent(parent),
    linkNote: () => linkNote(parent, abilities.isLater, isNode),
  };
}

/** @param {string} channel @returns {{address: string, channel: string}} of a node, below which this view lies in /view/NAME/ */
function windowsAt(channel) {
  return { address: new URL('../../window', location.href.replace(/[?#].*$/, '')).href, channel };
}

/**
 * @param {Figurl} figurl
 * @param {{type: string, uri: string, [field: string]: any}} request
 * @param {number} seconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
async function readFile(figurl, request, seconds, signal) {
  const answer = await figurl.ask(request, seconds, signal);
  if (answer.fileData !== undefined) return answer.fileData;
  throw new SourceError('missing', answer.errorMessage || `${request.uri} could not be read.`);
}

/**
 * The state in the parent's address; under a parent that keeps none it lasts as long as the page.
 * @param {Figurl} figurl
 * @param {boolean} isKept the parent keeps it
 * @param {boolean} isNode the node's page also takes whether it is a step of the history
 * @returns {Pick<Connection, 'setState' | 'onState'>}
 */
function parentState(figurl, isKept, isNode) {
  let last = '';
  /** What the parent was told and may still report. @type {string[]} */
  const told = [];
  return {
    setState(state, how) {
      last = JSON.stringify(state);
      if (!isKept) return;
      told.push(last);
      setTimeout(() => told.shift(), REPORT_MILLISECONDS);
      figurl.ask({ type: 'setUrlState', state: JSON.parse(last), ...(isNode ? { history: how } : {}) });
    },
    onState(callback) {
      figurl.on('reportUrlStateChange', ({ state }) => {
        // Parents also report what the view itself has set, perhaps after it has set more.
        const text = JSON.stringify(state);
        const place = told.indexOf(text);
        if (place >= 0) told[place] = '';
        if (!isObject(state) || place >= 0 || text === last) return;
        last = text;
        callback(state);
      });
    },
  };
}

/** @param {Parent} parent @returns {string} */
function addressOfParent(parent) {
  try {
    return parent.window.location.href;
  } catch {
    // Of another origin: only its own address bar shows it.
    return '';
  }
}

/** @param {Parent} parent @param {boolean} isKept @param {boolean} isNode @returns {string | null} */
function linkNote(parent, isKept, isNode) {
  if (!isKept) return 'This page keeps no state: its link opens the figure as it was at first.';
  if (parent.origin === '*') return null;
  return loopbackNote(new URL(parent.origin).hostname, isNode);
}
