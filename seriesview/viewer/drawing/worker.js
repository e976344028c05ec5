/** @file The module worker: opens the figure, paints, answers questions. What it reads comes through the main thread. */

import { makeTimeline } from '../geometry/timeline.js';
import { withDerived } from '../source/derived.js';
import { fromWorkspace, readFigure } from '../source/figure.js';
import { grow, liveAt, statusOf, withLive, workspaceOf } from '../source/live.js';
import { openSource } from '../source/open.js';
import { answerTo } from './questions.js';
import { createSession } from './session.js';

/** @typedef {import('../types.js').FromWorker} FromWorker */
/** @typedef {import('../types.js').Start} Start */
/** @typedef {import('../types.js').ToWorker} ToWorker */

/** @type {import('./session.js').Session | null} */
let session = null;
/** @type {Start | null} */
let start = null;
let isOpening = false;
let lastRequest = 0;
/** @type {Map<number, {resolve: (value: any) => void, reject: (reason: Error) => void}>} */
const requests = new Map();

/**
 * @param {FromWorker} message
 * @param {Transferable[]} [transfer]
 */
function post(message, transfer = []) {
  self.postMessage(message, { transfer });
}

/**
 * @param {Extract<FromWorker, {type: 'request'}>['request']} request
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
function ask(request, signal) {
  if (signal?.aborted) return Promise.reject(signal.reason);
  lastRequest += 1;
  const id = lastRequest;
  return new Promise((resolve, reject) => {
    requests.set(id, { resolve, reject });
    post({ type: 'request', id, request });
    // Whoever cannot be told to end it would have ever more under way.
    if (!start?.leavesArraysEncoded) return;
    signal?.addEventListener(
      'abort',
      () => {
        if (!requests.delete(id)) return;
        post({ type: 'giveUp', id });
        reject(signal.reason);
      },
      { once: true },
    );
  });
}

/** @type {import('../types.js').Outside} */
const outside = {
  getFileJson: (uri) => ask({ kind: 'json', uri }),
  getFileBytes: (uri, startByte, endByte, signal) => ask({ kind: 'bytes', uri, startByte, endByte }, signal),
  runTask: (functionId, functionType, kwargs, signal) =>
    ask({ kind: 'task', functionId, functionType, kwargs }, signal),
};

/** @param {unknown} error @returns {string} */
function words(error) {
  return error instanceof Error ? error.message : String(error);
}

/** @param {Start} from */
async function open(from) {
  if (isOpening) return;
  isOpening = true;
  try {
    const source = openSource(from, outside);
    if (from.live) await follow(source, liveAt(from.live));
    else show(source, await readFigure(source, from.figureData));
  } catch (error) {
    post({ type: 'unopened', message: words(error) });
  }
  isOpening = false;
}

/**
 * @param {import('../types.js').Source} source
 * @param {import('../types.js').Figure} figure
 * @param {() => void} [whenLoaded] called when the screen lacks nothing
 */
function show(source, figure, whenLoaded) {
  const able = withDerived(source, figure.series);
  const timelines = timelinesOf(able, figure);
  const tell = (/** @type {FromWorker} */ message, /** @type {Transferable[]} */ transfer = []) => {
    post(message, transfer);
    if (message.type === 'loading' && !message.waiting) whenLoaded?.();
  };
  session = createSession(able, figure, timelines, tell, start?.held);
  post({ type: 'opened', figure, timelines });
}

/** @param {import('../types.js').Source} source @param {import('../types.js').Figure} figure */
function timelinesOf(source, { series, views }) {
  /** @type {Record<string, number>} */
  const finest = {};
  for (const uri of Object.keys(series)) finest[uri] = source.finestSamplesPerColumn(uri);
  return views.map(({ panels }) => makeTimeline(panels, series, finest));
}

/**
 * Let what is shown end where recordings that are still written do by now.
 * @param {import('./session.js').Session} shown
 * @param {import('../source/live.js').LiveState} state
 */
function goOn(shown, state) {
  const { source, figure } = shown;
  const series = grow(figure.series, state);
  if (Object.keys(series).length) {
    const timelines = timelinesOf(source, figure);
    shown.setTimelines(timelines);
    post({ type: 'grown', series, timelines });
  }
  shown.grow();
}

/**
 * Show what there is of a figure while it is built, until it is.
 * @param {import('../types.js').Source} source
 * @param {import('../source/live.js').Live} live
 */
async function follow(source, live) {
  for (;;) {
    /** @type {import('../source/live.js').LiveState} */
    let state;
    try {
      state = await live.next();
    } catch (error) {
      if (!session) throw error;
      const unknown = { secondsLeft: null, quietSeconds: null, behindSeconds: null, problems: [], reached: [] };
      post({ type: 'building', status: { state: 'failed', text: words(error), error: words(error), ...unknown } });
      return;
    }
    if (state.state === 'done' && state.uri) {
      post({ type: 'built', workspaceUri: state.uri, held: session?.held() });
      return;
    }
    if (session) goOn(session, state);
    else if (state.workspace) {
      const shown = withLive(source, live, state);
      const figure = await fromWorkspace(shown, workspaceOf(state), null, state.waiting);
      const { series } = state;
      let isLoaded = false;
      show(shown, figure, () => {
        // What is exact comes first.
        if (isLoaded) return;
        isLoaded = true;
        void previewsOf(
          live,
          figure,
          Object.keys(figure.series).filter((uri) => series[uri]),
        );
      });
    }
    if (state.state === 'failed' && !session) throw new Error(state.error);
    post({ type: 'building', status: statusOf(state) });
    if (state.state === 'failed') return;
  }
}

/**
 * Have the page draw what stands in where nothing is built yet, one after the other: windows come before.
 * @param {import('../source/live.js').Live} live
 * @param {import('../types.js').Figure} figure
 * @param {string[]} of
 */
async function previewsOf(live, { series }, of) {
  for (const uri of of) {
    try {
      const preview = await live.preview(uri, series[uri]);
      series[uri].preview = preview;
      post({ type: 'preview', uri, preview });
      session?.grow();
    } catch {
      // What is not built yet is hatched without one.
    }
  }
}

/** @param {number} id @param {import('../types.js').Ask} question */
async function answer(id, question) {
  try {
    if (!session) throw new Error('The figure is not opened yet.');
    post({ type: 'answer', id, answer: await answerTo(session, question) });
  } catch (error) {
    post({ type: 'failed', id, message: words(error) });
  }
}

self.addEventListener('message', (event) => {
  const message = /** @type {ToWorker} */ (event.data);
  if (message.type === 'start') {
    start = message.start;
    void open(start);
  } else if (message.type === 'paint') {
    session?.paint(message);
  } else if (message.type === 'retry') {
    if (session) session.retry();
    else if (start) void open(start);
  } else if (message.type === 'response') {
    const request = requests.get(message.id);
    requests.delete(message.id);
    if (message.error === undefined) request?.resolve(message.value);
    else request?.reject(Object.assign(new Error(message.error), message.facts));
  } else if (message.type === 'ask') {
    void answer(message.id, message.ask);
  }
});
