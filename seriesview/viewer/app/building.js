/** @file A figure that is being built: its first seconds, how far it is, and the change to what was built. */

import { durationText } from '../geometry/ticks.js';
import { clampFrame, columnOfTime, frameOfRange, timesOf } from '../geometry/timeline.js';
import { make } from './elements.js';
import { createFollowing } from './following.js';

/** @typedef {import('../types.js').BuildStatus} BuildStatus */
/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('./app.js').App} App */

/** So many seconds are shown at first, or fewer: what can be read from samples alone, half a screen at a time. */
const FIRST_SECONDS = 10;
/** Samples times channels that are read for a tile (seriesview/live/snapshot.py). */
const MOST_VALUES = 2 ** 24;
const TILE_COLUMNS = 512;
/** Rungs of the zoom ladder are at most so many times the one before. */
const RUNG = 1.25;

/**
 * @typedef {object} Building
 * @property {Pick<import('./worker_client.js').Handlers, 'building' | 'preview' | 'grown'>} hears how far it is, what stands
 *   in for what is not built, and that what is still written goes on
 * @property {(connection: import('./contract.js').Connection, uri: string, held?: import('../drawing/spreads.js').Held) => void}
 *   finish have the workspace that was built opened next, with the scales that its series have by now
 * @property {(times: {startTime: number, endTime: number}) => () => void} keepTime gives what shows these times again, where
 *   another series sets the grid of columns by then
 * @property {(frame: Frame) => Frame} first what of a whole session is shown at first: seconds that are exact at once, where
 *   it is being built, the last ones where it is still written
 */

/** @param {number} seconds @returns {number} as well as they can be told beforehand */
function rounded(seconds) {
  return seconds < 120 ? Math.max(Math.round(seconds), 1) : Math.round(seconds / 60) * 60;
}

/** @param {number} seconds @returns {string} */
function quietWords(seconds) {
  return `building, but nothing was heard of it for ${durationText(seconds)}: a disk or a network may have stalled`;
}

/**
 * @param {App} app
 * @param {{status: HTMLElement, showOpening: (text: string) => void}} page
 * @param {() => import('../types.js').Timeline[]} timelines of all views
 * @returns {Building}
 */
export function createBuilding(app, page, timelines) {
  const said = make('span', { className: 'building', hidden: true });
  const better = make(
    'button',
    {
      type: 'button',
      className: 'offer',
      hidden: true,
      title: 'Scales are still those of when this was being built. Draw it with those of the whole recording.',
      onclick: () => void app.ask({ name: 'useOwnScales' }),
    },
    'Scales of the whole recording',
  );
  page.status.append(said, better);
  app.on('painted', () => (better.hidden = !app.panels().some(({ painted }) => painted?.hasOtherScales)));
  /** @type {BuildStatus | null} */
  let latest = null;
  const following = createFollowing(app, () => latest && show(latest));

  const beingBuilt = () => Object.values(app.figure()?.series ?? {}).filter(({ state }) => state);
  const isShown = () => beingBuilt().length > 0;

  /** @param {number} columns @returns {number} how many are exact at once, whatever is built by then */
  function firstSeconds(columns) {
    const most = beingBuilt().map(
      ({ sampling_frequency: rate, channels }) => MOST_VALUES / TILE_COLUMNS / channels.length / (rate ?? 1),
    );
    return Math.min(FIRST_SECONDS, (Math.min(...most) * columns) / RUNG);
  }

  /** @param {BuildStatus} status @returns {string} */
  function words({ state, error, secondsLeft, quietSeconds, behindSeconds, problems, reached }) {
    if (state === 'following')
      return [...problems, ...followingWords(behindSeconds ?? 0, quietSeconds)].join(' \u00b7 ');
    const timeline = app.timeline();
    const ends = reached.map(({ uri, until }) => until + (timeline.shifts[uri] ?? 0));
    const isBegun = reached.length > 0 && reached.every(({ done }) => done > 0);
    const until = isBegun ? `exact at every zoom up to ${app.timeText(Math.min(...ends), 1)}` : '';
    if (error) return [error, until].filter(Boolean).join(' \u00b7 ');
    const left =
      quietSeconds !== null
        ? quietWords(quietSeconds)
        : secondsLeft === null
          ? 'building'
          : `building, ${durationText(rounded(secondsLeft))} left`;
    return [left, until].filter(Boolean).join(' \u00b7 ');
  }

  /** @param {number} behind @param {number | null} quiet @returns {string[]} */
  function followingWords(behind, quiet) {
    const how = behind < 1 ? 'less than 1 s behind' : `${durationText(Math.round(behind))} behind`;
    const nothing = quiet === null ? '' : `nothing new for ${durationText(quiet)}`;
    return [`following, ${how}`, nothing, following.isHeld() ? 'held still' : ''].filter(Boolean);
  }

  /** @param {BuildStatus} status */
  function show(status) {
    said.textContent = said.title = words(status);
    said.classList.toggle('has-failed', status.state === 'failed');
  }

  return {
    hears: {
      building(status) {
        said.hidden = !isShown();
        if (!isShown()) {
          const { text, quietSeconds } = status;
          return page.showOpening(`${text}\u2026 ${quietSeconds === null ? '' : quietWords(quietSeconds)}`);
        }
        latest = status;
        following.set(status.state === 'following');
        show(status);
      },
      grown(series, grown) {
        const figure = app.figure();
        for (const [uri, growth] of Object.entries(series)) Object.assign(figure.series[uri], growth);
        timelines().forEach((timeline, index) => Object.assign(timeline, grown[index]));
        following.goOn();
        app.redraw();
      },
      preview(uri, preview) {
        const series = app.figure().series[uri];
        if (series?.state) series.preview = preview;
      },
    },
    finish(connection, uri, held) {
      connection.start = { ...connection.start, live: undefined, held, figureData: { workspace: uri } };
      connection.replaceFigure?.(uri);
      said.hidden = true;
      following.set(false);
    },
    keepTime({ startTime, endTime }) {
      const { ticksPerSecond, startTime: zero } = app.timeline();
      return () => {
        const now = app.timeline();
        if (now.ticksPerSecond !== ticksPerSecond || now.startTime !== zero) app.showRange(startTime, endTime);
      };
    },
    first(frame) {
      const timeline = app.timeline();
      const { startTime, endTime } = timesOf(timeline, frame);
      const isWritten = Object.values(app.figure().series).some(({ state }) => state === 'following');
      const seconds = firstSeconds(frame.columns);
      if (!isShown() || (!isWritten && endTime - startTime <= seconds)) return frame;
      const from = Math.max(timeline.firstTime, isWritten ? timeline.endTime - seconds : timeline.startTime);
      const found = frameOfRange(timeline, from, from + seconds, frame.columns);
      const start = { ...found, leftColumn: Math.floor(columnOfTime(timeline, found, from) + 1e-6) };
      return clampFrame(timeline, isWritten ? following.atEnd(start) : start);
    },
  };
}
