/** @file Tasks: asked for at the node, waited for all in one request, their results read from the channel's bucket. */

import { decodeArrays } from './arrays.js';
import { CodedError, codedMessageOf, errorOf } from './errors.js';
import { BASE, pause, post, reach } from './files.js';

/**
 * @typedef {object} TaskRequest
 * @property {string} functionId
 * @property {object} kwargs
 * @property {'pure-calculation' | 'query' | 'action'} functionType
 * @property {boolean} queryUseCache
 * @property {boolean} queryFallbackToCache
 */

/** @typedef {{taskId: string, status: string, errorMessage?: string, returnValue?: any}} Update */
/**
 * `backends` of one that waits: `other-id` where only backends with another ID, or none, or one at all, are there;
 * `none` where no backend is.
 * @typedef {{status: string, errorMessage?: string, backends?: string}} Outcome
 */
/**
 * @typedef {{request: TaskRequest, nodeId: string, status: string, url: string, end: AbortController, askers: number}} Task
 *   nodeId: the node's name; end: of its result's download; askers: who asked for it, and did not give it up
 */

const FIRST_MILLISECONDS = 100;
const WATCH_MILLISECONDS = 20_000;
const GATHER_MILLISECONDS = 20;
const FALLBACK_MILLISECONDS = 3000;
const PATIENCE_MILLISECONDS = 10_000;
const PAUSE_MILLISECONDS = 500;
const NO_CORS =
  'The results are in the bucket of the kachery channel, whose CORS rules do not let this page read them. Whoever runs ' +
  `the backend sees how to change that with: seriesview bucket check --origin ${location.origin}`;
const NO_BUCKET =
  'The results are in the bucket of the kachery channel, which cannot be reached from this browser. Is the network ' +
  'there, and does something block it?';

/**
 * Tasks on a channel, for backends with a backend ID (empty: those without).
 * @param {{channel: string, backendId: string}} whom
 * @param {boolean} leavesArraysEncoded
 * @param {(update: Update) => void} onUpdate
 * @param {(outcome: Outcome) => void} onOutcome hears of every status, the first ones included
 * @returns {(request: TaskRequest, signal?: AbortSignal) => Promise<Update>} starts a task; gives its first status, updates
 *   follow, unless all who asked for it gave it up
 */
