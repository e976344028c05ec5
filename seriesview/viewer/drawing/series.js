/** @file What the worker has of one series: its tiles, its coarsest level, its coarsest moments, and requests for them. */

import { numBinsOf } from './columns.js';
import { TILE_COLUMNS } from './tiles.js';

/** @typedef {import('../types.js').ArrayInfo} ArrayInfo */
/** @typedef {import('../types.js').Numbers} Numbers */
/** @typedef {import('../types.js').Points} Points */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('../types.js').Source} Source */
/** @typedef {import('./tiles.js').TileRequest} TileRequest */

/** A coarsest level, or coarsest moments, of more bytes are not loaded: series of very many short segments. */
const MOST_COARSEST_BYTES = 48 * 2 ** 20;

/** @typedef {Numbers | Points} Tile */

/**
 * @typedef {object} Choice the tile that is there for some channels, or how to ask for it
 * @property {string} group
 * @property {string[] | null} ids to ask for; null: all
 * @property {number} width channels in the tile
 * @property {Int32Array} positions of the shown channels in the tile
 * @property {Numbers | undefined} tile
 */

/**
 * @typedef {object} SeriesData
 * @property {string} uri
 * @property {SeriesManifest} manifest
 * @property {number} finest
 * @property {() => string | null} outOfReach why raw samples cannot be reached now, in words; null where they can
 * @property {() => void} forgetPoints which may have come from bins, while samples could not be reached
 * @property {SeriesManifest['levels'][number] | null} coarsest level that is loaded first and kept
 * @property {() => Numbers | null} coarsestRows (bins, 2, channels) of all segments; null while they are not there
 * @property {() => TileRequest} coarsestRequest
 * @property {() => Float64Array | null} coarsestTimes of each bin's first sample, for irregular series
 * @property {SeriesManifest['moments'][number] | null} coarsestMoments what scales and the overview come from
 * @property {() => Numbers | null} momentRows (bins, 3, channels) of them
 * @property {() => TileRequest} momentRequest
 * @property {() => TileRequest[]} scalesLacking what has to come before scales are known
 * @property {(segment: number, sample: number, ids: string[]) => Promise<bigint[] | null>} exact one sample of 64-bit integers;
 *   null where it cannot be had
 * @property {(factor: number, segment: number) => number} firstRow
 * @property {(segment: number, step: number, index: number, shown: Int32Array) => Choice} choose
 * @property {(segment: number, shown: Int32Array) => number[]} steps of which tiles are there, ascending
 * @property {(group: string, segment: number, step: number, index: number, ids: string[] | null) => TileRequest} windowRequest
 * @property {() => void} grow more of it is built
 * @property {(group: string, step: number, index: number) => boolean} isOutgrown a tile was cut for want of what may be built now
 * @property {() => number} version how often what was drawn of it has become another: such a tile came, or other scales
 * @property {() => import('./scales.js').Spread | null} held scales that it had while it was built; null: it has its own
 * @property {() => void} useOwnScales
 * @property {(factor: number) => boolean} hasRows whether any blocks of rows are there
 * @property {(factor: number, index: number) => Numbers | undefined} rows
 * @property {(array: ArrayInfo, factor: number, index: number, rows: number) => TileRequest} rowsRequest
 * @property {(step: string, index: number) => Points | undefined} points
 * @property {() => string[]} pointSteps
 * @property {(step: string) => number[]} pointIndices
 * @property {(step: string, index: number, startTime: number, endTime: number, maxPoints: number) => TileRequest} pointsRequest
 * @property {() => Intervals | null} intervals null while they are not there
 * @property {() => TileRequest} intervalsRequest
 */

/**
 * All intervals of a series, by start, in its own times.
 * @typedef {object} Intervals
 * @property {Numbers} times (n, 2)
 * @property {Numbers} labels (n,) indices into those of the manifest
 * @property {Float64Array} latest (n,) the latest end of an interval and those before it
 */

/**
 * @param {Source} source
 * @param {string} uri
 * @param {SeriesManifest} manifest
 * @param {import('./tiles.js').TileCache<Tile>} cache
 * @param {import('./scales.js').Spread | null} [held]
 * @returns {SeriesData}
 */
