/** @file The viewer without a parent: artifacts are plain files beside the page, the state is in its own address. */

import { SourceError } from '../source/errors.js';
import { isObject, stateOf } from './messages.js';

/** @typedef {import('./start.js').Connection} Connection */

const FORMAT = 'seriesview-export/1';
const URI = /^sha1:\/\/[0-9a-f]{40}(?:[/?]|$)/;

/**
 * Connect to the files of an exported folder.
 * @returns {Promise<Connection>}
 */
export async function staticConnection() {
  const base = new URL('.', location.href).href.replace(/[?#].*$/, '');
  const description = await readJson(`${base}export.json`);
  if (!isObject(description) || !URI.test(String(description.workspace)) || description.format !== FORMAT) {
    throw new SourceError('damaged', `export.json does not describe a folder of the format ${FORMAT}.`);
  }
  return {
    start: {
      mode: 'static',
      // It names the workspace, which is read and checked where all artifacts are.
      figureData: description,
      base,
      hasTasks: false,
      hasByteRanges: false,
      leavesArraysEncoded: false,
      workspaceUri: description.workspace,
    },
    outside: { getFileJson: noParent, getFileBytes: noParent, runTask: noParent },
    ...addressState(),
    onBackend: () => {},
    linkNote: () => loopbackNote(location.hostname, false),
  };
}

/**
 * What whoever copies a link to a page of `hostname` should know; null: nothing.
 * @param {string} hostname
 * @param {boolean} isNode the page is a node's
 * @returns {string | null}
 */
export function loopbackNote(hostname, isNode) {
  if (isLoopback(hostname)) {
    return (
      'This link works on this computer only. To share what you see, run `seriesview export` or `seriesview publish` ' +
      'and send the link of what it makes; docs/node.md says how others can reach a node.'
    );
  }
  return isNode ? 'Whoever opens it for the first time needs a new link, which `seriesview serve` prints.' : null;
}

/** @param {string} hostname */
function isLoopback(hostname) {
  return /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

/** The state in the query parameter `s` of the page's own address. */
function addressState() {
  const read = () => stateOf(new URLSearchParams(location.search).get('s'));
  /** @type {Pick<Connection, 'state' | 'setState' | 'onState' | 'link'>} */
  const state = {
    state: read(),
    setState(value, how) {
      const query = new URLSearchParams(location.search);
      query.set('s', JSON.stringify(value));
      const address = `${location.pathname}?${query}`;
      if (how === 'push') history.pushState(null, '', address);
      else history.replaceState(null, '', address);
    },
    onState(callback) {
      addEventListener('popstate', () => callback(read() ?? {}));
    },
    link: () => location.href,
  };
  return state;
}

/** @param {string} address @returns {Promise<any>} */
async function readJson(address) {
  const name = address.slice(address.lastIndexOf('/') + 1);
  let response;
  try {
    response = await fetch(address, { cache: 'no-cache' });
  } catch {
    throw new SourceError(
      'network',
      `${name} could not be fetched. A folder must be shown by a web server, not as file://.`,
    );
  }
  if (response.status === 404) throw new SourceError('missing', `${name} is not there.`);
  if (!response.ok) throw new SourceError('network', `${name} could not be fetched (HTTP status ${response.status}).`);
  try {
    return await response.json();
  } catch {
    throw new SourceError('damaged', `${name} is not JSON.`);
  }
}

/** @returns {Promise<any>} */
async function noParent() {
  throw new SourceError('missing', 'This page has no figurl page around it.');
}
