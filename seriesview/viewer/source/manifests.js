/** @file Manifests out of JSON that anybody may have made (docs/format.md): checked, defaults filled in. */

import { SourceError } from './errors.js';
import { damaged, dtypeOf, integer, list, number, object, optional, positive, shown, text } from './fields.js';
import { absentOf, keepLongIntegers, parseMissing } from './missing.js';
import { ITEM_BYTES } from './numbers.js';
import { PAGE_PACKS } from './packs.js';

/** @typedef {import('../types.js').ArrayInfo} ArrayInfo */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('../types.js').Segment} Segment */
/**
 * @typedef {object} Workspace
 * @property {string} label
 * @property {{name: string, uri: string}[]} series
 * @property {{label: string, page?: number, times?: 'seconds' | 'clock' | 'wall', panels: {type: string, label: string, series: string, data: Record<string, unknown>}[]}[]} views
 * @property {{name: string, error: string}[]} missing
 */

/** Bytes of the largest manifest. */
export const MAX_MANIFEST_BYTES = 16 * 2 ** 20;
const MAX_SEGMENTS = 100_000;
const MAX_CHANNELS = 100_000;
const MAX_LEVELS = 64;
const MAX_NOTES = 1000;
const MAX_STRETCHES = 100_000;
const MAX_FILES = 100_000;
const MAX_PAGES = 4096;
const MAX_PART_ROWS = 65536;
const MAX_PACK_PARTS = 64;
const MAX_PACK_BYTES = 20_000_000;
const MAX_PART_BYTES = 64 * 2 ** 20;
const MAX_FILE_BYTES = 512 * 2 ** 20;
const SHA1_URI = /^sha1:\/\/[0-9a-f]{40}(\/[^?#]*)?(\?manifest=[0-9a-f]{40})?$/;
const SERIES_TYPES = ['continuous', 'discrete', 'event', 'interval'];
/** @type {('seconds' | 'clock' | 'wall')[]} */
const TIME_MODES = ['seconds', 'clock', 'wall'];
const SMALL_INTEGERS = ['int8', 'int16', 'uint8', 'uint16'];

/**
 * JSON, also with the NaN and Infinity that the original package wrote, as null.
 * @param {string} text
 * @returns {any}
 */
export function parseJson(text) {
  try {
    return JSON.parse(keepLongIntegers(text));
  } catch (cause) {
    const tokens = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g;
    try {
      return JSON.parse(text.replace(tokens, (token) => (token[0] === '"' ? token : 'null')));
    } catch {
      throw new SourceError('damaged', `no JSON: ${/** @type {Error} */ (cause).message}`);
    }
  }
}

/**
 * @param {unknown} uri
 * @param {string} where for messages
 * @returns {string} the URI, if it is a well-formed sha1:// URI
 */
export function checkedUri(uri, where) {
  if (typeof uri === 'string' && SHA1_URI.test(uri)) return uri;
  throw damaged(where, `expected sha1://HASH/name, found ${shown(uri)}`);
}

/**
 * A series manifest, of this package or of the original one.
 * @param {any} value parsed JSON
 * @returns {SeriesManifest}
 */
export function parseSeries(value) {
  const where = 'series manifest';
  const top = object(value, where);
  const format = top.format ?? 'seriesview-series/1';
  if (format !== 'seriesview-series/1') {
    throw damaged(where, `format ${shown(format)} is not known here; use a newer viewer`);
  }
  if (!SERIES_TYPES.includes(top.type)) throw damaged(where, `type ${shown(top.type)} is not known`);
  const segments = list(top.segments, `${where}.segments`, MAX_SEGMENTS).map(parseSegment);
  const dtype = dtypeOf(top.dtype ?? segments.find((each) => each.values_dtype)?.values_dtype ?? 'float64', where);
  const entries = list(top.channels ?? [{ id: '0', label: '' }], `${where}.channels`, MAX_CHANNELS);
  const channels = entries.map(parseChannel);
  if (new Set(channels.map((channel) => channel.id)).size !== channels.length) {
    throw damaged(`${where}.channels`, 'two channels have the same id');
  }
  /** @param {any} value */
  const missingOf = (value) =>
    optional(value, (found) => parseMissing(found, dtype, (wrong) => damaged(`${where}.missing`, shown(wrong)))) ??
    null;
  const absent = absentOf(
    dtype,
    missingOf(top.missing),
    entries.map((entry) => missingOf(entry.missing)),
  );
  /** @template {ArrayInfo} A @param {A} array @returns {A} */
  const ofSamples = (array) => (absent ? { ...array, absent } : array);
  const width = channels.length;
  const numSamples = segments.reduce((sum, segment) => sum + segment.num_samples, 0);
  /** @type {(factor: number) => number} */
  const closed = (factor) => segments.reduce((sum, each) => sum + closedBins(each.num_samples, factor), 0);
  /** @type {(factor: number) => number} */
  const halfOpen = (factor) => segments.reduce((sum, each) => sum + Math.ceil(each.num_samples / factor), 0);
  const momentsType = SMALL_INTEGERS.includes(dtype) ? 'int64' : 'float64';
  /** @type {SeriesManifest} */
  const manifest = {
    type: top.type,
    dtype,
    numbersDtype: absent?.dtype ?? dtype,
    absent,
    label: text(top.label ?? '', `${where}.label`),
    unit: text(top.unit ?? '', `${where}.unit`),
    scale: number(top.scale ?? 1, `${where}.scale`),
    offset: number(top.offset ?? 0, `${where}.offset`),
    channels,
    segments,
    sampling_frequency:
      optional(top.sampling_frequency, (rate) => positive(rate, `${where}.sampling_frequency`)) ?? null,
    ...(typeof top.from?.uri === 'string' && Array.isArray(top.steps) ? { from: top.from.uri, steps: top.steps } : {}),
    ...frequenciesOf(top.spectrogram, channels.length),
    session_start: optional(top.session_start, (start) => text(start, `${where}.session_start`)) ?? null,
    notes: list(top.notes ?? [], `${where}.notes`, MAX_NOTES).map((note) => text(note, `${where}.notes`)),
    values:
      optional(top.values, (values) => {
        const found = parseValues(values, `${where}.values`, dtype, numSamples, width);
        return found && 'pages' in found ? ofSamples(found) : found;
      }) ?? null,
    timestamps: optional(top.timestamps, (array) => parseArray(array, 'timestamps', 'float64', [numSamples])) ?? null,
    levels: list(top.levels ?? [], `${where}.levels`, MAX_LEVELS).map((level) => {
      const factor = integer(level?.factor, `${where}.levels`, 2);
      const rows = closed(factor);
      const times = optional(level.times, (array) => parseArray(array, `times of level ${factor}`, 'float64', [rows]));
      const array = ofSamples(parseArray(level, `level ${factor}`, dtype, [rows, 2, width], true));
      return { ...array, factor, ...(times ? { times } : {}) };
    }),
    moments: list(top.moments ?? [], `${where}.moments`, MAX_LEVELS).map((level) => {
      const factor = integer(level?.factor, `${where}.moments`, 2);
      return { ...parseArray(level, `moments ${factor}`, momentsType, [halfOpen(factor), 3, width]), factor };
    }),
    counts: list(top.counts ?? [], `${where}.counts`, MAX_LEVELS).map((level) => ({
      ...parseArray(level, `${where}.counts`, 'uint32', [null, width]),
      bin_seconds: positive(level.bin_seconds, `${where}.counts`),
      start_time: number(level.start_time, `${where}.counts`),
    })),
  };
  manifest.hasMeans = [manifest.values, ...manifest.levels].some((array) => array && 'kind' in array);
  manifest.levels.sort((one, other) => one.factor - other.factor);
  manifest.moments.sort((one, other) => one.factor - other.factor);
  manifest.counts.sort((one, other) => one.bin_seconds - other.bin_seconds);
  if (top.events) {
    const { times, channels: of } = object(top.events, `${where}.events`);
    manifest.events = {
      times: parseArray(times, 'times of events', 'float64', [numSamples]),
      channels: parseArray(of, 'channels of events', 'uint32', [numSamples]),
    };
  }
  if (top.intervals) {
    const { times, label_indices: indices, labels } = object(top.intervals, `${where}.intervals`);
    manifest.intervals = {
      times: parseArray(times, 'times of intervals', 'float64', [numSamples, 2]),
      label_indices: parseArray(indices, 'labels of intervals', 'uint32', [numSamples]),
      labels: list(labels, `${where}.intervals.labels`, 1_000_000).map((label) => text(label, 'label')),
    };
  }
  segments.forEach((segment, index) => {
    const bytes = segment.num_samples * width * ITEM_BYTES[segment.values_dtype ?? dtype];
    if (segment.values_uri && bytes > MAX_FILE_BYTES)
      throw damaged(where, `segment ${index} is a file of ${bytes} bytes`);
  });
  return manifest;
}

/**
 * @param {any} spectrogram of a manifest
 * @param {number} count
 * @returns {{frequencies?: number[]}} in Hz, one a channel, where they are known
 */
function frequenciesOf(spectrogram, count) {
  const found = spectrogram?.frequencies;
  return Array.isArray(found) && found.length === count && found.every(Number.isFinite) ? { frequencies: found } : {};
}

/**
 * @param {any} value parsed JSON
 * @param {(uri: string) => boolean} [isKnown] whether a URI that is none of kachery's is known
 * @returns {Workspace}
 */
export function parseWorkspace(value, isKnown = () => false) {
  const where = 'workspace manifest';
  const top = object(value, where);
  if (top.format !== 'seriesview-workspace/1') {
    throw damaged(where, `format ${shown(top.format)} is not known here; use a newer viewer`);
  }
  return {
    label: text(top.label ?? '', `${where}.label`),
    series: list(top.series, `${where}.series`, 100_000).map((entry) => ({
      name: text(entry?.name, `${where}.series`),
      uri: isKnown(entry.uri) ? entry.uri : checkedUri(entry.uri, `${where}, series "${entry.name}"`),
    })),
    views: list(top.views ?? [], `${where}.views`, 10_000).map((view) => ({
      label: text(view?.label ?? '', `${where}.views`),
      page: optional(view.page, (page) => positive(page, `${where}.views`)),
      times: TIME_MODES.find((mode) => mode === view.times),
      panels: list(view?.panels, `${where}.views`, 1000).map((panel) => ({
        type: text(panel?.type, `${where}, panel`),
        label: text(panel.label ?? '', `${where}, panel`),
        series: text(panel.data?.series, `${where}, panel`),
        data: panel.data,
      })),
    })),
    missing: list(top.missing ?? [], `${where}.missing`, 100_000).map((entry) => ({
      name: text(entry?.name, `${where}.missing`),
      error: text(entry.error, `${where}.missing`),
    })),
  };
}

/**
 * Bins of a segment in a level.
 * @param {number} numSamples
 * @param {number} factor
 * @returns {number}
 */
export function closedBins(numSamples, factor) {
  return numSamples ? Math.max(1, Math.ceil((numSamples - 1) / factor)) : 0;
}

/**
 * @param {any} value
 * @param {string} where
 * @param {string} dtype
 * @param {(number | null)[]} shape null: any
 * @param {boolean} [mayBeMeans]
 * @returns {ArrayInfo}
 */
function parseArray(value, where, dtype, shape, mayBeMeans = false) {
  const entry = object(value, where);
  if (entry.dtype !== dtype) throw damaged(where, `dtype ${shown(entry.dtype)}, expected ${dtype}`);
  const found = list(entry.shape, where, 8).map((length) => integer(length, where, 0));
  if (found.length !== shape.length || shape.some((length, axis) => length !== null && length !== found[axis])) {
    throw damaged(where, `shape ${found}, expected ${shape.map((length) => length ?? 'any')}`);
  }
  const isMeans = mayBeMeans && entry.kind === 'means';
  if (entry.kind !== undefined && entry.kind !== null && !isMeans) {
    throw damaged(where, `kind ${shown(entry.kind)} is not known here; use a newer viewer`);
  }
  if (entry.pack_parts === undefined) throw damaged(where, 'it was made by a version from before packs');
  const partRows = integer(entry.part_rows, where, 1);
  const packParts = integer(entry.pack_parts, where, 1);
  const rowBytes = found.slice(1).reduce((product, length) => product * length, ITEM_BYTES[dtype]);
  if (partRows > MAX_PART_ROWS || Math.min(partRows, found[0]) * rowBytes > MAX_PART_BYTES) {
    throw damaged(where, `parts of ${partRows} rows of ${rowBytes} bytes are too large`);
  }
  if (packParts > MAX_PACK_PARTS || (packParts > 1 && packParts * partRows * rowBytes > MAX_PACK_BYTES)) {
    throw damaged(where, `packs of ${packParts} parts of ${partRows * rowBytes} bytes are too large`);
  }
  const pages = list(entry.pages, where, MAX_PAGES).map((uri) => checkedUri(uri, where));
  const expected = Math.ceil(Math.ceil(found[0] / partRows) / packParts / PAGE_PACKS);
  if (pages.length !== expected) throw damaged(where, `${pages.length} pages, expected ${expected}`);
  const array = { dtype, shape: found, part_rows: partRows, pack_parts: packParts, pages };
  return isMeans ? { ...array, kind: 'means' } : array;
}

/**
 * @param {any} value
 * @param {string} where
 * @param {string} dtype
 * @param {number} numSamples
 * @param {number} width
 * @returns {SeriesManifest['values']}
 */
function parseValues(value, where, dtype, numSamples, width) {
  const entry = object(value, where);
  // Whoever has those of the source computes them: a backend does.
  if (entry.compute === 'steps') return { linked: [], isComputed: true };
  if (!entry.link && !entry.files && !entry.pages) throw unknownForm(where, entry);
  if (!entry.link && !entry.files) {
    const array = parseArray(value, where, dtype, [numSamples, width], true);
    return entry.left_out
      ? { ...array, left_out: parseStretches(entry.left_out, `${where}.left_out`, numSamples) }
      : array;
  }
  if (entry.link) return { linked: [parseLink(entry.link, `${where}.link`, ['row_stride', 'records', 'chunk_shape'])] };
  const files = list(entry.files, `${where}.files`, MAX_FILES);
  const held = files.reduce((sum, piece) => sum + integer(piece?.num_samples, `${where}.files`, 1), 0);
  if (held !== numSamples) throw damaged(where, `${held} samples in its files, expected ${numSamples}`);
  return { linked: files.map((piece) => parseLink(piece.link, `${where}.files`, ['row_stride', 'records'])) };
}

/**
 * The file that samples lie in. Where in it, its backend alone needs to know.
 * @param {any} value
 * @param {string} where
 * @param {string[]} forms keys of which a link has one
 * @returns {string} its URI
 */
function parseLink(value, where, forms) {
  const link = object(value, where);
  if (!forms.some((key) => link[key])) throw unknownForm(where, link);
  return checkedUri(link.uri, where);
}

/** @param {string} where @param {object} entry */
function unknownForm(where, entry) {
  return damaged(where, `of a form that is not known here (${shown(Object.keys(entry))}); use a newer viewer`);
}

/** @param {any} value @param {string} where @param {number} numRows @returns {[number, number][]} */
function parseStretches(value, where, numRows) {
  let reached = 0;
  return list(value, where, MAX_STRETCHES).map((rows) => {
    const [first, last] = list(rows, where, 2).map((row) => integer(row, where, 0));
    if (!(first >= reached && last > first && last <= numRows)) throw damaged(where, 'its stretches are not in order');
    reached = last;
    return [first, last];
  });
}

/** @param {any} value @param {number} index @returns {Segment} */
function parseSegment(value, index) {
  const where = `series manifest.segments[${index}]`;
  const entry = object(value, where);
  /** @type {Segment} */
  const segment = {
    start_time: number(entry.start_time, where),
    end_time: number(entry.end_time, where),
    num_samples: integer(entry.num_samples, where, 0),
    min_value: optional(entry.min_value, (least) => number(least, where)) ?? null,
    max_value: optional(entry.max_value, (most) => number(most, where)) ?? null,
  };
  if (!entry.values_uri) return segment;
  segment.values_uri = checkedUri(entry.values_uri, where);
  segment.values_dtype = dtypeOf(entry.values_dtype, where);
  segment.timestamps_uri = checkedUri(entry.timestamps_uri, where);
  segment.timestamps_dtype = dtypeOf(entry.timestamps_dtype, where);
  return segment;
}

/** @param {any} value @param {number} index @returns {import('../types.js').Channel} */
function parseChannel(value, index) {
  const where = `series manifest.channels[${index}]`;
  const entry = object(value, where);
  const id = text(entry.id, where);
  /** @type {import('../types.js').Channel} */
  const channel = { id, label: text(entry.label ?? id, where) };
  for (const key of /** @type {const} */ (['type', 'unit', 'group', 'best_channel'])) {
    if (entry[key] !== undefined && entry[key] !== null) channel[key] = text(entry[key], where);
  }
  for (const key of /** @type {const} */ (['scale', 'offset', 'x', 'y', 'sample_shift'])) {
    if (entry[key] !== undefined && entry[key] !== null) channel[key] = number(entry[key], where);
  }
  if (entry.bad === true) channel.bad = true;
  const typical = optional(entry.typical, (values) =>
    list(values, `${where}.typical`, 3).map((each) => number(each, where)),
  );
  if (typical?.length === 3) channel.typical = typical;
  else if (typical) throw damaged(where, 'its typical values are not three');
  return channel;
}
