/** @file Tiles of stored numbers: a cache that forgets the least recently used, and a loader that asks for them. */

/** Columns (or bins) of one tile. */
export const TILE_COLUMNS = 512;
const CACHE_BYTES = 96 * 2 ** 20;
const REQUESTS_IN_FLIGHT = 6;

/**
 * @template T
 * @typedef {object} TileCache tiles of one group (a series' segment and channels) have steps (samples a bin) and indices
 * @property {(group: string, step: number | string, index: number) => T | undefined} get
 * @property {(group: string, step: number | string, index: number, tile: T, bytes: number) => void} set
 * @property {(group: string) => (number | string)[]} steps those of which there are tiles
 * @property {(group: string, step: number | string) => number[]} indices
 * @property {(group: string) => void} forget
 * @property {() => number} bytes
 */

/**
 * @template T
 * @param {number} [maxBytes]
 * @returns {TileCache<T>}
 */
export function createTileCache(maxBytes = CACHE_BYTES) {
  /** @typedef {{group: string, step: number | string, index: number, tile: T, bytes: number}} Entry */
  /** @type {Map<string, Map<number | string, Map<number, Entry>>>} */
  const groups = new Map();
  /** @type {Set<Entry>} the least recently used first */
  const order = new Set();
  let total = 0;

  /** @param {Entry} entry */
  const forgetTile = (entry) => {
    order.delete(entry);
    total -= entry.bytes;
    const steps = groups.get(entry.group);
    const tiles = steps?.get(entry.step);
    tiles?.delete(entry.index);
    if (tiles?.size === 0) steps?.delete(entry.step);
    if (steps?.size === 0) groups.delete(entry.group);
  };

  return {
    get(group, step, index) {
      const entry = groups.get(group)?.get(step)?.get(index);
      if (!entry) return undefined;
      order.delete(entry);
      order.add(entry);
      return entry.tile;
    },
    set(group, step, index, tile, bytes) {
      const before = groups.get(group)?.get(step)?.get(index);
      if (before) forgetTile(before);
      const entry = { group, step, index, tile, bytes };
      const steps = groups.get(group) ?? new Map();
      groups.set(group, steps);
      const tiles = steps.get(step) ?? new Map();
      steps.set(step, tiles);
      tiles.set(index, entry);
      order.add(entry);
      total += bytes;
      for (const oldest of order) {
        if (total <= maxBytes || oldest === entry) break;
        forgetTile(oldest);
      }
    },
    steps: (group) => [...(groups.get(group)?.keys() ?? [])],
    indices: (group, step) => [...(groups.get(group)?.get(step)?.keys() ?? [])],
    forget(group) {
      for (const tiles of [...(groups.get(group)?.values() ?? [])])
        for (const entry of [...tiles.values()]) forgetTile(entry);
    },
    bytes: () => total,
  };
}

/**
 * @typedef {object} TileRequest
 * @property {string} key
 * @property {number} distance of the tile from the middle of the screen, columns; the smallest is asked for first
 * @property {boolean} isAhead not on the screen, only likely to be so soon
 * @property {(signal?: AbortSignal) => Promise<void>} load asks for the tile and keeps it; rejects when it is given up
 */

/**
 * @typedef {object} Loader
 * @property {(requests: TileRequest[]) => void} want what is wanted now; what was wanted before and is not any more is
 *   dropped, and given up where it is under way, as is what is ahead while the screen lacks something
 * @property {() => void} retry forget failures
 * @property {(requests: TileRequest[]) => string | null} failure of one of these, in words
 */

/**
 * @param {(key: string) => void} onArrival
 * @param {(waiting: number) => void} onWaiting how many tiles on the screen are not there yet
 * @returns {Loader}
 */
export function createLoader(onArrival, onWaiting) {
  /** @type {TileRequest[]} */
  let wanted = [];
  /** @type {TileRequest[]} */
  let queue = [];
  /** @type {Map<string, {end: AbortController, isAhead: boolean}>} */
  const inFlight = new Map();
  /** @type {Map<string, string>} */
  const failures = new Map();
  let announced = -1;

  const announce = () => {
    const asked = [...inFlight.values()].filter(({ end }) => !end.signal.aborted).length;
    const waiting = queue.filter((each) => !each.isAhead).length + asked;
    if (waiting === announced) return;
    announced = waiting;
    onWaiting(waiting);
  };

  /** @param {TileRequest} request */
  const start = async ({ key, isAhead, load }) => {
    const end = new AbortController();
    inFlight.set(key, { end, isAhead });
    let isThere = true;
    try {
      await load(end.signal);
    } catch (error) {
      isThere = false;
      if (!end.signal.aborted) failures.set(key, error instanceof Error ? error.message : String(error));
    }
    // Its place is taken until then: who cannot be told to end it has no more under way than that.
    inFlight.delete(key);
    if (isThere) wanted = wanted.filter((each) => each.key !== key);
    if (end.signal.aborted) fill();
    pump();
    if (isThere || !end.signal.aborted) onArrival(key);
  };

  const pump = () => {
    while (inFlight.size < REQUESTS_IN_FLIGHT) {
      // What is ahead takes nothing from what the screen waits for.
      if (queue[0]?.isAhead && [...inFlight.values()].some((each) => !each.isAhead)) break;
      const next = queue.shift();
      if (!next) break;
      void start(next);
    }
    announce();
  };

  const fill = () => {
    const seen = new Set();
    queue = wanted
      .filter(({ key }) => !inFlight.has(key) && !failures.has(key) && !seen.has(key) && seen.add(key))
      .sort((one, other) => Number(one.isAhead) - Number(other.isAhead) || one.distance - other.distance);
  };

  return {
    want(requests) {
      wanted = requests;
      const onScreen = new Set(requests.flatMap(({ key, isAhead }) => (isAhead || failures.has(key) ? [] : key)));
      const kept = onScreen.size ? onScreen : new Set(requests.map(({ key }) => key));
      for (const [key, each] of inFlight) {
        each.isAhead = !onScreen.has(key);
        if (!kept.has(key)) each.end.abort();
      }
      fill();
      pump();
    },
    retry: () => failures.clear(),
    failure(requests) {
      const failed = requests.find(({ key, isAhead }) => !isAhead && failures.has(key));
      return failed ? /** @type {string} */ (failures.get(failed.key)) : null;
    },
  };
}
