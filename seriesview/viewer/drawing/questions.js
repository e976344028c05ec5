/** @file Answers to the main thread's questions about the view that is shown. */

import { panelType } from '../panels/registry.js';
import { samples, statistics } from './extracts.js';
import { nearest, nextPoint } from './next_event.js';
import { gapsOf, overview } from './overview.js';
import { readOut } from './readout.js';
import { spectrum } from './spectrum.js';

/** @typedef {import('../types.js').Ask} Ask */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('./session.js').Session} Session */
/** @typedef {{start: number, end: number, label: string}} Interval view times */

const MOST_LINES = 200_000;

/**
 * @param {Session} session
 * @param {Ask} ask
 * @returns {Promise<any>} as types.js says
 */
export async function answerTo(session, ask) {
  const { source } = session;
  const { shifts } = session.timeline();
  if (ask.name === 'readOut') {
    const scene = session.scene(ask.key);
    return scene ? readOut(scene, ask.column, ask.row) : null;
  }
  if (ask.name === 'overview') {
    const uri = referenceOf(session);
    return overview(
      uri === null ? null : session.series(uri),
      session.timeline(),
      Math.max(Math.floor(ask.columns), 1),
    );
  }
  if (ask.name === 'useOwnScales') return session.useOwnScales();
  if (ask.name === 'intervals') return intervals(session, ask.uri);
  if (ask.name === 'findNext') return findNext(session, ask);
  if (ask.name === 'eventCounts') return eventCounts(session, ask.uri);
  const uri = session.uriOf(ask.seriesUri, ask.steps);
  const manifest = manifestOf(session, uri);
  const shift = shifts[uri] ?? 0;
  const [startTime, endTime] = [ask.startTime - shift, ask.endTime - shift];
  if (ask.name === 'statistics') return statistics(source, uri, manifest, startTime, endTime, ask.channels);
  if (ask.name === 'spectrum') return spectrum(source, uri, manifest, startTime, endTime, ask.channels);
  return samples(source, uri, manifest, shift, startTime, endTime, ask.channels, ask.maxValues);
}

/** @param {Session} session @param {string} uri @returns {SeriesManifest} */
function manifestOf({ figure }, uri) {
  const manifest = figure.series[uri];
  if (!manifest) throw new Error(`The series ${uri} is not there.`);
  return manifest;
}

/**
 * The series of the overview and of gaps: of the first traces, else of the first panel with samples.
 * @param {Session} session
 * @returns {string | null}
 */
function referenceOf({ figure, view }) {
  const shown = figure.views[view()].panels.flatMap(({ type, seriesUri }) =>
    seriesUri && figure.series[seriesUri] ? [{ type, seriesUri }] : [],
  );
  const traces = shown.find(({ type }) => panelType(type)?.leadsOverview);
  const sampled = shown.find(({ seriesUri }) => !['event', 'interval'].includes(figure.series[seriesUri].type));
  return (traces ?? sampled)?.seriesUri ?? null;
}

/** @type {WeakMap<SeriesManifest, Promise<Interval[]>>} in the series' own times */
const known = new WeakMap();

/**
 * @param {Session} session
 * @param {string} uri
 * @returns {Promise<Interval[]>} sorted by start
 */
async function intervals(session, uri) {
  const manifest = manifestOf(session, uri);
  const shift = session.timeline().shifts[uri] ?? 0;
  const own = known.get(manifest) ?? readIntervals(session, manifest);
  known.set(manifest, own);
  own.catch(() => known.delete(manifest));
  return (await own).map(({ start, end, label }) => ({ start: start + shift, end: end + shift, label }));
}

/**
 * Intervals; of events those that have no length, labelled as their channels.
 * @param {Session} session
 * @param {SeriesManifest} manifest
 * @returns {Promise<Interval[]>}
 */
async function readIntervals({ source }, { intervals: arrays, events, channels, label: name }) {
  if (events) {
    const count = events.times.shape[0];
    if (count > MOST_LINES) throw new Error(`${name}: ${count} events are too many to be lines across all panels.`);
    if (!count) return [];
    const [times, of] = await Promise.all([
      source.readRows(events.times, 0, count),
      source.readRows(events.channels, 0, count),
    ]);
    return Array.from(of, (index, row) => ({
      start: times[row],
      end: times[row],
      label: channels[index]?.label ?? '',
    }));
  }
  if (!arrays) throw new Error(`${name} is no series of intervals.`);
  const { times, label_indices: indices, labels } = arrays;
  const count = times.shape[0];
  if (!count) return [];
  const [edges, labelled] = await Promise.all([source.readRows(times, 0, count), source.readRows(indices, 0, count)]);
  return Array.from(labelled, (index, row) => ({
    start: edges[2 * row],
    end: edges[2 * row + 1],
    label: labels[index] ?? '',
  }));
}

/**
 * @param {Session} session
 * @param {Extract<Ask, {name: 'findNext'}>} ask
 * @returns {Promise<number | null>} view time
 */
async function findNext(session, { what, time, direction, seriesUri, of }) {
  const { figure, source } = session;
  const { shifts } = session.timeline();
  if (what === 'event') {
    const { panels } = figure.views[session.view()];
    const shown = [...panels.flatMap((panel) => panel.seriesUri ?? []), ...panels.flatMap(({ over = [] }) => over)];
    const withPoints = shown.filter((uri) => ['event', 'discrete'].includes(figure.series[uri]?.type));
    withPoints.sort(
      (one, other) => Number(figure.series[other].type === 'event') - Number(figure.series[one].type === 'event'),
    );
    const uri = seriesUri ?? withPoints[0];
    if (uri === undefined) return null;
    const manifest = manifestOf(session, uri);
    const channel = of === undefined ? null : manifest.channels.findIndex(({ id }) => id === of);
    const shift = shifts[uri] ?? 0;
    /** @type {Parameters<typeof nextPoint>[1]} */
    const getPoints = (start, end, most) => source.getPoints(uri, start, end, most);
    return nextPoint(manifest, getPoints, shift, time, direction, channel);
  }
  if (what === 'gap') {
    const uri = seriesUri ?? referenceOf(session);
    return uri === null
      ? null
      : nearest(
          gapsOf(manifestOf(session, uri), shifts[uri] ?? 0).map(({ start }) => start),
          time,
          direction,
        );
  }
  const uris = seriesUri === null ? figure.intervalSeries : [seriesUri];
  const all = await Promise.all(uris.map((uri) => intervals(session, uri)));
  return nearest(
    all
      .flat()
      .filter(({ label }) => of === undefined || label === of)
      .map(({ start, end }) => (what === 'interval' ? start : end)),
    time,
    direction,
  );
}

/**
 * Events of each channel, by the coarsest counts, which hold all of them; else by the events themselves.
 * @param {Session} session
 * @param {string} uri
 * @returns {Promise<number[]>}
 */
async function eventCounts(session, uri) {
  const { channels, counts, events } = manifestOf(session, uri);
  const found = channels.map(() => 0);
  const coarsest = counts[counts.length - 1];
  if (coarsest) {
    const rows = await session.source.readRows(coarsest, 0, coarsest.shape[0]);
    rows.forEach((count, at) => (found[at % channels.length] += count));
  } else if (events?.times.shape[0]) {
    const of = await session.source.readRows(events.channels, 0, events.channels.shape[0]);
    of.forEach((index) => (found[index] += 1));
  }
  return found;
}
