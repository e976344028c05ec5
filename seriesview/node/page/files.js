/** @file Artifacts by HTTP: from the node's storage for who may read it, else from the channel's bucket. */

/** Where the node's own paths begin, also behind a proxy that puts something before them. */
export const BASE = new URL('.', location.href).href.replace(/[?#].*$/, '');

export const NO_SESSION =
  'This browser has not been let in by this node. Print a new link (seriesview serve, seriesview view) where the ' +
  'node runs, and open it here: each link lets one browser in.';
const NO_ANSWER =
  'The node does not answer. Is it still running, and the network there? It is asked again every few seconds.';

/** Until when (performance.now()) only the bucket is asked, because this browser may not read other files. */
let refusedUntil = 0;

const REFUSED_MILLISECONDS = 10_000;
const MOST_TRIES = 5;
/** An answer that is so late is taken for lost: connections can go silent without an end. */
const ANSWER_MILLISECONDS = 15_000;

const URI = /^(?:sha1:\/\/)?([0-9a-f]{40})(?:[/?].*)?$/;

/**
 * The address of an artifact.
 * @param {string} uri sha1://HASH..., or the hash alone
 * @param {string} channel
 * @returns {{stored: string, bucket: string}}
 */
export function addressesOf(uri, channel) {
  const hash = URI.exec(uri)?.[1];
  if (!hash) throw new Error(`${String(uri).slice(0, 100)} is no sha1:// address; this page reads no others.`);
  if (!channel) throw new Error('No kachery channel is named; set one in the menu in the upper right corner.');
  const folders = [0, 2, 4].map((start) => hash.slice(start, start + 2)).join('/');
  const path = `${encodeURIComponent(channel)}/sha1/${folders}/${hash}`;
  return { stored: `${BASE}files/${path}`, bucket: `${BASE}bucket/${path}` };
}

/**
 * Fetch an artifact, or bytes [startByte, endByte) of it. Rejects with an Error whose message is for the user.
 * @param {string} uri
 * @param {string} channel
 * @param {number} [startByte]
 * @param {number} [endByte] left out: to the end
 * @param {AbortSignal} [signal]
 * @returns {Promise<Response>} whose body is what was asked for
 */
export async function fetchArtifact(uri, channel, startByte, endByte, signal) {
  const { stored, bucket } = addressesOf(uri, channel);
  if (startByte !== undefined && startByte === endByte) return new Response(new ArrayBuffer(0));
  const isPart = startByte !== undefined || endByte !== undefined;
  const last = endByte === undefined ? '' : endByte - 1;
  const headers = isPart ? { Range: `bytes=${startByte ?? 0}-${last}` } : undefined;
  let isRefused = performance.now() < refusedUntil;
  let response = await reach(isRefused ? bucket : stored, { headers, signal });
  if (response.status === 403) {
    isRefused = true;
    refusedUntil = performance.now() + REFUSED_MILLISECONDS;
    response = await reach(bucket, { headers, signal });
  }
  if (response.status === 404) {
    const where = isRefused ? 'in the bucket, and this browser may not read other files' : 'on this node';
    throw new Error(`${uri} is not ${where}.`);
  }
  if (response.status === 416) throw new Error(`${uri} has no byte ${startByte}.`);
  if (!response.ok) throw new Error((await response.text()) || `${uri} could not be read: HTTP ${response.status}.`);
  if (isPart && response.status !== 206) throw new Error(`${uri} was sent whole where a part was asked for.`);
  return response;
}

/**
 * Post JSON to the node. Rejects with an Error whose message is for the user.
 * @param {string} path without a slash before it
 * @param {{timeoutMsec?: number, waitMsec?: number, [field: string]: any}} body how long the node may wait for news
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function post(path, body, signal) {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), (body.timeoutMsec ?? body.waitMsec ?? 0) + ANSWER_MILLISECONDS);
  if (signal?.aborted) end.abort();
  const abort = () => end.abort();
  signal?.addEventListener('abort', abort);
  try {
    return await answered(path, body, end.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** @param {string} path @param {object} body @param {AbortSignal} signal @returns {Promise<any>} as `post` */
async function answered(path, body, signal) {
  const headers = { 'Content-Type': 'application/json' };
  const request = { method: 'POST', headers, body: JSON.stringify(body), signal };
  const response = await reach(BASE + path, request);
  if (response.ok) return response.json();
  // A link's token is refused for reasons of its own.
  if (response.status === 403 && path !== 'session' && !(await isLetIn())) throw new Error(NO_SESSION);
  throw new Error((await response.text()) || `The node answered with the HTTP status ${response.status}.`);
}

/** @returns {Promise<boolean>} whether the node knows this browser; one that was started again knows none */
async function isLetIn() {
  const response = await reach(`${BASE}session?channel=`, { cache: 'no-store' });
  return !response.ok || (await response.json()).name !== null;
}

/**
 * Ask the node; where that was too much at once, again when it says.
 * @param {string} address
 * @param {RequestInit} [request]
 * @returns {Promise<Response>}
 */
export async function reach(address, request) {
  for (let tries = 1; ; tries += 1) {
    let response;
    try {
      response = await fetch(address, request);
    } catch {
      throw new Error(NO_ANSWER);
    }
    if (response.status !== 429 || tries === MOST_TRIES) return response;
    await pause(1000 * Math.min(10, Number(response.headers.get('Retry-After')) || 1));
  }
}

/** @param {number} milliseconds @returns {Promise<void>} */
export function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
