/**
 * Plays a figurl parent of generation K (2021-22): tasks on a channel, files as JSON alone, arrays decoded to nested
 * lists, no state; strict about every message, and silent where it cannot answer.
 * Address: ?view=ADDRESS&data=URI&storage=ADDRESS; tasks are run by POST to /tasks.
 */
import { bytesOf, isObject, isText, listenTo, parsed, record } from './playing.js';

const parameters = new URLSearchParams(location.search);
const view = new URL(parameters.get('view'));
const storage = parameters.get('storage');
const iframe = document.getElementById('view');
const figureId = 'abcdefghij';
const is = (value) => (one) => one === value;
const isBoolean = (value) => typeof value === 'boolean';
const FIELDS = {
  getFigureData: {},
  getFileData: { uri: isText },
  initiateTask: {
    functionId: isText,
    kwargs: isObject,
    queryUseCache: isBoolean,
    queryFallbackToCache: isBoolean,
    functionType: (value) => ['pure-calculation', 'query', 'action'].includes(value),
  },
  subscribeToSubfeed: { feedId: is('none'), subfeedHash: is('none') },
};
const ARRAYS = {
  float32: Float32Array,
  int32: Int32Array,
  int16: Int16Array,
  uint8: Uint8Array,
  float64: Float64Array,
};

async function bytesOfArray(value) {
  const text = value.data_b64 ?? value.data_gzip_b64;
  if (!text) throw new Error('Missing data_b64 or data_gzip_b64');
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  if (value.data_b64) return packed.buffer;
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'))).arrayBuffer();
}

function nested(flat, shape) {
  if (shape.length <= 1) return Array.from(flat);
  const step = flat.length / shape[0];
  return Array.from({ length: shape[0] }, (_, index) =>
    nested(flat.subarray(index * step, (index + 1) * step), shape.slice(1)),
  );
}

/** What a view is given: arrays anywhere become nested lists. */
async function decoded(value) {
  if (!isObject(value)) return value;
  if (value._type === 'ndarray') {
    const Kind = ARRAYS[value.dtype];
    if (!Kind) throw new Error(`Datatype not yet implemented for ndarray: ${value.dtype}`);
    return nested(new Kind(await bytesOfArray(value)), value.shape);
  }
  if (Array.isArray(value)) return Promise.all(value.map(decoded));
  return Object.fromEntries(
    await Promise.all(Object.entries(value).map(async ([key, item]) => [key, await decoded(item)])),
  );
}

const post = (message) => iframe.contentWindow.postMessage(message, view.href);
let numTasks = 0;

async function runTask(taskId, { functionId, kwargs }) {
  const update = { type: 'taskStatusUpdate', taskId };
  post({ ...update, status: 'pending' });
  post({ ...update, status: 'running' });
  const response = await fetch('/tasks', { method: 'POST', body: JSON.stringify({ functionId, kwargs }) });
  const { result, error } = await response.json();
  if (error) post({ ...update, status: 'error', errorMessage: error });
  else post({ ...update, status: 'finished', returnValue: await decoded(result) });
}

async function answerTo(request) {
  if (request.type === 'initiateTask') {
    const taskId = `task-${(numTasks += 1)}`;
    // Its updates may come before the answer that names the task.
    const running = runTask(taskId, request);
    if (numTasks % 2) await running;
    return { type: request.type, taskId, taskStatus: 'waiting' };
  }
  const uri = request.type === 'getFigureData' ? parameters.get('data') : request.uri;
  const data = await decoded(parsed(await bytesOf(storage, uri)));
  return request.type === 'getFigureData'
    ? { type: request.type, figureData: data }
    : { type: request.type, fileData: data };
}

listenTo(iframe, view, figureId, FIELDS, async (request, answer) => {
  const response = await answerTo(request).catch((error) => record.failed.push(error.message));
  if (isObject(response)) answer(response, view.href);
});
iframe.src = `${view.href}?parentOrigin=${location.origin}&figureId=${figureId}`;
iframe.addEventListener('load', () => post({ type: 'setCurrentUser', userId: 'someone', googleIdToken: 'nothing' }));
