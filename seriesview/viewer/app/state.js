/** @file What a link holds, checked when it is read: wrong values fall back to defaults. */

import { nearestRung, nextRung, ticksPerColumn } from '../geometry/ladder.js';
import { madeIds, readFilter, twinOf, wantedSteps } from './filtering.js';
import { clampFrame, columnOfTime, frameOfRange, isPage, pageFrame, wholeSession } from '../geometry/timeline.js';

/** @typedef {import('../types.js').Figure} Figure */
/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('../types.js').PanelChoice} PanelChoice */
/** @typedef {import('../types.js').PanelSettings} PanelSettings */
/** @typedef {import('../types.js').Timeline} Timeline */
/** @typedef {import('../types.js').ViewState} ViewState */
/**
 * A ViewState whose frame may be missing or wrong.
 * @typedef {object} ReadState
 * @property {number} view
 * @property {Frame | null} frame
 * @property {Record<string, PanelSettings>} panels
 * @property {'seconds' | 'clock' | 'wall'} [time]
 * @property {{start: number, end: number} | null} selection
 */

export const HEIGHTS = { least: 40, most: 4000 };
export const GAINS = { least: 1e-6, most: 1e6 };

/**
 * @param {any} value of unknown origin: parsed JSON
 * @param {Figure} figure
 * @returns {ReadState}
 */
export function readState(value, figure) {
  const given = isObject(value) ? value : {};
  const view = isWhole(given.view) && figure.views[given.view] ? given.view : 0;
  /** @type {Record<string, PanelSettings>} */
  const panels = {};
  for (const panel of figure.views[view].panels) {
    const manifest = panel.seriesUri === null ? undefined : figure.series[panel.seriesUri];
    const stored = isObject(given.panels) && Object.hasOwn(given.panels, panel.key) ? given.panels[panel.key] : {};
    const ids = new Set(manifest?.channels.map((channel) => channel.id));
    const settings = readSettings(stored, ids, panel.traits, idsOver(panel, figure));
    const steps = settings.steps ?? wantedSteps(given.filter, panel, manifest);
    if (steps) settings.steps = steps;
    if (Object.keys(settings).length) panels[panel.key] = settings;
    if (settings.beside) {
      const { key } = twinOf(panel);
      panels[key] = readSettings(given.panels[key], ids, panel.traits, idsOver(panel, figure));
      delete panels[key].beside;
    }
  }
  return {
    view,
    frame: readFrame(given),
    panels,
    time: ['seconds', 'clock', 'wall'].includes(given.time) ? given.time : undefined,
    selection: readRange(given.selection),
  };
}

/**
 * @param {any} value
 * @param {Set<string>} ids of the panel's channels
 * @param {Pick<import('../types.js').PanelTraits, 'choices' | 'hasSteps'>} traits of its type
 * @param {Set<string>[]} [over] of the channels of each series that is drawn over it
 * @returns {PanelSettings}
 */
export function readSettings(value, ids, { choices, hasSteps }, over = []) {
  /** @type {PanelSettings} */
  const settings = {};
  if (!isObject(value)) return settings;
  if (hasSteps) Object.assign(settings, readFilter(value));
  const made = madeIds(settings.steps);
  const isKnown = (/** @type {string} */ id) => ids.has(id) || made.includes(id);
  if (Array.isArray(value.channels)) {
    const known = [...new Set(value.channels)].filter(isKnown);
    if (known.length) settings.channels = known;
  }
  for (const { key, values } of choices) if (values.includes(value[key])) settings[key] = value[key];
  if (isBetween(value.gain, GAINS.least, GAINS.most) && value.gain !== 1) settings.gain = value.gain;
  if (isObject(value.offsets)) {
    const offsets = Object.entries(value.offsets).filter(
      ([id, offset]) => isKnown(id) && isBetween(offset, -1e300, 1e300),
    );
    if (offsets.length) settings.offsets = Object.fromEntries(offsets);
  }
  const chosen = over.flatMap((known, place) => {
    const given = isObject(value.over) ? value.over[place] : undefined;
    const kept = Array.isArray(given) ? [...new Set(given)].filter((id) => known.has(id)) : [];
    return Array.isArray(given) && kept.length < known.size && (kept.length || !given.length) ? [[place, kept]] : [];
  });
  if (chosen.length) settings.over = Object.fromEntries(chosen);
  if (isBetween(value.height, HEIGHTS.least, HEIGHTS.most)) settings.height = value.height;
  if (value.hidden === true) settings.hidden = true;
  return settings;
}

/** @param {import('../types.js').Panel} panel @param {Figure} figure @returns {Set<string>[]} ids of what lies over it */
export function idsOver({ over = [] }, { series }) {
  return over.map((uri) => new Set(series[uri].channels.map(({ id }) => id)));
}

