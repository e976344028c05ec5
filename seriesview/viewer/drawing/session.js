/** @file An opened view: answers paint orders from what there is, and again as more arrives. */

import { chosenSeries, derivedOf } from './filtered.js';
import { withDerived } from '../source/derived.js';
import { createLoader, createTileCache } from './tiles.js';
import { createPanelPainter, nothingDrawn } from './painter.js';
import { createSeriesData } from './series.js';
import { heldFor, heldOf } from './spreads.js';

/** @typedef {import('../types.js').Figure} Figure */
/** @typedef {import('../types.js').FromWorker} FromWorker */
/** @typedef {import('../types.js').PanelRequest} PanelRequest */
/** @typedef {import('../types.js').Source} Source */
/** @typedef {import('../source/derived.js').DerivingSource} DerivingSource */
/** @typedef {import('../types.js').Timeline} Timeline */
/** @typedef {Extract<import('../types.js').ToWorker, {type: 'paint'}>} PaintOrder */
/** @typedef {import('./series.js').SeriesData} SeriesData */
/** @typedef {import('./tiles.js').TileRequest} TileRequest */

/** Between two pictures while tiles arrive, milliseconds. */
const REPAINT_DELAY = 16;
/** Between two pictures of what is being built, milliseconds. */
const GROW_DELAY = 250;
/** After that samples that could not be reached are asked for again, milliseconds. */
const SEEK_DELAY = 5000;

/**
 * @typedef {object} Session
 * @property {DerivingSource} source
 * @property {Figure} figure
 * @property {(order: PaintOrder) => void} paint
 * @property {() => void} retry
 * @property {() => void} grow more of what is being built is there
 * @property {() => import('./spreads.js').Held} held scales of what is being built
 * @property {() => void} useOwnScales in place of those that series had while they were built
 * @property {(timelines: Timeline[]) => void} setTimelines of all views, which go on
 * @property {() => number} view index of the view that is shown
 * @property {() => Timeline} timeline of the view that is shown
 * @property {(uri: string) => SeriesData} series
 * @property {(uri: string, steps: unknown) => string} uriOf what steps of a panel make of a series; its own where there are none
 * @property {(key: string) => import('./scenes.js').Scene | null} scene of a panel's last picture
 */

/**
 * @param {Source} from
 * @param {Figure} figure gets the series that are made here
 * @param {Timeline[]} timelines one a view
 * @param {(message: FromWorker, transfer?: Transferable[]) => void} post
 * @param {import('./spreads.js').Held} [held] scales that stay until others are asked for
 * @returns {Session}
 */
