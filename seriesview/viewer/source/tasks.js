/** @file The source that asks a backend; while none answers, it reads the artifacts themselves where it can. */

import { makeArtifacts } from './artifacts.js';
import { SourceError, asSourceError, factsOf } from './errors.js';
import { fileSource } from './files.js';
import { absentAt, withoutMissing } from './missing.js';
import { ITEM_BYTES, decodeArray, isWide, numbersOf } from './numbers.js';
import { createOutOfReach } from './out_of_reach.js';
import { channelPlaces, hasStoredSamples, lacksSamples } from './series.js';
import { wholeBins } from './statistics.js';

/** @typedef {import('../types.js').Outside} Outside */
/** @typedef {import('../types.js').Numbers} Numbers */
/** @typedef {import('../types.js').Source} Source */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */

const LOOK_MILLISECONDS = 5000;
const VERSION = 'seriesview.get_python_package_version.1';

/**
 * @typedef {object} Files artifacts, as they are read where no backend is asked
 * @property {(uri: string, isAgain: boolean, signal?: AbortSignal) => Promise<ArrayBuffer>} bytes
 * @property {import('./packs.js').AskStretch} stretch
 */

/**
 * @param {Outside} outside
 * @param {Files | null} readable where the parent gives the bytes of files
 * @param {import('./direct_windows.js').AskDirectly | null} windows where the node answers windows itself
 * @returns {Source}
 */
