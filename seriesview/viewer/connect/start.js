/** @file How the viewer was started, and by whom: a figurl parent, or static files beside the page. */

import { SourceError } from '../source/errors.js';
import { parentConnection } from './parent.js';
import { parentOfMessage, parentOfQuery, peerOf, queryOf } from './messages.js';
import { staticConnection } from './files.js';

/** @typedef {import('../types.js').Start} Start */
/** @typedef {import('../types.js').Outside} Outside */

/**
 * What the viewer knows of the world around it.
 * @typedef {object} Connection
 * @property {Start} start
 * @property {Record<string, any> | null} state that the link holds, not checked; null: none
 * @property {Outside} outside
 * @property {(state: object, how: 'push' | 'replace') => void} setState keep it in the link; push: a step of the history
 * @property {(callback: (state: Record<string, any>) => void) => void} onState called on back and forward
 * @property {(callback: () => void) => void} onBackend called when a backend that was missing is there again
 * @property {(uri: string) => void} [replaceFigure] have the link lead to this from now on
 * @property {() => string} link to what is shown; empty where only the page around knows it
 * @property {() => string | null} linkNote what whoever copies the link should know; null: nothing
 */

/**
 * Find out how the page was started. Rejects with an Error whose message is for the user.
 * @returns {Promise<Connection>}
 */
export async function connect() {
  const query = queryOf(location.href);
  const parent = parentOfQuery(query);
  if (parent) return parentConnection(parent, query);
  if (!peerOf(query)) return staticConnection();
  const waiting = new AbortController();
  try {
    return await Promise.any([
      parentOfMessage(query, waiting.signal).then((found) => parentConnection(found, query)),
      staticConnection(),
      // Parents that start a view by message alone repeat it for up to 30 s.
      new Promise((_, reject) => setTimeout(reject, 30_000)),
    ]);
  } catch {
    throw new SourceError(
      'missing',
      'Nothing says what to show: no figurl page started this view, and here is no export.json.',
    );
  } finally {
    waiting.abort();
  }
}
