/** @file A panel's picture: from its request and what there is of its series to pixels, lanes and notes. */

import { cutRuns } from './cuts.js';
import { movedPicture } from './picture.js';
import { spreadOf } from './scales.js';
import { channelsOf } from './order.js';
import { drawScene, findMissing, layoutOf } from './scenes.js';
import { leftOutNote } from './windows.js';

/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('../types.js').Painted} Painted */
/** @typedef {import('../types.js').PanelRequest} PanelRequest */
/** @typedef {import('../types.js').Timeline} Timeline */
/** @typedef {import('./scales.js').Layout} Layout */
/** @typedef {import('./scales.js').Spread} Spread */
/** @typedef {import('./series.js').SeriesData} SeriesData */
/** @typedef {import('./tiles.js').TileRequest} TileRequest */

/**
 * What all painters get.
 * @typedef {object} Scene
 * @property {SeriesData} series
 * @property {Timeline} timeline
 * @property {Frame} frame
 * @property {PanelRequest} request
 * @property {boolean} isDark
 * @property {Int32Array} shown indices of channels
 * @property {Layout} layout
 * @property {Spread} spread
 * @property {TileRequest[]} wanted
 */

/** @typedef {Omit<Painted, 'number' | 'pixels' | 'path'> & Pick<import('./picture.js').Picture, 'pixels' | 'path'>} PanelPicture */

/**
 * @typedef {object} PanelPainter keeps the panel's last picture
 * @property {(series: SeriesData, timeline: Timeline, frame: Frame, request: PanelRequest, isDark: boolean, wanted: TileRequest[]) => PanelPicture} paint
 * @property {() => Scene | null} scene of the last picture
 */

/**
 * @returns {PanelPainter}
 */
export function createPanelPainter() {
  /** @type {import('./picture.js').Picture | null} */
  let picture = null;
  /** @type {Scene | null} */
  let last = null;
  let lastSignature = '';

  return {
    scene: () => last,
    paint(series, timeline, frame, request, isDark, wanted) {
      const { key, height, settings } = request;
      const width = frame.columns;
      const { channels, mode, gain, offsets } = settings;
      const look = [
        request.type,
        series.uri,
        height,
        request.pixelRatio,
        request.pathSide,
        channels,
        mode,
        gain,
        offsets,
        isDark,
      ];
      const lookSignature = JSON.stringify([...look, request.binCenters]);
      const place = [
        frame.samplesPerColumn,
        frame.columnsPerSample,
        width,
        timeline.startTime,
        timeline.ticksPerSecond,
      ];
      const signature = `${lookSignature} ${place.join(' ')} ${series.outOfReach()}`;
      const fault = faultOf(series, request);
      const spread = fault ? null : knownSpread(series, wanted);
      if (!spread) {
        if (!fault && series.manifest.segments.length) {
          // What the scales come from and what is drawn are asked for together.
          const shown = channelsOf(series.manifest, request);
          const first = wanted.length;
          findMissing(
            { series, timeline, frame, request, isDark, shown, wanted },
            frame.leftColumn,
            frame.leftColumn + width,
          );
          for (const each of wanted.slice(first)) each.isAhead = false;
        }
        const notDrawn = {
          key,
          frame,
          width,
          height,
          pixels: new Uint32Array(width * height),
          path: null,
          isComplete: false,
        };
        return { ...notDrawn, cut: { above: [], below: [] }, lanes: [], valueAxis: null, notes: [], error: fault };
      }
      const isSame = last && lastSignature === lookSignature && last.spread === spread;
      const shown = isSame && last ? last.shown : channelsOf(series.manifest, request);
      const layout = isSame && last ? last.layout : layoutOf(series.manifest, spread, shown, request, isDark);
      lastSignature = lookSignature;
      last = { series, timeline, frame, request, isDark, shown, layout, spread, wanted };
      picture = movedPicture(picture, signature, frame.leftColumn, width, height);
      drawScene(last, picture);
      const leftOut = leftOutNote(series, timeline, frame);
      const notes = [...picture.notes, ...(leftOut ? [leftOut] : [])];
      const { lanes, valueAxis } = layout;
      const isComplete = !picture.exact.includes(0);
      const { pixels, path } = picture;
      const cut = cutRuns(picture.cut);
      return { key, frame, width, height, pixels, path, cut, isComplete, lanes, valueAxis, notes, error: null };
    },
  };
}

/** @type {WeakMap<SeriesData, Spread>} */
const spreads = new WeakMap();

/**
 * @param {SeriesData} series
 * @param {TileRequest[]} wanted what is missing is added
 * @returns {Spread | null}
 */
function knownSpread(series, wanted) {
  const known = spreads.get(series);
  if (known) return known;
  if (series.coarsestMoments && !series.momentRows()) wanted.push(series.momentRequest());
  if (series.coarsest && !series.coarsestRows()) wanted.push(series.coarsestRequest());
  const spread = spreadOf(series);
  if (spread) spreads.set(series, spread);
  return spread;
}

/**
 * Why a panel cannot show its series, in words.
 * @param {SeriesData} series
 * @param {PanelRequest} request
 * @returns {string | null}
 */
function faultOf({ manifest, finest }, { type }) {
  const isEvents = manifest.type === 'event';
  if (manifest.type === 'interval')
    return 'A series of intervals has no panel: it is shown as bands across all panels.';
  if ((type === 'RasterPlot') !== isEvents) return `A ${type} panel cannot show a series of type ${manifest.type}.`;
  if (isEvents || !manifest.segments.length || manifest.levels.length || finest === 1) return null;
  return 'This series was stored without raw samples and is too short for levels: nothing can be shown.';
}
