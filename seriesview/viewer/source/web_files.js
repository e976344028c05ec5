/** @file Artifacts that are plain files of a web server: whole, or a stretch of one where the server knows ranges. */

import { hashOf } from './artifacts.js';
import { SourceError } from './errors.js';

const LOAD_MILLISECONDS = 300_000;

/**
 * @param {string} base address of the folder, with a final slash
 * @returns {{
 *   bytes: (uri: string, isAgain: boolean, ended?: AbortSignal) => Promise<ArrayBuffer>,
 *   stretch: import('./packs.js').AskStretch,
 * }}
 */
export function filesOf(base) {
  /**
   * @param {string} uri
   * @param {boolean} isAgain past caches
   * @param {AbortSignal} [ended]
   * @param {Record<string, string>} [headers]
   * @returns {Promise<Response>} of any status but those after which one tries again
   */
  async function ask(uri, isAgain, ended, headers) {
    const late = AbortSignal.timeout(LOAD_MILLISECONDS);
    const signal = ended ? AbortSignal.any([late, ended]) : late;
    const response = await read(
      uri,
      ended,
      fetch(base + pathOf(uri), { cache: isAgain ? 'reload' : 'default', signal, headers }),
    );
    if (response.status !== 429 && response.status < 500) return response;
    throw new SourceError('network', `${pathOf(uri)}: the server answered ${response.status}; try again`);
  }

  return {
    async bytes(uri, isAgain, ended) {
      const response = await ask(uri, isAgain, ended);
      const path = pathOf(uri);
      if (response.ok) return read(uri, ended, response.arrayBuffer());
      if (response.status === 401 || response.status === 403) {
        const words = `you may not read ${path}, or it is not there; ask whoever sent you the link (status ${response.status})`;
        throw new SourceError('refused', words);
      }
      const words = `${path} is not there (the server answered ${response.status}); export the workspace again`;
      throw new SourceError('missing', words);
    },
    async stretch(uri, start, end, isAgain, ended) {
      const response = await ask(uri, isAgain, ended, { Range: `bytes=${start}-${end - 1}` });
      if (!response.ok) return null;
      return {
        isWhole: response.status !== 206,
        bytes: () => read(uri, ended, response.arrayBuffer()),
        cancel: () => void response.body?.cancel().catch(() => {}),
      };
    },
  };
}

/** @template T @param {string} uri @param {AbortSignal | undefined} ended @param {Promise<T>} loading @returns {Promise<T>} */
async function read(uri, ended, loading) {
  try {
    return await loading;
  } catch {
    ended?.throwIfAborted();
    throw new SourceError('network', `${pathOf(uri)} could not be fetched; check the connection and try again`);
  }
}

/** @param {string} uri @returns {string} */
function pathOf(uri) {
  const hash = hashOf(uri);
  return `sha1/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash.slice(4, 6)}/${hash}`;
}
