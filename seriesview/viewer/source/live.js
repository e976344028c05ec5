/** @file A figure that is being built: how far it is, and windows of what there is by now, from whoever builds it. */

import { SourceError, parseCoded } from './errors.js';
import { closedBins, parseJson, parseSeries, parseWorkspace } from './manifests.js';
import { ITEM_BYTES, numbersOf } from './numbers.js';
import { absentAt } from './missing.js';
import { channelPlaces } from './series.js';

/** @typedef {import('../types.js').BuildStatus} BuildStatus */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('../types.js').Source} Source */

/**
 * What whoever builds tells (docs/viewer.md).
 * @typedef {object} LiveState
 * @property {number} version
 * @property {'following' | 'building' | 'done' | 'failed'} state following: recordings are still written
 * @property {string} text
 * @property {string} [error] why it failed
 * @property {string} [uri] of the workspace, when it is done
 * @property {number | null} seconds_left
 * @property {number | null} quiet_seconds since it was heard of, or while it is followed, since something came, where that
 *   is long
 * @property {number | null} behind_seconds while it is followed: of the recording that were not read yet
 * @property {string[]} [problems] of files that were followed, and are no more, in words
 * @property {any} workspace as a manifest; null: nothing can be shown yet
 * @property {string[]} waiting names of series of which nothing is shown before they are built
 * @property {Record<string, {manifest: any, factors: number[], exact_until: number, done: number}>} series by URI
 */

/**
 * @typedef {object} Live
 * @property {() => Promise<LiveState>} next what is newer than what it gave before; waits for that
 * @property {(uri: string, request: import('../types.js').WindowRequest, signal?: AbortSignal) =>
 *   Promise<{head: {columns: number, factor: number}, bytes: ArrayBuffer}>} window
 * @property {(uri: string, manifest: SeriesManifest) => Promise<import('../types.js').Preview>} preview
 */

/**
 * @param {string} address
 * @returns {Live}
 */
export function liveAt(address) {
  let version = 0;
  return {
    async next() {
      const response = await fetched(`${address}?after=${version}`, {});
      const state = parseJson(await response.text());
      version = state.version;
      return state;
    },
    async window(series, { segment, firstSample, samplesPerColumn, columns, channels }, signal) {
      const body = JSON.stringify({ series, segment, firstSample, samplesPerColumn, columns, channels });
      const headers = { 'Content-Type': 'application/json' };
      const response = await fetched(`${address}/window`, { method: 'POST', body, headers, signal });
      const head = JSON.parse(response.headers.get('Seriesview-Window') ?? 'null');
      return { head, bytes: await response.arrayBuffer() };
    },
    async preview(series, { dtype, absent }) {
      const response = await fetched(`${address}/preview?series=${encodeURIComponent(series)}`, {});
      const { samples } = JSON.parse(response.headers.get('Seriesview-Window') ?? 'null');
      return { samples, rows: numbersOf(await response.arrayBuffer(), dtype, absent ?? undefined) };
    },
  };
}

/** @param {string} address @param {RequestInit} how @returns {Promise<Response>} */
async function fetched(address, how) {
  /** @type {Response} */
  let response;
  try {
    response = await fetch(address, { cache: 'no-store', ...how });
  } catch (cause) {
    how.signal?.throwIfAborted();
    throw new SourceError(
      'network',
      'The command that builds this has ended. What was built stays: `seriesview view` goes on from there.',
    );
  }
  if (response.ok) return response;
  const { sentence, ...facts } = parseCoded(await response.text());
  throw new SourceError(response.status === 404 ? 'missing' : 'refused', sentence, facts);
}

/**
 * The source with what is being built; the rest as it is.
 * @param {Source} source
 * @param {Live} live
 * @param {LiveState} state with a workspace
 * @returns {Source}
 */
