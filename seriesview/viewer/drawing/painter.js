/** @file A panel's picture: from its request and what there is of its series to pixels, lanes and notes. */

import { columnOfTime, endOf } from '../geometry/timeline.js';
import { channelsOf, panelType, refusal } from '../panels/registry.js';
import { cutRuns } from './cuts.js';
import { linesOver, oversOf } from './over.js';
import { movedPicture, unbuiltRuns, unsettle } from './picture.js';
import { drawScene, findMissing } from './scenes.js';
import { areAlike, ownSpread } from './spreads.js';
import { leftOutNote } from './windows.js';

/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('../types.js').Painted} Painted */
/** @typedef {import('../types.js').PanelRequest} PanelRequest */
/** @typedef {import('../types.js').Timeline} Timeline */
/** @typedef {import('./scenes.js').Scene} Scene */
/** @typedef {import('./series.js').SeriesData} SeriesData */
/** @typedef {import('./tiles.js').TileRequest} TileRequest */

/** @typedef {Omit<Painted, 'number' | 'pixels' | 'path'> & Pick<import('./picture.js').Picture, 'pixels' | 'path'>} PanelPicture */

/** @typedef {Pick<import('./filtered.js').Chosen, 'under' | 'raw'>} How filtered samples are drawn */
/**
 * @typedef {object} PanelPainter keeps the panel's last picture
 * @property {(series: SeriesData, timeline: Timeline, frame: Frame, request: PanelRequest, isDark: boolean, wanted: TileRequest[], how?: How, over?: SeriesData[]) => PanelPicture} paint
 * @property {() => Scene | null} scene of the last picture
 */

/** Columns before the end that what is written next may change. */
const NEAR_END = 2;
const UNBUILT_NOTE = 'hatched: not built yet at this zoom';
const PREVIEW_NOTE = `${UNBUILT_NOTE}; what is pale there is a preview, of a few samples`;

/**
 * @returns {PanelPainter}
 */
export function createPanelPainter() {
  /** @type {import('./picture.js').Picture | null} */
  let picture = null;
  /** @type {Scene | null} */
  let last = null;
  let lastSignature = '';
  /** What is compared with the last layout. @type {import('./scales.js').Layout | null} */
  let better = null;
  /** View time up to which there was something when it was painted last, seconds. */
  let end = -Infinity;

  return {
    scene: () => last,
    paint(series, timeline, frame, request, isDark, wanted, { under, raw } = { under: null, raw: null }, over = []) {
      const { manifest, uri } = series;
      const { key, height, pixelRatio, pathSide, settings, data } = request;
      const width = frame.columns;
      const lookSignature = JSON.stringify([
        request.type,
        uri,
        height,
        pixelRatio,
        pathSide,
        isDark,
        settings,
        data,
        !raw,
      ]);
      const { samplesPerColumn, columnsPerSample } = frame;
      const place = [samplesPerColumn, columnsPerSample, width, timeline.startTime, timeline.ticksPerSecond];
      // What is being built, or written, is drawn again where that was not there.
      const version = manifest.state ?? series.version();
      const signature = `${lookSignature} ${place.join(' ')} ${series.outOfReach()} ${version} ${under?.series.version()}`;
      const type = panelType(request.type);
      const fault = refusal(request.type, manifest) ?? faultOf(series);
      const own = fault ? null : ownSpread(series, wanted);
      const held = fault ? null : series.held();
      const spread = held ?? own;
      const spreadBelow = under && (under.series.held() ?? ownSpread(under.series, wanted));
      if (!type || !spread || (under && !spreadBelow)) {
        if (type && !fault && manifest.segments.length) {
          // What the scales come from and what is drawn are asked for together.
          const shown = channelsOf(type, manifest, request);
          const first = wanted.length;
          const reading = { type, series, timeline, frame, shown, request, wanted };
          findMissing(reading, frame.leftColumn, frame.leftColumn + width);
          for (const each of wanted.slice(first)) each.isAhead = false;
        }
        return nothingDrawn(key, frame, height, fault);
      }
      const isSame = last && lastSignature === lookSignature && last.spread === spread;
      const shown = isSame && last ? last.shown : channelsOf(type, manifest, request);
      const drawn = { manifest, spread, shown, request, isDark, over };
      const layout = isSame && last ? last.layout : type.lanes(drawn);
      const overs = isSame && last ? last.overs : oversOf(drawn, layout.lanes);
      if (!isSame) better = null;
      if (held && own) better ??= type.lanes({ ...drawn, spread: own });
      const hasOtherScales = better !== null && !areAlike(layout, better);
      lastSignature = lookSignature;
      const below = under && spreadBelow ? { ...under, spread: spreadBelow } : null;
      last = { ...drawn, type, series, timeline, frame, layout, overs, wanted, below, isRaw: raw !== null };
      picture = movedPicture(picture, signature, frame.leftColumn, width, height);
      if (manifest.state) {
        unsettle(picture, Math.floor(columnOfTime(timeline, frame, end)) - NEAR_END);
        end = endOf(manifest) + (timeline.shifts[uri] ?? 0);
      }
      drawScene(last, picture);
      const lying = linesOver(last);
      const leftOut = leftOutNote(series, timeline, frame);
      // The column at the end of what is still written is neither there nor lacking.
      const lastColumn = Math.floor(columnOfTime(timeline, frame, end)) - frame.leftColumn;
      const isOpen = manifest.state === 'following';
      const unbuilt = unbuiltRuns(picture).filter(([from]) => !isOpen || from < lastColumn);
      // An image has none.
      const hasPreview = manifest.preview && layout.lanes.some(({ pixelsPerUnit }) => pixelsPerUnit > 0);
      const notes = [
        ...(unbuilt.length ? [hasPreview ? PREVIEW_NOTE : UNBUILT_NOTE] : []),
        ...picture.notes,
        ...(leftOut ? [leftOut] : []),
        ...lying.notes,
      ];
      const { lanes, valueAxis } = layout;
      const isComplete = !picture.exact.includes(0);
      const { pixels, path } = picture;
      const cut = cutRuns(picture.cut);
      const drawnAs = { pixels, path, cut, unbuilt, isComplete, lanes, valueAxis, notes, raw, lines: lying.lines };
      const shownAs = { ...drawnAs, hasOtherScales };
      return { key, frame, width, height, ...shownAs, error: null };
    },
  };
}

/** @param {string} key @param {Frame} frame @param {number} height @param {string | null} error @returns {PanelPicture} */
export function nothingDrawn(key, frame, height, error) {
  const pixels = new Uint32Array(frame.columns * height);
  const nothing = {
    path: null,
    cut: { above: [], below: [] },
    unbuilt: [],
    lanes: [],
    valueAxis: null,
    notes: [],
    raw: null,
    lines: [],
    hasOtherScales: false,
  };
  return { ...nothing, key, frame, width: frame.columns, height, pixels, isComplete: false, error };
}

/**
 * Why nothing can be shown of a series, in words.
 * @param {SeriesData} series
 * @returns {string | null}
 */
function faultOf({ manifest, finest }) {
  const { type, segments, levels } = manifest;
  if (type === 'event' || type === 'interval' || !segments.length || levels.length || finest === 1) return null;
  return 'This series was stored without raw samples and is too short for levels: nothing can be shown.';
}