export function taskSource(outside, readable, windows = null) {
  let isAway = false;
  let lookedAt = -Infinity;
  const lost = createOutOfReach();

  /** @param {string} functionId @param {object} kwargs @param {AbortSignal} [signal] @returns {Promise<any>} */
  async function run(functionId, kwargs, signal) {
    try {
      const kind = functionId === VERSION ? 'query' : 'pure-calculation';
      const result = await outside.runTask(functionId, kind, kwargs, signal);
      isAway = false;
      return result;
    } catch (cause) {
      signal?.throwIfAborted();
      const fault = taskFault(cause);
      if (fault.kind === 'backend') isAway = true;
      throw fault;
    }
  }

  function look() {
    if (Date.now() - lookedAt < LOOK_MILLISECONDS) return;
    lookedAt = Date.now();
    run(VERSION, {}).catch(() => {});
  }

  /**
   * What a task gives, or, while no backend answers, what can be read without one.
   * @template T
   * @param {() => Promise<T>} ask
   * @param {() => Promise<T>} instead
   * @returns {Promise<T>}
   */
  async function asked(ask, instead) {
    if (isAway && readable) {
      look();
      return instead().catch(withoutBackend);
    }
    try {
      return await ask();
    } catch (cause) {
      const fault = asSourceError(cause, 'damaged');
      if (fault.kind !== 'backend' || !readable) throw fault;
      lookedAt = Date.now();
      return instead().catch((other) => {
        throw asSourceError(other, 'missing').kind === 'damaged' ? other : fault;
      });
    }
  }

  const artifacts = makeArtifacts({
    bytes: null,
    ...readable,
    async numbers(uri, dtype, count, absent, signal) {
      if (isAway && readable) throw noBackend();
      // Doubles do not hold every 64-bit integer: their halves are sent.
      const [sent, length] = isWide(dtype) ? ['int32', 2 * count] : [dtype, count];
      const result = await run('seriesview.get_array.2', { dtype: sent, uri: named(uri) }, signal);
      const numbers = await decodeArray(result?.array, sent, length);
      if (!isWide(dtype)) return withoutMissing(numbers, absent);
      return numbersOf(Int32Array.from(numbers).buffer, dtype, absent);
    },
  });

  /** @param {string} functionId @param {string} key @returns {(uri: string) => Promise<any>} */
  function document(functionId, key) {
    return async (uri) => {
      if (readable) {
        try {
          return await artifacts.readJson(uri);
        } catch (cause) {
          if (asSourceError(cause, 'missing').kind === 'damaged') throw cause;
        }
      }
      return run(functionId, { [key]: named(uri) });
    };
  }

  const readWorkspace = document('seriesview.get_workspace.1', 'workspace_uri');
  const readManifest = document('seriesview.get_series_manifest.1', 'series_uri');
  const files = fileSource('tasks', artifacts, readWorkspace, readManifest);

  return {
    ...files,
    finestSamplesPerColumn(uri) {
      return files.manifests.get(uri)?.values && uri.startsWith('sha1://') ? 1 : files.finestSamplesPerColumn(uri);
    },
    async getWindow(uri, request, signal) {
      const instead = () => files.getWindow(uri, request, signal);
      if (!uri.startsWith('sha1://')) return instead();
      const manifest = await files.getSeries(uri);
      const { segment, firstSample, samplesPerColumn, columns, channels } = request;
      const kwargs = {
        series_uri: named(uri),
        segment,
        first_sample: firstSample,
        samples_per_column: samplesPerColumn,
        columns,
        channels,
        ...halvesOf(manifest),
      };
      const width = channels?.length ?? manifest.channels.length;
      const isValues = samplesPerColumn === 1;
      /**
       * @param {any} result as get_window has it
       * @param {(length: number) => Promise<Numbers> | Numbers} read
       */
      const windowOf = async (result, read) => {
        const found = result?.columns;
        if (!(Number.isInteger(found) && found >= 0 && found <= columns)) throw strange('a window');
        const stored = await read((isValues ? found + 1 : 2 * found) * width);
        return {
          firstSample,
          samplesPerColumn,
          columns: found,
          factor: Number(result.factor) || 1,
          envelope: isValues ? null : stored,
          values: isValues ? stored : null,
        };
      };
      const ask = async (/** @type {AbortSignal | undefined} */ end) => {
        const result = await run('seriesview.get_window.1', kwargs, end);
        const sent = isValues ? result?.values : result?.envelope;
        return windowOf(result, (length) => storedNumbers(manifest, sent, length, channels));
      };
      const askDirectly = async (/** @type {AbortSignal | undefined} */ end) => {
        const found = await windows?.(kwargs, end);
        if (!found) return null;
        isAway = false;
        return windowOf(found.result, (length) => plainNumbers(manifest, found.bytes, length, channels));
      };
      /** @param {AbortSignal} [end] */
      const askEither = async (end) => (await askDirectly(end)) ?? ask(end);
      return askDirectly(signal)
        .then((found) => found ?? asked(() => ask(signal), instead))
        .catch((cause) => {
          lost.note(uri, manifest, cause, () => askEither(undefined));
          throw cause;
        });
    },
    async getPoints(uri, startTime, endTime, maxPoints, signal) {
      const instead = () => files.getPoints(uri, startTime, endTime, maxPoints, signal);
      if (!uri.startsWith('sha1://')) return instead();
      const manifest = await files.getSeries(uri);
      const { channels, events } = manifest;
      /** @param {AbortSignal} [end] @returns {Promise<import('../types.js').Points>} */
      const ask = async (end) => {
        const kwargs = {
          series_uri: named(uri),
          start_time: startTime,
          end_time: endTime,
          max_points: maxPoints,
          ...halvesOf(manifest),
        };
        const result = await run('seriesview.get_points.1', kwargs, end);
        if (!result || typeof result !== 'object') throw strange('points');
        if (result.times) {
          const length = result.times.shape?.[0] ?? result.times.length;
          const times = Float64Array.from(await decodeArray(result.times, 'float64', length));
          if (events)
            return { times, channels: Uint32Array.from(await decodeArray(result.channels, 'uint32', length)) };
          return { times, values: await storedNumbers(manifest, result.values, length * channels.length, null) };
        }
        const edges = Float64Array.from(await decodeArray(result.edges, 'float64', maxPoints + 1));
        if (events) return { edges, counts: await decodeArray(result.counts, 'float64', maxPoints * channels.length) };
        const counts = await decodeArray(result.counts, 'float64', maxPoints);
        const length = maxPoints * 2 * channels.length;
        return { edges, counts, envelope: await storedNumbers(manifest, result.envelope, length, null) };
      };
      return asked(() => ask(signal), instead).catch((cause) => {
        if (!lost.note(uri, manifest, cause, () => ask())) throw cause;
        return instead();
      });
    },
    async getExact(uri, segment, sample, channels) {
      const manifest = await files.getSeries(uri);
      const instead = async () =>
        /** @type {NonNullable<typeof files.getExact>} */ (files.getExact)(uri, segment, sample, channels);
      if (!uri.startsWith('sha1://')) return instead();
      return asked(async () => {
        const where = {
          series_uri: named(uri),
          segment,
          first_sample: sample,
          samples_per_column: 1,
          columns: 1,
          channels,
        };
        const { columns, values } = await run('seriesview.get_window.1', { ...where, halves: true });
        const halves = Int32Array.from(await decodeArray(values, 'int32', 2 * (columns + 1) * channels.length));
        const found =
          manifest.dtype === 'uint64' ? new BigUint64Array(halves.buffer) : new BigInt64Array(halves.buffer);
        return Array.from(found.subarray(0, channels.length));
      }, instead);
    },
    async getStatistics(uri, segment, firstSample, lastSample, channels) {
      const instead = () => files.getStatistics(uri, segment, firstSample, lastSample, channels);
      if (!uri.startsWith('sha1://')) return instead();
      const manifest = await files.getSeries(uri);
      const width = channels?.length ?? manifest.channels.length;
      const ask = async (isOutOfReach = lost.reason(uri) !== null) => {
        const isThere =
          (manifest.values || hasStoredSamples(manifest)) &&
          !isOutOfReach &&
          !lacksSamples(manifest, segment, firstSample, lastSample + 1);
        const covered =
          isThere || !manifest.segments[segment] ? undefined : wholeBins(manifest, segment, firstSample, lastSample);
        const result = await run('seriesview.get_statistics.1', {
          series_uri: named(uri),
          segment,
          first_sample: covered?.firstSample ?? firstSample,
          last_sample: covered?.lastSample ?? lastSample,
          channels,
          ...halvesOf(manifest),
        });
        const orNull = (/** @type {number} */ value) => (Number.isNaN(value) ? null : value);
        const read = async (/** @type {string} */ key) =>
          Array.from(await decodeArray(result?.[key], 'float64', width), orNull);
        const readStored = async (/** @type {string} */ key) =>
          Array.from(await storedNumbers(manifest, result?.[key], width, channels), orNull);
        const [count, mean, rms, std] = await Promise.all(['count', 'mean', 'rms', 'std'].map(read));
        const [min, max] = await Promise.all(['min', 'max'].map(readStored));
        return { count: count.map(Number), mean, rms, std, min, max, ...(covered ? { covered } : {}) };
      };
      return asked(() => ask(), instead).catch((cause) => {
        if (!lost.note(uri, manifest, cause, () => ask(false))) throw cause;
        return ask(true);
      });
    },
    outOfReach: lost.reason,
    seekSamples: lost.seek,
    retry() {
      isAway = false;
    },
  };
}