export function openTasks(whom, leavesArraysEncoded, onUpdate, onOutcome) {
  /** By the name that the view knows. @type {Map<string, Task>} */
  const open = new Map();
  let watch = new AbortController();
  let isWatching = false;
  let isGathering = false;

  /** @param {Task} task @returns {Promise<Outcome>} */
  async function ask(task) {
    const { functionId, functionType, kwargs } = task.request;
    const answer = await post('task/requestTask?backends', {
      channelName: whom.channel,
      taskFunctionId: functionId,
      taskKwargs: kwargs,
      taskFunctionType: functionType,
      timeoutMsec: FIRST_MILLISECONDS,
      ...(whom.backendId ? { backendId: whom.backendId } : {}),
    });
    // Where the node is reached through a proxy, it does not know its own address.
    task.url = (answer.taskResultUrl ?? '').replace(/^.*?\/bucket\//, `${BASE}bucket/`);
    task.nodeId = answer.taskId;
    task.status = answer.status;
    return answer;
  }

  /** @param {Task} task @returns {Promise<any>} */
  async function resultOf(task) {
    if (task.request.functionType === 'action') return undefined;
    const cache = task.request.functionType === 'query' ? 'no-store' : 'default';
    const response = await reach(task.url, { cache, signal: task.end.signal }).catch(async (error) => {
      task.end.signal.throwIfAborted();
      if (!(await isElsewhere(task.url))) throw error;
      throw new CodedError((await isReached(task.url)) ? NO_CORS : NO_BUCKET, 'bucket-unusable');
    });
    if (!response.ok) throw new Error(`The task's result cannot be read: HTTP status ${response.status}.`);
    const value = await response.json();
    return leavesArraysEncoded ? value : decodeArrays(value);
  }

  /** @param {string} taskId @param {Task} task @param {Outcome} outcome @returns {Promise<Update>} */
  async function updateOf(taskId, task, outcome) {
    const { status, errorMessage } = outcome;
    onOutcome(outcome);
    if (status === 'error') return { taskId, status, errorMessage: errorMessage || 'The task gave no reason.' };
    if (status !== 'finished') return { taskId, status };
    try {
      const returnValue = await resultOf(task);
      return { taskId, status, ...(returnValue === undefined ? {} : { returnValue }) };
    } catch (error) {
      return { taskId, status: 'error', errorMessage: codedMessageOf(error) };
    }
  }

  /** @param {string} taskId @param {Task} task @param {Outcome} outcome */
  function note(taskId, task, outcome) {
    task.status = outcome.status;
    if (isFinal(outcome.status)) open.delete(taskId);
    updateOf(taskId, task, outcome).then((update) => task.end.signal.aborted || onUpdate(update));
  }

  /** Ask the node once for what has changed. */
  async function look() {
    const tasks = Object.fromEntries([...open.values()].map((task) => [task.nodeId, task.status]));
    const body = { channelName: whom.channel, tasks, timeoutMsec: WATCH_MILLISECONDS };
    const answer = await post('task/watchTasks', body, watch.signal);
    for (const [taskId, task] of [...open]) {
      let outcome = answer.tasks[task.nodeId];
      // The node was started again meanwhile.
      const isForgotten = errorOf(outcome?.errorMessage).code === 'task-forgotten';
      const isLost = isForgotten && task.request.functionType !== 'action';
      if (isLost) outcome = await ask(task);
      if (outcome) note(taskId, task, outcome);
    }
  }

  async function watchAll() {
    isWatching = true;
    let failingSince = 0;
    while (open.size) {
      watch = new AbortController();
      try {
        await look();
        failingSince = 0;
      } catch (error) {
        if (watch.signal.aborted) continue;
        failingSince ||= performance.now();
        if (performance.now() - failingSince > PATIENCE_MILLISECONDS) {
          const outcome = { status: 'error', errorMessage: codedMessageOf(error) };
          for (const [taskId, task] of [...open]) note(taskId, task, outcome);
        }
        await pause(PAUSE_MILLISECONDS);
      }
    }
    isWatching = false;
  }

  /** @param {string} taskId @param {Task} task */
  async function follow(taskId, task) {
    open.set(taskId, task);
    if (task.request.functionType === 'query' && task.request.queryFallbackToCache) {
      setTimeout(() => takeStored(taskId, task), FALLBACK_MILLISECONDS);
    }
    if (isGathering) return;
    isGathering = true;
    await pause(GATHER_MILLISECONDS);
    isGathering = false;
    // What waits does not know of the new ones.
    if (isWatching) watch.abort();
    else watchAll();
  }

  /** @param {string} taskId @param {Task} task */
  async function takeStored(taskId, task) {
    if (!open.has(taskId)) return;
    const returnValue = await resultOf(task).catch(() => undefined);
    if (returnValue !== undefined && open.delete(taskId)) onUpdate({ taskId, status: 'finished', returnValue });
  }

  return async (request, signal) => {
    /** @type {Task} */
    let task = { request, nodeId: '', status: 'waiting', url: '', end: new AbortController(), askers: 1 };
    signal?.addEventListener(
      'abort',
      () => {
        task.askers -= 1;
        if (task.askers) return;
        for (const [taskId, other] of [...open]) if (other === task) open.delete(taskId);
        task.end.abort();
      },
      { once: true },
    );
    /** @type {Outcome} */
    let outcome;
    try {
      outcome = await ask(task);
    } catch (error) {
      return updateOf('none', task, { status: 'error', errorMessage: codedMessageOf(error) });
    }
    const taskId = task.nodeId;
    if (task.end.signal.aborted) return { taskId, status: outcome.status };
    if (!isFinal(outcome.status)) {
      if (request.functionType === 'query' && request.queryUseCache) {
        const returnValue = await resultOf(task).catch(() => undefined);
        if (returnValue !== undefined) return { taskId, status: 'finished', returnValue };
      }
      const known = open.get(taskId);
      if (known) {
        known.askers += 1;
        task = known;
      } else follow(taskId, task);
    }
    return updateOf(taskId, task, outcome);
  };
}

/** @param {string} address @returns {Promise<boolean>} whether the node points from there to the channel's bucket */
async function isElsewhere(address) {
  const response = await fetch(address, { redirect: 'manual', cache: 'no-store' }).catch(() => undefined);
  return response?.type === 'opaqueredirect';
}

/** @param {string} address @returns {Promise<boolean>} whether something answers there, readable or not */
async function isReached(address) {
  const response = await fetch(address, { mode: 'no-cors', cache: 'no-store' }).catch(() => undefined);
  return response !== undefined;
}

/** @param {string} status */
function isFinal(status) {
  return status === 'finished' || status === 'error';
}