export function createSeriesData(source, uri, manifest, cache, held = null) {
  const finest = source.finestSamplesPerColumn(uri);
  const { levels, moments } = manifest;
  // What is being built is asked for in windows alone.
  const coarsest = manifest.state ? null : smallEnough(levels);
  const coarsestMoments = smallEnough(moments);
  const rowsGroup = `${uri}|rows`;
  const pointsGroup = `${uri}|points`;
  /** @type {Numbers | null} */
  let coarsestRows = null;
  /** @type {Float64Array | null} */
  let coarsestTimes = null;
  /** @type {Numbers | null} */
  let momentRows = null;
  /** @type {Intervals | null} */
  let intervals = null;
  const measure = source.measure?.(uri);
  let isMeasured = !measure;
  /** @type {Map<number, Float64Array>} */
  const firstRows = new Map();
  /** @type {WeakMap<Int32Array, {ids: string[] | null, name: string, width: number, positions: Int32Array}>} */
  const sets = new WeakMap();
  const numChannels = manifest.channels.length;
  let growth = 0;
  let version = 0;
  /** Tiles that end where what was built did, and how often it had grown then. @type {Map<string, number>} */
  const cut = new Map();

  /** @param {Int32Array} shown */
  const setOf = (shown) => {
    const known = sets.get(shown);
    if (known) return known;
    const sorted = Int32Array.from(new Set(shown)).sort();
    const isAll = 2 * sorted.length > numChannels;
    const set = {
      ids: isAll ? null : Array.from(sorted, (index) => manifest.channels[index].id),
      name: isAll ? 'all' : sorted.join(','),
      width: isAll ? numChannels : sorted.length,
      positions: isAll ? shown : shown.map((index) => sorted.indexOf(index)),
    };
    sets.set(shown, set);
    return set;
  };

  /**
   * @param {string} key
   * @param {(signal?: AbortSignal) => Promise<void>} load
   * @returns {TileRequest}
   */
  const request = (key, load) => ({ key, distance: 0, isAhead: false, load });

  /** @type {SeriesData} */
  const data = {
    uri,
    manifest,
    finest,
    outOfReach: () => source.outOfReach?.(uri) ?? null,
    forgetPoints: () => cache.forget(pointsGroup),
    coarsest,
    coarsestMoments,
    coarsestRows: () => coarsestRows,
    coarsestTimes: () => coarsestTimes,
    coarsestRequest: () =>
      request(`${uri}|coarsest`, async (signal) => {
        if (!coarsest) return;
        if (coarsest.times)
          coarsestTimes = Float64Array.from(await source.readRows(coarsest.times, 0, coarsest.shape[0], signal));
        coarsestRows = await source.readRows(coarsest, 0, coarsest.shape[0], signal);
      }),
    momentRows: () => momentRows,
    momentRequest: () =>
      request(`${uri}|moments`, async (signal) => {
        if (coarsestMoments) momentRows = await source.readRows(coarsestMoments, 0, coarsestMoments.shape[0], signal);
      }),
    scalesLacking() {
      const measured = () =>
        request(`${uri}|typical`, async (signal) => {
          await measure?.(signal);
          isMeasured = true;
        });
      return [
        ...(coarsestMoments && !momentRows ? [data.momentRequest()] : []),
        ...(coarsest && !coarsestRows ? [data.coarsestRequest()] : []),
        ...(isMeasured ? [] : [measured()]),
      ];
    },
    async exact(segment, sample, ids) {
      return (await source.getExact?.(uri, segment, sample, ids).catch(() => null)) ?? null;
    },
    firstRow(factor, segment) {
      const known = firstRows.get(factor) ?? rowsBefore(manifest, factor);
      firstRows.set(factor, known);
      return known[segment];
    },
    choose(segment, step, index, shown) {
      const set = setOf(shown);
      const all = `${uri}|${segment}|all`;
      const group = `${uri}|${segment}|${set.name}`;
      const tile = /** @type {Numbers | undefined} */ (cache.get(group, step, index));
      if (!tile && group !== all) {
        const whole = /** @type {Numbers | undefined} */ (cache.get(all, step, index));
        if (whole) return { group: all, ids: null, width: numChannels, positions: shown, tile: whole };
      }
      return { group, ids: set.ids, width: set.width, positions: set.positions, tile };
    },
    steps(segment, shown) {
      const { name } = setOf(shown);
      const own = cache.steps(`${uri}|${segment}|${name}`);
      const all = name === 'all' ? [] : cache.steps(`${uri}|${segment}|all`);
      return [...new Set([...own, ...all])].map(Number).sort((one, other) => one - other);
    },
    windowRequest: (group, segment, step, index, ids) =>
      request(`${group}|${step}|${index}`, async (signal) => {
        const firstSample = index * TILE_COLUMNS * step;
        const wanted = { segment, firstSample, samplesPerColumn: step, columns: TILE_COLUMNS, channels: ids };
        const then = growth;
        const { envelope, values } = await source.getWindow(uri, wanted, signal);
        const tile = step === 1 ? values : envelope;
        if (!tile) throw new Error(`${manifest.label}: the answer holds neither samples nor an envelope`);
        cache.set(group, step, index, tile, tile.byteLength);
        const length = manifest.segments[segment].num_samples;
        // What is still written may go on in any tile that is not full.
        const left = manifest.state === 'following' ? Infinity : numBinsOf(length, step) - index * TILE_COLUMNS;
        const rows = Math.min(left, TILE_COLUMNS);
        const key = `${group}|${step}|${index}`;
        if (cut.delete(key)) version += 1;
        const width = ids?.length ?? numChannels;
        const isCut = step > 1 ? tile.length < 2 * width * rows : manifest.state && tile.length <= width * rows;
        if (isCut) cut.set(key, then);
      }),
    grow() {
      growth += 1;
      firstRows.clear();
    },
    isOutgrown: (group, step, index) => (cut.get(`${group}|${step}|${index}`) ?? growth) < growth,
    version: () => version,
    held: () => held,
    useOwnScales() {
      if (held) version += 1;
      held = null;
    },
    hasRows: (factor) => cache.steps(rowsGroup).includes(factor),
    rows: (factor, index) => /** @type {Numbers | undefined} */ (cache.get(rowsGroup, factor, index)),
    rowsRequest: (array, factor, index, rows) =>
      request(`${rowsGroup}|${factor}|${index}`, async (signal) => {
        // Lines reach from the last sample of a block to the first one of the next.
        const end = Math.min((index + 1) * rows + (factor === 1 ? 1 : 0), array.shape[0]);
        const tile = await source.readRows(array, index * rows, end, signal);
        cache.set(rowsGroup, factor, index, tile, tile.byteLength);
      }),
    points: (step, index) => /** @type {Points | undefined} */ (cache.get(pointsGroup, step, index)),
    pointSteps: () => cache.steps(pointsGroup).map(String),
    pointIndices: (step) => cache.indices(pointsGroup, step),
    intervals: () => intervals,
    intervalsRequest: () =>
      request(`${uri}|intervals`, async (signal) => {
        if (!manifest.intervals) throw new Error(`${manifest.label} is no series of intervals.`);
        const { times: edges, label_indices: indices } = manifest.intervals;
        const count = edges.shape[0];
        const [times, labels] = await Promise.all([
          source.readRows(edges, 0, count, signal),
          source.readRows(indices, 0, count, signal),
        ]);
        let most = -Infinity;
        const latest = Float64Array.from({ length: count }, (_, row) => (most = Math.max(most, times[2 * row + 1])));
        intervals = { times, labels, latest };
      }),
    pointsRequest: (step, index, startTime, endTime, maxPoints) =>
      request(`${pointsGroup}|${step}|${index}`, async (signal) => {
        const tile = await source.getPoints(uri, startTime, endTime, maxPoints, signal);
        cache.set(pointsGroup, step, index, tile, bytesOfPoints(tile));
      }),
  };
  return data;
}

