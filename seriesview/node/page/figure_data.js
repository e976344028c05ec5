/** @file The figure's data: read as a file, or, where the node does not hold them, asked of a backend. */

import { errorOf, messageOf } from './errors.js';
import { fetchArtifact } from './files.js';
import { openTasks } from './tasks.js';

/**
 * Functions that give what a figure's data can be: what they call its address, and how their result is read.
 * @type {[string, (uri: string) => object, (result: any) => any][]}
 */
const FUNCTIONS = [
  ['seriesview.get_workspace.1', (uri) => ({ workspace_uri: uri }), (result) => result],
  ['seriesview.get_series_manifest.1', (uri) => ({ series_uri: uri }), (result) => result],
  ['seriesview.get_array.2', (uri) => ({ dtype: 'uint8', uri }), viewIn],
];

/**
 * The figure's data as stored.
 * @param {string} hash
 * @param {{channel: string, backendId: string}} settings
 * @param {boolean} mayAsk whether backends may be asked
 * @param {(outcome: import('./tasks.js').Outcome) => void} onOutcome hears of every status
 * @param {(text: string) => void} show says what is waited for; '': nothing any more
 * @returns {Promise<any>}
 */
export async function figureDataOf(hash, settings, mayAsk, onOutcome, show) {
  let response;
  try {
    response = await fetchArtifact(hash, settings.channel);
  } catch (error) {
    if (!mayAsk || !/^[0-9a-f]{40}$/.test(hash)) throw error;
    show(`${messageOf(error)} A backend is asked for it.`);
    const asked = FUNCTIONS.map(async ([functionId, kwargsFor, read]) =>
      read(await resultOf(functionId, kwargsFor(`sha1://${hash}/figure.json`), settings, onOutcome)),
    );
    const data = await Promise.any(asked).catch((refusals) => {
      // What is wrong with the bucket alone is said alone, whatever else was asked for in vain.
      const ofBucket = refusals.errors.find((/** @type {any} */ refusal) => refusal.code === 'bucket-unusable');
      throw ofBucket ?? new Error([...new Set([error, ...refusals.errors].map(messageOf))].join('\n'));
    });
    show('');
    return data;
  }
  return response.json();
}

/**
 * The figure of a view that was put together in Python, out of its bytes.
 * @param {{array: {data_b64: string}}} result
 * @returns {object}
 */
function viewIn({ array }) {
  const bytes = Uint8Array.from(atob(array.data_b64), (character) => character.charCodeAt(0));
  try {
    const figure = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof figure.type === 'string' && figure.data) return figure;
  } catch {
    // Said below.
  }
  throw new Error('What is stored there is no figure of a view.');
}

/**
 * @param {string} functionId
 * @param {object} kwargs
 * @param {{channel: string, backendId: string}} settings
 * @param {(outcome: import('./tasks.js').Outcome) => void} onOutcome
 * @returns {Promise<any>}
 */
function resultOf(functionId, kwargs, settings, onOutcome) {
  return new Promise((resolve, reject) => {
    const take = (/** @type {import('./tasks.js').Update} */ { status, errorMessage, returnValue }) => {
      if (status === 'finished') resolve(returnValue);
      else if (status === 'error') reject(errorOf(errorMessage));
    };
    const start = openTasks(settings, true, take, onOutcome);
    const request = /** @type {import('./tasks.js').TaskRequest} */ ({
      functionId,
      kwargs,
      functionType: 'pure-calculation',
      queryUseCache: false,
      queryFallbackToCache: false,
    });
    start(request).then(take, reject);
  });
}
