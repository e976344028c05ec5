/** @file Subfeeds that the view follows: all watched in one request. */

import { pause, post } from './files.js';

/** @typedef {{feedId: string, subfeedHash: string, position: number}} Subfeed */

const WATCH_MILLISECONDS = 20_000;
const PAUSE_MILLISECONDS = 5000;

/**
 * @param {string} channel
 * @param {(news: {feedId: string, subfeedHash: string, position: number, messages: object[]}) => void} onNews
 * @returns {(feedId: string, subfeedHash: string) => Promise<object[]>} follows a subfeed; gives all messages of now
 */
export function openFeeds(channel, onNews) {
  /** @type {Map<string, Subfeed>} */
  const followed = new Map();
  let watch = new AbortController();
  let isWatching = false;

  /** @param {Map<string, Subfeed>} subfeeds @param {number} waitMsec @param {AbortSignal} [signal] */
  async function news(subfeeds, waitMsec, signal) {
    const named = [...subfeeds].map(([name, subfeed]) => [name, { ...subfeed, channelName: channel }]);
    const body = { subfeedWatches: Object.fromEntries(named), waitMsec, maxNumMessages: 0, signed: false };
    return (await post('feed/watchForNewMessages', body, signal)).messages;
  }

  async function watchAll() {
    isWatching = true;
    for (;;) {
      watch = new AbortController();
      try {
        const found = await news(followed, WATCH_MILLISECONDS, watch.signal);
        for (const [name, messages] of Object.entries(found)) {
          const subfeed = followed.get(name);
          if (!subfeed || !messages.length) continue;
          onNews({ ...subfeed, messages });
          subfeed.position += messages.length;
        }
      } catch {
        if (!watch.signal.aborted) await pause(PAUSE_MILLISECONDS);
      }
    }
  }

  return async (feedId, subfeedHash) => {
    const name = `${feedId}/${subfeedHash}`;
    const subfeed = { feedId, subfeedHash, position: 0 };
    const messages = (await news(new Map([[name, subfeed]]), 0))[name] ?? [];
    subfeed.position = messages.length;
    followed.set(name, subfeed);
    if (isWatching) watch.abort();
    else watchAll();
    return messages;
  };
}