/**
 * Stored values (..., channels) of a task's result, NaN in place of missing ones.
 * @param {SeriesManifest} manifest
 * @param {any} value
 * @param {number} length
 * @param {string[] | null} channels
 * @returns {Promise<Numbers>}
 */
async function storedNumbers(manifest, value, length, channels) {
  const { absent, dtype } = manifest;
  const own = absent ? absentAt(absent, channelPlaces(manifest, channels)) : undefined;
  if (!isWide(dtype)) return withoutMissing(await decodeArray(value, dtype, length), own);
  return numbersOf(Int32Array.from(await decodeArray(value, 'int32', 2 * length)).buffer, dtype, own);
}

/**
 * Stored values (..., channels) as they lie in memory, little-endian, NaN in place of missing ones.
 * @param {SeriesManifest} manifest
 * @param {ArrayBuffer} bytes
 * @param {number} length
 * @param {string[] | null} channels
 * @returns {Numbers}
 */
function plainNumbers(manifest, bytes, length, channels) {
  const { absent, dtype } = manifest;
  if (bytes.byteLength !== length * ITEM_BYTES[dtype]) throw strange('a window');
  return numbersOf(bytes, dtype, absent ? absentAt(absent, channelPlaces(manifest, channels)) : undefined);
}

/** @param {SeriesManifest} manifest @returns {{halves?: true}} more of a request: doubles do not hold 64-bit integers */
function halvesOf({ dtype }) {
  return isWide(dtype) ? { halves: true } : {};
}

/** @param {unknown} cause @returns {SourceError} */
function taskFault(cause) {
  if (cause instanceof SourceError) return cause;
  return asSourceError(cause, factsOf(cause).code === 'no-backend' ? 'backend' : 'refused');
}

/** @param {unknown} cause @returns {never} */
function withoutBackend(cause) {
  const fault = asSourceError(cause, 'missing');
  throw fault.kind === 'refused' || fault.kind === 'missing' ? new SourceError('backend', fault.message) : fault;
}

function noBackend() {
  const words =
    'no backend answers, and the file is not here either: start a backend, or ask whoever sent the link for its ID';
  return new SourceError('backend', words);
}

/** @param {string} what @returns {SourceError} */
function strange(what) {
  return new SourceError(
    'damaged',
    `the backend sent no ${what.slice(2)} as this viewer reads them; it may be of another version`,
  );
}

/** @param {string} uri @returns {string} backends want a name behind the hash */
function named(uri) {
  return /^sha1:\/\/[0-9a-f]{40}(\?|$)/.test(uri) ? `${uri.slice(0, 47)}/artifact${uri.slice(47)}` : uri;
}