export function createSession(from, figure, timelines, post, held = new Map()) {
  const source = 'derive' in from ? /** @type {DerivingSource} */ (from) : withDerived(from, figure.series);
  const cache = createTileCache();
  /** @type {Map<string, SeriesData>} */
  const series = new Map();
  /** @type {Map<string, ReturnType<typeof createPanelPainter>>} */
  const painters = new Map();
  /** @type {PaintOrder | null} */
  let order = null;
  let view = 0;
  /** @type {Set<string>} keys of panels that have to be painted */
  const due = new Set();
  /** @type {Map<string, TileRequest[]>} by panel: what its picture lacks */
  const lacking = new Map();
  /** @type {ReturnType<typeof setTimeout> | null} */
  let timer = null;
  let isSeeking = false;
  const loader = createLoader(
    (arrived) => {
      for (const [key, requests] of lacking)
        if (requests.some((each) => each.key === arrived && !each.isAhead)) due.add(key);
      if (due.size) schedule(REPAINT_DELAY);
    },
    (waiting) => post({ type: 'loading', waiting }),
  );

  /** @param {string} uri */
  const seriesOf = (uri) => {
    const known =
      series.get(uri) ?? createSeriesData(source, uri, figure.series[uri], cache, heldFor(held, figure, uri));
    series.set(uri, known);
    return known;
  };

  /** @param {number} delay */
  const schedule = (delay) => {
    if (timer === null) timer = setTimeout(repaint, delay);
  };

  const repaint = () => {
    timer = null;
    if (!order) return;
    const { panels } = order;
    for (const request of panels) if (due.delete(request.key)) paintPanel(order, request);
    const shown = new Set(panels.map(({ key }) => key));
    for (const key of lacking.keys()) if (!shown.has(key)) lacking.delete(key);
    loader.want([...lacking.values()].flat());
  };

  /**
   * @param {PaintOrder} current
   * @param {PanelRequest} request
   */
  const paintPanel = (current, request) => {
    const { number, frame, isDark } = current;
    const { key, seriesUri, height, over = [] } = request;
    /** @type {TileRequest[]} */
    const wanted = [];
    const painterKey = `${view} ${key}`;
    const painter = painters.get(painterKey) ?? createPanelPainter();
    painters.set(painterKey, painter);
    /** @type {import('./painter.js').PanelPicture} */
    let picture;
    try {
      if (!figure.series[seriesUri]) throw new Error(`The series ${seriesUri} is not there.`);
      const derived = derivedOf(source, figure.series, timelines, seriesUri, request.settings.steps);
      const how = chosenSeries(derived, seriesOf, figure.series, timelines[view], frame, request);
      const shown = how.raw ? { ...request, isPale: true } : request;
      picture = painter.paint(how.series, timelines[view], frame, shown, isDark, wanted, how, over.map(seriesOf));
      picture.error ??= picture.isComplete ? null : loader.failure(wanted);
    } catch (error) {
      picture = nothingDrawn(key, frame, height, error instanceof Error ? error.message : String(error));
    }
    const { path } = picture;
    const painted = {
      ...picture,
      number,
      pixels: copied(picture.pixels),
      path: path && { ...path, pixels: copied(path.pixels) },
    };
    lacking.set(key, wanted);
    if (source.outOfReach?.(seriesUri)) seekSamples();
    post({ type: 'painted', painted }, [painted.pixels]);
  };

  /** Asks again now and then for samples of series on the screen, and draws what can be reached again. */
  const seekSamples = () => {
    if (isSeeking) return;
    isSeeking = true;
    setTimeout(async () => {
      const shown = new Set(order?.panels.map(({ seriesUri }) => seriesUri));
      const lost = [...shown].filter((uri) => source.outOfReach?.(uri));
      const found = await Promise.all(lost.map((uri) => source.seekSamples?.(uri)));
      isSeeking = false;
      if (found.includes(false)) seekSamples();
      if (!found.includes(true)) return;
      lost.forEach((uri, index) => found[index] && seriesOf(uri).forgetPoints());
      retry();
    }, SEEK_DELAY);
  };

  const retry = () => {
    loader.retry();
    source.retry?.();
    if (order) for (const { key } of order.panels) due.add(key);
    schedule(0);
  };

  return {
    source,
    figure,
    paint(next) {
      order = next;
      view = next.view ?? viewOf(figure, next.panels) ?? view;
      due.clear();
      for (const { key } of next.panels) due.add(key);
      if (timer !== null) clearTimeout(timer);
      timer = null;
      schedule(0);
    },
    retry,
    grow() {
      for (const [uri, each] of series) if (figure.series[uri].state) each.grow();
      if (order) for (const { key, seriesUri } of order.panels) if (figure.series[seriesUri]?.state) due.add(key);
      schedule(GROW_DELAY);
    },
    held: () => heldOf(figure, series),
    useOwnScales() {
      for (const each of series.values()) each.useOwnScales();
      held.clear();
      if (order) for (const { key } of order.panels) due.add(key);
      schedule(0);
    },
    setTimelines(grown) {
      timelines = grown;
    },
    view: () => view,
    timeline: () => timelines[view],
    series: seriesOf,
    uriOf: (uri, steps) => derivedOf(source, figure.series, timelines, uri, steps)?.uri ?? uri,
    scene: (key) => painters.get(`${view} ${key}`)?.scene() ?? null,
  };
}

/**
 * The view that has these panels.
 * @param {Figure} figure
 * @param {PanelRequest[]} requests
 * @returns {number | null}
 */
function viewOf({ views }, requests) {
  const found = views.findIndex(({ panels }) =>
    requests.every(({ key, type, seriesUri }) =>
      panels.some((panel) => panel.key === key && panel.type === type && panel.seriesUri === seriesUri),
    ),
  );
  return found < 0 ? null : found;
}

/** @param {Uint32Array} pixels @returns {ArrayBuffer} */
function copied(pixels) {
  return /** @type {ArrayBuffer} */ (pixels.slice().buffer);
}