export function withLive(source, live, state) {
  /** @type {Map<string, SeriesManifest>} */
  const manifests = new Map();
  for (const [uri, { manifest, factors }] of Object.entries(state.series))
    manifests.set(uri, growing(manifest, factors, state.state));
  const notYet = async () => {
    throw new SourceError('refused', 'this is not built yet: it can be told when the build is done');
  };
  /** @param {string} uri */
  const isLocal = (uri) => manifests.has(uri);
  return {
    ...source,
    getSeries: async (uri) => manifests.get(uri) ?? source.getSeries(uri),
    finestSamplesPerColumn: (uri) => (isLocal(uri) ? 1 : source.finestSamplesPerColumn(uri)),
    async getWindow(uri, request, signal) {
      const manifest = manifests.get(uri);
      if (!manifest) return source.getWindow(uri, request, signal);
      const { head, bytes } = await live.window(uri, request, signal);
      const { firstSample, samplesPerColumn, channels } = request;
      const isValues = samplesPerColumn === 1;
      const width = channels?.length ?? manifest.channels.length;
      const length = (isValues ? head.columns + 1 : 2 * head.columns) * width;
      if (bytes.byteLength !== length * ITEM_BYTES[manifest.dtype])
        throw new SourceError('damaged', 'what came is no window; load the page again');
      const { absent } = manifest;
      const own = absent ? absentAt(absent, channelPlaces(manifest, channels)) : undefined;
      const numbers = numbersOf(bytes, manifest.dtype, own);
      return {
        firstSample,
        samplesPerColumn,
        columns: head.columns,
        factor: head.factor,
        envelope: isValues ? null : numbers,
        values: isValues ? numbers : null,
      };
    },
    getPoints: (uri, ...rest) => (isLocal(uri) ? notYet() : source.getPoints(uri, ...rest)),
    getStatistics: (uri, ...rest) => (isLocal(uri) ? notYet() : source.getStatistics(uri, ...rest)),
    getExact: async (uri, ...rest) =>
      isLocal(uri) ? notYet() : /** @type {NonNullable<Source['getExact']>} */ (source.getExact)(uri, ...rest),
    readLevelRows: (uri, ...rest) =>
      isLocal(uri)
        ? notYet()
        : /** @type {NonNullable<Source['readLevelRows']>} */ (source.readLevelRows)(uri, ...rest),
  };
}

/**
 * The workspace of a state, with URIs of what is not built yet.
 * @param {LiveState} state
 * @returns {import('./manifests.js').Workspace}
 */
export function workspaceOf({ workspace, series }) {
  return parseWorkspace(workspace, (uri) => Object.hasOwn(series, uri));
}

/**
 * Let the series of a figure end where they do by now.
 * @param {Record<string, SeriesManifest>} series of the figure, by URI; those that have grown are changed in place
 * @param {LiveState} state
 * @returns {Record<string, import('../types.js').Growth>} those that have changed, by URI
 */
export function grow(series, state) {
  /** @type {Record<string, import('../types.js').Growth>} */
  const grown = {};
  for (const [uri, { manifest, factors }] of Object.entries(state.series)) {
    const before = series[uri];
    if (!before || (before.state !== 'following' && state.state !== 'following')) continue;
    const { segments, levels, state: now } = growing(manifest, factors, state.state);
    if (before.state === now && samplesOf(before.segments) === samplesOf(segments)) continue;
    grown[uri] = { segments, levels, state: now };
    Object.assign(before, grown[uri]);
  }
  return grown;
}

/** @param {SeriesManifest['segments']} segments @returns {number} */
function samplesOf(segments) {
  return segments.reduce((sum, { num_samples: count }) => sum + count, 0);
}

/**
 * The manifest of a series whose levels are being made: they have no pages.
 * @param {any} document
 * @param {number[]} factors
 * @param {LiveState['state']} state
 * @returns {SeriesManifest}
 */
function growing(document, factors, state) {
  const manifest = parseSeries({ ...document, values: null, levels: [], moments: [] });
  const width = manifest.channels.length;
  const levels = factors.map((factor) => {
    const rows = manifest.segments.reduce((sum, { num_samples: count }) => sum + closedBins(count, factor), 0);
    const array = { dtype: manifest.dtype, shape: [rows, 2, width], part_rows: 1, pack_parts: 1, pages: [] };
    return { ...array, factor };
  });
  return { ...manifest, levels, state: state === 'following' ? state : 'building' };
}

/**
 * What of a state the page tells.
 * @param {LiveState} state
 * @returns {BuildStatus}
 */
export function statusOf({ state, text, error, series, ...told }) {
  const reached = Object.entries(series).map(([uri, { exact_until: until, done }]) => ({ uri, until, done }));
  return {
    state: state === 'done' ? 'building' : state,
    text,
    error: error ?? null,
    secondsLeft: told.seconds_left,
    quietSeconds: told.quiet_seconds,
    behindSeconds: told.behind_seconds ?? null,
    problems: told.problems ?? [],
    reached,
  };
}
