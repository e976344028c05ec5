/** @file Tasks through a parent of generation K, and whether a backend is there to run them. */

import { SourceError, parseCoded } from '../source/errors.js';

/** @typedef {import('./messages.js').Figurl} Figurl */
/** @typedef {'pure-calculation' | 'query'} FunctionType */
/** @typedef {{status: string, errorMessage?: string, returnValue?: any}} Status */

const VERSION_QUERY = 'seriesview.get_python_package_version.1';
const WAITING_SECONDS = 3;
const LOOK_SECONDS = 5;
/** Updates of tasks that nobody here asked for: the parent may share one task among several views. */
const MOST_KEPT = 1000;

/**
 * @typedef {object} Tasks
 * @property {(functionId: string, functionType: FunctionType, kwargs: object, signal?: AbortSignal) => Promise<any>} run
 * @property {() => Promise<void>} probe resolves when the parent answers for a task at all
 * @property {(callback: () => void) => void} onBackend called when a backend is there again
 */

/**
 * @param {Figurl} figurl
 * @param {boolean} canGiveUp the parent takes it that a request is given up
 * @returns {Tasks}
 */
export function tasksOf(figurl, canGiveUp) {
  /** Updates may overtake the answer that names their task. @type {Map<string, {time: number, status: Status}>} */
  const early = new Map();
  /** @type {Map<string, Set<(status: Status) => void>>} */
  const followers = new Map();
  /** @type {(() => void)[]} */
  const callbacks = [];
  let lastSign = -Infinity;
  let isLooking = false;

  figurl.on('taskStatusUpdate', (message) => {
    if (typeof message.taskId !== 'string' || typeof message.status !== 'string') return;
    const { taskId, status, errorMessage, returnValue } = message;
    if (status !== 'waiting') noteSign(status, errorMessage);
    const following = followers.get(taskId);
    if (following) {
      for (const follow of [...following]) follow({ status, errorMessage, returnValue });
      return;
    }
    early.delete(taskId);
    early.set(taskId, { time: performance.now(), status: { status, errorMessage, returnValue } });
    const oldest = early.keys().next().value;
    if (early.size > MOST_KEPT && oldest !== undefined) early.delete(oldest);
  });

  /** @param {string} status @param {string} [errorMessage] */
  function noteSign(status, errorMessage) {
    if (status === 'error' && parseCoded(errorMessage ?? '').code === 'no-backend') return;
    lastSign = performance.now();
    if (!isLooking) return;
    isLooking = false;
    for (const callback of callbacks) callback();
  }

  /** Ask now and then whether a backend is there again, as long as none is. */
  function look() {
    if (isLooking) return;
    isLooking = true;
    const again = () => {
      if (!isLooking) return;
      if (!document.hidden) start(VERSION_QUERY, 'query', {}, () => {}).catch(() => {});
      setTimeout(again, 1000 * LOOK_SECONDS);
    };
    setTimeout(again, 1000 * LOOK_SECONDS);
  }

  /**
   * Ask for a task and hear of it until its end; resolves with the first answer, after `callback` got what it says.
   * @param {string} functionId
   * @param {FunctionType} functionType
   * @param {object} kwargs
   * @param {(status: Status) => void} callback
   * @param {AbortSignal} [signal] gives it up
   */
  async function start(functionId, functionType, kwargs, callback, signal) {
    const time = performance.now();
    const answer = await figurl.ask(
      {
        type: 'initiateTask',
        functionId,
        kwargs,
        functionType,
        queryUseCache: false,
        queryFallbackToCache: false,
      },
      undefined,
      signal,
    );
    const { taskId, taskStatus, errorMessage, returnValue } = answer;
    if (typeof taskId !== 'string' || typeof taskStatus !== 'string') {
      throw new SourceError('refused', `The page around this view does not say which task runs ${functionId}.`);
    }
    const kept = early.get(taskId);
    early.delete(taskId);
    const first = kept && kept.time >= time ? kept.status : { status: taskStatus, errorMessage, returnValue };
    // A result that was stored says nothing about backends.
    if (first.status !== 'waiting' && !isFinal(first)) noteSign(first.status);
    if (isFinal(first)) {
      callback(first);
      return;
    }
    const following = followers.get(taskId) ?? new Set();
    followers.set(taskId, following);
    const listen = (/** @type {Status} */ status) => {
      if (isFinal(status)) following.delete(listen);
      if (!following.size && followers.get(taskId) === following) followers.delete(taskId);
      callback(status);
    };
    following.add(listen);
    signal?.addEventListener(
      'abort',
      () => {
        following.delete(listen);
        if (!following.size && followers.get(taskId) === following) followers.delete(taskId);
      },
      { once: true },
    );
    callback(first);
  }

  return {
    run(functionId, functionType, kwargs, signal) {
      const end = canGiveUp ? signal : undefined;
      return new Promise((resolve, reject) => {
        let isWaiting = true;
        let since = performance.now();
        const check = () => {
          if (!isWaiting) return;
          // A backend that is busy with other tasks is there.
          const left = Math.max(since, lastSign) + 1000 * WAITING_SECONDS - performance.now();
          if (left > 0) {
            setTimeout(check, left);
            return;
          }
          look();
          reject(new SourceError('backend', noBackend()));
        };
        const listen = (/** @type {Status} */ { status, errorMessage, returnValue }) => {
          if (status === 'finished') {
            isWaiting = false;
            resolve(returnValue);
          } else if (status === 'error') {
            isWaiting = false;
            const { sentence, ...facts } = parseCoded(
              errorMessage || `${functionId} failed, and the backend gave no reason.`,
            );
            const isLost = facts.code === 'no-backend';
            if (isLost) look();
            reject(new SourceError(isLost ? 'backend' : 'refused', sentence, facts));
          } else if (status !== 'waiting') {
            isWaiting = false;
          } else if (!isWaiting) {
            // It was taken from a backend that is gone.
            isWaiting = true;
            since = performance.now();
            check();
          }
        };
        end?.addEventListener(
          'abort',
          () => {
            isWaiting = false;
            reject(end.reason);
          },
          { once: true },
        );
        start(functionId, functionType, kwargs, listen, end).catch((error) => {
          isWaiting = false;
          reject(error);
        });
        check();
      });
    },
    async probe() {
      await start(VERSION_QUERY, 'query', {}, () => {});
    },
    onBackend(callback) {
      callbacks.push(callback);
    },
  };
}

/** @param {Status} status */
function isFinal(status) {
  return status.status === 'finished' || status.status === 'error';
}

function noBackend() {
  return (
    `No backend answered within ${WAITING_SECONDS} s. Perhaps none is running for this kachery channel ` +
    '(seriesview-start-backend starts one), or it wants a backend ID: ask whoever sent you the link.'
  );
}