/**
 * First rows of each segment in an array of bins; after the last one the number of rows.
 * @param {SeriesManifest} manifest
 * @param {number} factor 1: samples
 * @returns {Float64Array} (segments + 1,)
 */
function rowsBefore(manifest, factor) {
  const rows = new Float64Array(manifest.segments.length + 1);
  manifest.segments.forEach(({ num_samples: length }, segment) => {
    rows[segment + 1] = rows[segment] + (factor === 1 ? length : numBinsOf(length, factor));
  });
  return rows;
}

/**
 * The last of some arrays, or null.
 * @template {ArrayInfo} A
 * @param {A[]} arrays
 * @returns {A | null}
 */
function smallEnough(arrays) {
  const last = arrays[arrays.length - 1];
  if (!last) return null;
  const itemBytes = Number(/\d+$/.exec(last.dtype)?.[0] ?? 64) / 8;
  return last.shape.reduce((product, length) => product * length, itemBytes) <= MOST_COARSEST_BYTES ? last : null;
}

/**
 * @param {Points} points
 * @returns {number}
 */
function bytesOfPoints({ times, values, channels, edges, counts, envelope }) {
  return [times, values, channels, edges, counts, envelope].reduce((sum, array) => sum + (array?.byteLength ?? 0), 64);
}
