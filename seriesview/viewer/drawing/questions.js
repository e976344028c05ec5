/** @file Answers to the main thread's questions about the view that is shown. */

import { panelType } from '../panels/registry.js';
import { samples, statistics } from './extracts.js';
import { gapsOf, overview } from './overview.js';
import { readOut } from './readout.js';

/** @typedef {import('../types.js').Ask} Ask */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('./session.js').Session} Session */
/** @typedef {{start: number, end: number, label: string}} Interval view times */

const POINTS = 512;
const MOST_STEPS = 80;
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
  if (ask.name === 'intervals') return intervals(session, ask.uri);
  if (ask.name === 'findNext') return findNext(session, ask);
  const uri = session.uriOf(ask.seriesUri, ask.steps);
  const manifest = manifestOf(session, uri);
  const shift = shifts[uri] ?? 0;
  const [startTime, endTime] = [ask.startTime - shift, ask.endTime - shift];
  if (ask.name === 'statistics') return statistics(source, uri, manifest, startTime, endTime, ask.channels);
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
async function findNext(session, { what, time, direction, seriesUri }) {
  const { figure } = session;
  const { shifts } = session.timeline();
  if (what === 'event') {
    const shown = figure.views[session.view()].panels.flatMap((panel) => panel.seriesUri ?? []);
    const withPoints = shown.filter((uri) => ['event', 'discrete'].includes(figure.series[uri]?.type));
    withPoints.sort(
      (one, other) => Number(figure.series[other].type === 'event') - Number(figure.series[one].type === 'event'),
    );
    const uri = seriesUri ?? withPoints[0];
    return uri === undefined ? null : nextPoint(session, uri, time, direction);
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
    all.flat().map(({ start, end }) => (what === 'interval' ? start : end)),
    time,
    direction,
  );
}

/**
 * @param {number[]} times
 * @param {number} time
 * @param {1 | -1} direction
 * @returns {number | null} the nearest one strictly after or before a time
 */
function nearest(times, time, direction) {
  let found = null;
  for (const each of times) {
    if ((each - time) * direction <= 0) continue;
    if (found === null || (found - each) * direction > 0) found = each;
  }
  return found;
}

/**
 * The event or point next to a time: stretches that grow until they hold one, and shrink until they hold few.
 * @param {Session} session
 * @param {string} uri
 * @param {number} time view time
 * @param {1 | -1} direction
 * @returns {Promise<number | null>} view time
 */
async function nextPoint(session, uri, time, direction) {
  const { segments } = manifestOf(session, uri);
  if (!segments.length) return null;
  const shift = session.timeline().shifts[uri] ?? 0;
  const first = segments[0].start_time;
  const last = segments.reduce((most, segment) => Math.max(most, segment.end_time), first);
  const count = segments.reduce((sum, segment) => sum + segment.num_samples, 0);
  const firstWidth = Math.max(((last - first) * POINTS) / 4 / Math.max(count, 1), 1e-6);
  let width = firstWidth;
  let near = direction > 0 ? Math.max(time - shift, first) : Math.min(time - shift, last);
  for (let step = 0; step < MOST_STEPS; step += 1) {
    if (direction > 0 ? near > last : near < first) return null;
    const far = near + direction * width;
    const [low, high] = direction > 0 ? [near, far] : [far, near];
    const { times, edges, counts } = await session.source.getPoints(uri, low, high, POINTS);
    if (times) {
      const found = nearest(
        Array.from(times, (each) => each + shift),
        time,
        direction,
      );
      if (found !== null) return found;
      near = far;
      width *= 4;
      continue;
    }
    if (!edges || !counts) return null;
    const perBin = counts.length / POINTS;
    const order = Array.from({ length: POINTS }, (_, bin) => (direction > 0 ? bin : POINTS - 1 - bin));
    const filled = order.find((bin) => counts.subarray(bin * perBin, (bin + 1) * perBin).some((each) => each > 0));
    if (filled === undefined) {
      near = far;
      continue;
    }
    near = direction > 0 ? edges[filled] : edges[filled + 1];
    width = edges[filled + 1] - edges[filled];
    const instant = 1e-9 * Math.max(Math.abs(near), 1);
    if (width > instant) continue;
    // So many at one time that they never become few: their end, unless the search began there.
    near += direction * width;
    if ((near + shift - time) * direction > 3 * instant) return near + shift;
    width = firstWidth;
  }
  return null;
}
