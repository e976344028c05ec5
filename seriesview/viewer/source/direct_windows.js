/** @file Windows out of the node's own process, with no task between, where a node and a backend are one (docs/tasks.md). */

import { SourceError, parseCoded } from './errors.js';

/**
 * Asks for a window with the arguments of get_window; null: it is to be asked for by a task, which also says what is wrong.
 * Rejects with what a task would have said, and when it is given up.
 * @typedef {(kwargs: object, signal?: AbortSignal) => Promise<{result: any, bytes: ArrayBuffer} | null>} AskDirectly
 */

const REST_MILLISECONDS = 5000;

/**
 * @param {{address: string, channel: string}} where
 * @returns {AskDirectly}
 */
export function directWindows({ address, channel }) {
  let restsUntil = -Infinity;

  /** @param {number} milliseconds @returns {null} */
  function rest(milliseconds) {
    restsUntil = performance.now() + milliseconds;
    return null;
  }

  return async (kwargs, signal) => {
    if (performance.now() < restsUntil) return null;
    let response;
    let answer;
    try {
      response = await fetch(address, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ channelName: channel, taskKwargs: kwargs }),
        signal,
      });
      // Another program may have taken the node's place, which has none.
      if (response.status === 404 || response.status === 405) return rest(Infinity);
      if (!response.ok) return rest(REST_MILLISECONDS);
      answer = partsOf(await response.arrayBuffer());
    } catch {
      signal?.throwIfAborted();
      return rest(REST_MILLISECONDS);
    }
    if (answer.said.status === 'finished') return { result: answer.said.result, bytes: answer.bytes };
    const { sentence, ...facts } = parseCoded(String(answer.said.errorMessage));
    if (facts.code === 'no-backend') return rest(REST_MILLISECONDS);
    throw new SourceError('refused', sentence, facts);
  };
}

/**
 * The JSON of an answer, whose length stands before it in 4 bytes, and what follows.
 * @param {ArrayBuffer} answer
 * @returns {{said: any, bytes: ArrayBuffer}}
 */
function partsOf(answer) {
  const end = 4 + new DataView(answer).getUint32(0, true);
  return { said: JSON.parse(new TextDecoder().decode(answer.slice(4, end))), bytes: answer.slice(end) };
}
