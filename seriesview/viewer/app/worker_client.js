/** @file Messages to and from the worker, which reads and draws. */

import { factsOf } from '../source/errors.js';

/** @typedef {import('../types.js').Ask} Ask */
/** @typedef {import('../types.js').FromWorker} FromWorker */
/** @typedef {import('../types.js').Figure} Figure */
/** @typedef {import('../types.js').Painted} Painted */
/** @typedef {import('../types.js').Timeline} Timeline */
/** @typedef {import('../types.js').ToWorker} ToWorker */
/**
 * @typedef {object} Handlers
 * @property {(figure: Figure, timelines: Timeline[]) => void} opened
 * @property {(message: string) => void} unopened
 * @property {(status: import('../types.js').BuildStatus) => void} building
 * @property {(uri: string, preview: import('../types.js').Preview) => void} preview
 * @property {(series: Record<string, import('../types.js').Growth>, timelines: Timeline[]) => void} grown what is still
 *   written ends later by now
 * @property {(workspaceUri: string, held?: import('../drawing/spreads.js').Held) => void} built what was being built is, and is to be opened
 * @property {(painted: Painted) => void} painted
 * @property {(waiting: number) => void} loading how many reads are under way
 */
/** @typedef {Omit<Extract<ToWorker, {type: 'paint'}>, 'type' | 'number'>} Order */
/**
 * @typedef {object} WorkerClient
 * @property {(order: Order) => number} paint the number of the order
 * @property {(ask: Ask) => Promise<any>} ask
 * @property {() => void} retry reads again what failed
 * @property {() => void} restart begins anew with another worker
 */

/**
 * @param {import('./app.js').Connection} connection
 * @param {Handlers} handlers
 * @returns {WorkerClient}
 */
export function startWorker(connection, handlers) {
  /** @type {Worker} */
  let worker;
  let lastOrder = 0;
  let lastQuestion = 0;
  /** @type {Map<number, {resolve: (answer: any) => void, reject: (error: Error) => void}>} */
  const questions = new Map();
  /** Of the worker's requests that are under way. @type {Map<number, AbortController>} */
  const ends = new Map();

  /** @param {ToWorker} message @param {Transferable[]} [transfer] */
  const post = (message, transfer = []) => worker.postMessage(message, transfer);

  function begin() {
    worker = takeEarlyWorker() ?? new Worker(new URL('../drawing/worker.js', import.meta.url), { type: 'module' });
    const mine = worker;
    mine.onmessage = (event) => mine === worker && receive(event.data);
    mine.onmessageerror = () =>
      handlers.unopened('A message of the drawing worker could not be read. Load the page again.');
    mine.onerror = (event) => {
      event.preventDefault();
      const where = event.message ? `: ${event.message}` : ', because its file could not be loaded';
      handlers.unopened(`The drawing worker stopped${where}. Try again, or load the page again.`);
    };
    post({ type: 'start', start: connection.start });
  }

  /** @param {FromWorker} message */
  function receive(message) {
    switch (message.type) {
      case 'opened':
        return handlers.opened(message.figure, message.timelines);
      case 'unopened':
        return handlers.unopened(message.message);
      case 'building':
        return handlers.building(message.status);
      case 'preview':
        return handlers.preview(message.uri, message.preview);
      case 'grown':
        return handlers.grown(message.series, message.timelines);
      case 'built':
        return handlers.built(message.workspaceUri, message.held);
      case 'painted':
        return handlers.painted(message.painted);
      case 'loading':
        return handlers.loading(message.waiting);
      case 'answer':
        return settle(message.id)?.resolve(message.answer);
      case 'failed':
        return settle(message.id)?.reject(new Error(message.message));
      case 'request':
        return void serve(message.id, message.request);
      case 'giveUp':
        return ends.get(message.id)?.abort();
    }
  }

  /** @param {number} id */
  function settle(id) {
    const question = questions.get(id);
    questions.delete(id);
    return question;
  }

  /** @param {number} id @param {Extract<FromWorker, {type: 'request'}>['request']} request */
  async function serve(id, request) {
    const mine = worker;
    const end = new AbortController();
    ends.set(id, end);
    try {
      const value = await fromOutside(request, end.signal);
      if (mine !== worker) return;
      post({ type: 'response', id, value }, value instanceof ArrayBuffer ? [value] : []);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (mine === worker && !end.signal.aborted)
        post({ type: 'response', id, error: message || 'The request failed.', facts: factsOf(error) });
    }
    if (ends.get(id) === end) ends.delete(id);
  }

  /** @param {Extract<FromWorker, {type: 'request'}>['request']} request @param {AbortSignal} signal @returns {Promise<any>} */
  function fromOutside(request, signal) {
    const { outside } = connection;
    if (request.kind === 'json') return outside.getFileJson(request.uri);
    if (request.kind === 'bytes') return outside.getFileBytes(request.uri, request.startByte, request.endByte, signal);
    return outside.runTask(request.functionId, request.functionType, request.kwargs, signal);
  }

  begin();
  return {
    paint(order) {
      lastOrder += 1;
      post({ type: 'paint', number: lastOrder, ...order });
      return lastOrder;
    },
    ask: (ask) =>
      new Promise((resolve, reject) => {
        lastQuestion += 1;
        questions.set(lastQuestion, { resolve, reject });
        post({ type: 'ask', id: lastQuestion, ask });
      }),
    retry: () => post({ type: 'retry' }),
    restart() {
      worker.terminate();
      questions.forEach(({ reject }) => reject(new Error('The drawing worker was started anew.')));
      questions.clear();
      begin();
    },
  };
}

/** @returns {Worker | null} the one that early_worker.js started, once */
function takeEarlyWorker() {
  const early = /** @type {any} */ (globalThis).seriesviewWorker;
  Reflect.deleteProperty(globalThis, 'seriesviewWorker');
  return early instanceof Worker ? early : null;
}