/**
 * A sender's frame on a canvas of another width: the same left column and rung where all that the sender saw fits,
 * else the first rung further out on which it does.
 * @param {Timeline} timeline
 * @param {Frame | null} sent null: a page, else the whole session
 * @param {number} columns of the canvas here
 * @param {number} [page] seconds
 * @param {number} [start] of it, view time; the beginning of the series that sets the grid
 * @returns {Frame}
 */
export function fitFrame(timeline, sent, columns, page, start = timeline.startTime) {
  if (!sent && page !== undefined && page < timeline.endTime - timeline.firstTime)
    return firstFrame(timeline, columns, page, start);
  if (!sent) return wholeSession(timeline, columns);
  if (isPage(sent) && pageFrame(timeline, sent.samplesPerColumn, 0, columns))
    return clampFrame(timeline, { ...sent, columns });
  let rung = nearestRung(timeline, ticksPerColumn(sent));
  const ticks = sent.columns * ticksPerColumn(sent);
  while (ticksPerColumn(rung) * columns < ticks * (1 - 1e-9)) {
    const wider = nextRung(timeline, rung, -1);
    if (ticksPerColumn(wider) <= ticksPerColumn(rung)) break;
    rung = wider;
  }
  const { samplesPerColumn, columnsPerSample } = rung;
  const isSame = samplesPerColumn === sent.samplesPerColumn && columnsPerSample === sent.columnsPerSample;
  const leftColumn = isSame
    ? sent.leftColumn
    : Math.floor((sent.leftColumn * ticksPerColumn(sent) * columnsPerSample) / samplesPerColumn + 1e-9);
  return clampFrame(timeline, { samplesPerColumn, columnsPerSample, leftColumn, columns });
}

/**
 * The frame whose left edge is at a time, and that shows a page; or a little more where that is very many samples.
 * @param {Timeline} timeline
 * @param {number} columns
 * @param {number} page seconds
 * @param {number} start view time
 * @returns {Frame}
 */
function firstFrame(timeline, columns, page, start) {
  const exact = pageFrame(timeline, page * timeline.ticksPerSecond, start, columns);
  if (exact) return clampFrame(timeline, exact);
  const frame = frameOfRange(timeline, start, start + page, columns);
  return clampFrame(timeline, { ...frame, leftColumn: Math.floor(columnOfTime(timeline, frame, start) + 1e-6) });
}

/**
 * Keeps the link up to date. The first small move after a rest begins a new entry of the browser's history, and those
 * that follow replace it until the next rest: so going back leads from rest to rest.
 * @param {(state: object, how: 'push' | 'replace') => void} setState
 * @param {() => object} getState
 * @returns {{begin: () => void, moved: () => void, flush: () => void, forget: () => void}}
 */
export function createHistory(setState, getState) {
  const REST = 900;
  const SOON = 350;
  let how = /** @type {'push' | 'replace'} */ ('replace');
  let written = '';
  let soon = 0;
  let rest = 0;
  const flush = () => {
    clearTimeout(soon);
    soon = 0;
    const state = getState();
    const text = JSON.stringify(state);
    if (text === written) return;
    setState(state, how);
    written = text;
    how = 'replace';
  };
  return {
    /** What changes now is to be an entry of its own. */
    begin() {
      if (soon) flush();
      how = 'push';
    },
    moved() {
      soon ||= setTimeout(flush, SOON);
      clearTimeout(rest);
      rest = setTimeout(() => {
        flush();
        how = 'push';
      }, REST);
    },
    flush,
    /** The link already holds the state, because it came from there. */
    forget() {
      clearTimeout(soon);
      clearTimeout(rest);
      soon = 0;
      written = JSON.stringify(getState());
      how = 'push';
    },
  };
}

/** @param {any} given @returns {Frame | null} */
function readFrame(given) {
  const { samplesPerColumn, columnsPerSample, leftColumn, columns } = given;
  if (!isWhole(columns) || columns < 1 || columns > 1e6) return null;
  const isRung = isWhole(samplesPerColumn) && isWhole(columnsPerSample) && samplesPerColumn * columnsPerSample > 0;
  const isOne = Math.min(samplesPerColumn, columnsPerSample) === 1 && columnsPerSample <= 1024;
  if (!isRung || !(isOne || columnsPerSample === columns) || !Number.isSafeInteger(leftColumn)) return null;
  return { samplesPerColumn, columnsPerSample, leftColumn, columns };
}

/** @param {any} value @returns {{start: number, end: number} | null} */
function readRange(value) {
  if (!isObject(value) || !isBetween(value.start, -1e15, 1e15) || !isBetween(value.end, value.start, 1e15)) return null;
  return { start: value.start, end: value.end };
}

/** @param {any} value @returns {value is Record<string, any>} */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @param {any} value @returns {boolean} */
function isWhole(value) {
  return Number.isSafeInteger(value) && value >= 0;
}

/** @param {any} value @param {number} least @param {number} most @returns {boolean} */
function isBetween(value, least, most) {
  return typeof value === 'number' && value >= least && value <= most;
}
