/** @file What a view may ask of this page: generations K and N of the figurl protocol. */

import { decodeArrays } from './arrays.js';
import { messageOf } from './errors.js';
import { addressesOf, fetchArtifact } from './files.js';

/**
 * @typedef {object} Services what stands behind the answers
 * @property {string} channel
 * @property {boolean} leavesArraysEncoded the view decodes arrays itself
 * @property {Promise<any>} figureData as stored
 * @property {(request: any, signal: AbortSignal) => Promise<any>} startTask
 * @property {(feedId: string, subfeedHash: string) => Promise<object[]>} followSubfeed
 * @property {(state: object, how: 'push' | 'replace') => void} setState
 * @property {(sha1: string) => void} replaceFigure
 */

/** Fields of each request beside `type`; a `?` may be left out. One that is not named makes a message foreign. */
const FIELDS = {
  getFigureData: 'figurlProtocolVersion?:string',
  getFileData:
    'uri?:string sha1?:string responseType?:string startByte?:number endByte?:number figurlProtocolVersion?:string',
  getFileDataUrl: 'uri:string figurlProtocolVersion?:string',
  initiateTask:
    'functionId:string kwargs:object functionType:string queryUseCache:boolean queryFallbackToCache:boolean',
  subscribeToSubfeed: 'feedId:string subfeedHash:string',
  getMutable: 'key:any',
  storeFile: 'fileData:string jotId?:string uri?:string',
  storeGithubFile: 'fileData:string uri:string',
  setUrlState: 'state:object history?:string',
  giveUp: 'requestId:string',
  replaceFigure: 'sha1:string',
  readDir: 'uri:string figurlProtocolVersion?:string',
  serviceQuery: 'serviceName:string query:any includeUserId?:boolean figurlProtocolVersion?:string',
};

const LARGEST_DATA_URL = 50_000_000;

/**
 * Whether a value is a request that this page knows, with the fields that it may have and no others.
 * @param {any} request
 * @returns {boolean}
 */
export function isKnownRequest(request) {
  if (typeof request !== 'object' || request === null || !Object.hasOwn(FIELDS, request.type)) return false;
  const text = FIELDS[/** @type {keyof typeof FIELDS} */ (request.type)];
  const kinds = new Map(text.split(' ').map((field) => /** @type {[string, string]} */ (field.split(':'))));
  for (const [name, value] of Object.entries(request)) {
    if (name === 'type') continue;
    const kind = kinds.get(name) ?? kinds.get(`${name}?`);
    if (!kind || (value !== undefined && kind !== 'any' && (typeof value !== kind || value === null))) return false;
  }
  return [...kinds.keys()].every((name) => name.endsWith('?') || request[name] !== undefined);
}

/**
 * The answer to a request; rejects where there is none.
 * @param {any} request a known one
 * @param {Services} services
 * @param {AbortSignal} signal gives it up, a task after it was answered too
 * @returns {Promise<Record<string, any>>} without its type
 */
export async function answerTo(request, services, signal) {
  const isEncoded = services.leavesArraysEncoded || request.figurlProtocolVersion === 'p1';
  switch (request.type) {
    case 'getFigureData': {
      const figureData = await services.figureData;
      return { figureData: isEncoded ? figureData : await decodeArrays(figureData) };
    }
    case 'getFileData':
      return orMessage(async () => ({ fileData: await readFile(request, services.channel, isEncoded, signal) }));
    case 'getFileDataUrl':
      return orMessage(async () => ({ fileDataUrl: await dataUrl(request.uri, services) }));
    case 'initiateTask': {
      const { taskId, status, ...rest } = await services.startTask(request, signal);
      return { taskId, taskStatus: status, ...rest };
    }
    case 'subscribeToSubfeed':
      return { messages: await services.followSubfeed(request.feedId, request.subfeedHash) };
    case 'getMutable':
      // The node gives mutables to kachery clients alone.
      return { value: null };
    case 'storeFile':
      return { error: 'This page stores no files.' };
    case 'storeGithubFile':
      return { success: false, error: 'This page stores no files.' };
    case 'setUrlState':
      services.setState(request.state, request.history === 'push' ? 'push' : 'replace');
      return {};
    case 'replaceFigure':
      services.replaceFigure(request.sha1);
      return {};
    case 'readDir':
      return { errorMessage: 'This page has no folders.' };
    default:
      return { errorMessage: 'This page has no services.' };
  }
}

/** @param {any} request @param {string} channel @param {boolean} isEncoded @param {AbortSignal} signal @returns {Promise<any>} */
async function readFile(request, channel, isEncoded, signal) {
  const { sha1, uri = sha1, responseType = 'json-deserialized', startByte, endByte } = request;
  const isPart = startByte !== undefined || endByte !== undefined;
  if (isPart && responseType !== 'text' && responseType !== 'binary') {
    throw new Error('A range of bytes can be read as text or binary only.');
  }
  const response = await fetchArtifact(uri, channel, startByte, endByte, signal);
  if (responseType === 'binary') return response.arrayBuffer();
  if (responseType === 'text') return response.text();
  const value = await response.json().catch(() => {
    throw new Error(`${uri} is not JSON.`);
  });
  return isEncoded || responseType === 'json' ? value : decodeArrays(value);
}

/** @param {string} uri @param {Services} services @returns {Promise<string>} an address that the view can read */
async function dataUrl(uri, { channel, leavesArraysEncoded }) {
  const response = await fetchArtifact(uri, channel, ...(leavesArraysEncoded ? [0, 1] : []));
  if (leavesArraysEncoded) return addressesOf(uri, channel)[response.url.includes('/files/') ? 'stored' : 'bucket'];
  if (Number(response.headers.get('Content-Length')) > LARGEST_DATA_URL) {
    throw new Error(`${uri} is too large for an address that holds it.`);
  }
  const reader = new FileReader();
  const blob = await response.blob();
  return new Promise((resolve) => {
    reader.addEventListener('load', () => resolve(String(reader.result)));
    reader.readAsDataURL(blob);
  });
}

/** @param {() => Promise<Record<string, any>>} read @returns {Promise<Record<string, any>>} */
async function orMessage(read) {
  try {
    return await read();
  } catch (error) {
    return { errorMessage: messageOf(error) };
  }
}
