/**
 * @file Intervals as translucent bands over all panels, and a strip for each series with their labels. Those of no length are
 * lines. A series that has its intervals in lanes has no strip, and lines alone.
 */

import { countWhere } from '../geometry/search.js';
import { columnOfTime } from '../geometry/timeline.js';
import { clearCanvas, make, styleValue } from './elements.js';
import { shortName } from './gutter.js';

/** @typedef {import('./app.js').App} App */
/** @typedef {{start: number, end: number, label: string}} Interval view times, seconds */
/**
 * @typedef {object} Bands those of one series, by start
 * @property {Float64Array} starts
 * @property {Float64Array} ends
 * @property {Float64Array} latest the latest end of an interval and those before it
 * @property {Uint16Array} labels indices into names
 * @property {string[]} names
 */

const HEIGHT = 18;
/** CSS pixels of the narrowest band with a label. */
const LABELLED = 18;
/** CSS pixels that the label of a line has at most; and from one line to the next on average, else there are none. */
const LINE_LABEL = 110;
const LINES_APART = 10;
/** Okabe and Ito's, which colour-blind people can tell apart. */
const COLOURS = ['#56b4e9', '#e69f00', '#009e73', '#cc79a7', '#0072b2', '#8c8c8c', '#f0e442', '#d55e00'];

/**
 * @param {Interval[]} intervals
 * @returns {Bands}
 */
export function makeBands(intervals) {
  const sorted = [...intervals].sort((one, other) => one.start - other.start);
  const names = [...new Set(sorted.map(({ label }) => label))].sort((one, other) =>
    one.localeCompare(other, 'en', { numeric: true }),
  );
  const numbers = new Map(names.map((name, index) => [name, index]));
  const ends = Float64Array.from(sorted, ({ end }) => end);
  let most = -Infinity;
  return {
    starts: Float64Array.from(sorted, ({ start }) => start),
    ends,
    latest: ends.map((end) => (most = Math.max(most, end))),
    labels: Uint16Array.from(sorted, ({ label }) => numbers.get(label) ?? 0),
    names,
  };
}

/**
 * What is visible, in pixels: neighbours of one label that fall into one pixel are one.
 * @param {Bands} bands
 * @param {number} startTime view time of the left edge
 * @param {number} endTime view time of the right edge
 * @param {(time: number) => number} pixelOf
 * @returns {{from: number, to: number, label: number, index: number, isLine: boolean}[]} pixels [from, to); index of the first
 *   interval; isLine: all of them have no length
 */
export function visibleBands({ starts, ends, latest, labels }, startTime, endTime, pixelOf) {
  const found = [];
  /** @type {Map<number, {from: number, to: number, label: number, index: number, isLine: boolean}>} */
  const last = new Map();
  const right = Math.ceil(pixelOf(endTime));
  for (
    let index = countWhere(latest, (end) => end < startTime);
    index < starts.length && starts[index] <= endTime;
    index += 1
  ) {
    if (ends[index] < startTime) continue;
    const from = Math.max(Math.floor(pixelOf(starts[index])), 0);
    const to = Math.min(Math.max(Math.ceil(pixelOf(ends[index])), from + 1), right);
    const isLine = starts[index] === ends[index];
    const before = last.get(labels[index]);
    if (before && (to <= before.to || (from < before.to && Math.min(to - from, before.to - before.from) <= 1))) {
      before.to = Math.max(before.to, to);
      before.isLine &&= isLine;
      continue;
    }
    const band = { from, to, label: labels[index], index, isLine };
    last.set(band.label, band);
    found.push(band);
  }
  return found;
}

/**
 * Pixels that the label of each band has, up to where the next band with a label begins. That of a line goes beyond it.
 * @param {{from: number, to: number, isLine?: boolean}[]} bands in order of `from`
 * @param {number} least pixels of a band with a label
 * @param {number} [most] pixels for the label of a line
 * @returns {number[]}
 */
export function labelRooms(bands, least, most = 0) {
  let next = Infinity;
  return bands
    .toReversed()
    .map(({ from, to, isLine }) => {
      if (to - from < least && !isLine) return 0;
      const room = Math.min(isLine ? from + most : to, next) - from;
      next = from;
      return room;
    })
    .reverse();
}

/**
 * @param {App} app
 * @param {{rows: HTMLElement, tint: HTMLCanvasElement, edges: HTMLCanvasElement}} places tint: behind all pictures, so that
 *   their colours stay what they are; edges: before them; both one pixel high
 * @param {() => void} failed
 * @returns {{draw: () => void, build: () => void, load: () => void}}
 */
export function createBands(app, { rows, tint, edges }, failed) {
  /** @type {{uri: string, bands: Bands | null, strip: HTMLCanvasElement, isInLanes: boolean}[]} */
  let series = [];
  let loaded = 0;

  /** @param {string} uri @returns {string} as its panel is called, else its series */
  function labelOf(uri) {
    const { seriesNames, views } = app.figure();
    const panel = views[app.state().view].panels.find(({ seriesUri }) => seriesUri === uri);
    return panel?.label || (seriesNames[uri] ?? 'Intervals');
  }

  function build() {
    loaded += 1;
    const { intervalSeries, views } = app.figure();
    const { panels } = views[app.state().view];
    const events = panels.flatMap(({ seriesUri, traits }) => (traits.hasLines && seriesUri ? [seriesUri] : []));
    series = [...new Set([...intervalSeries, ...events])].map((uri) => {
      const name = labelOf(uri);
      const isInLanes = panels.some(({ seriesUri, traits }) => seriesUri === uri && traits.replacesBands);
      const strip = make('canvas', { className: 'strip', role: 'img', 'aria-label': name });
      return { uri, strip, isInLanes, bands: series.find((before) => before.uri === uri)?.bands ?? null };
    });
    rows.replaceChildren(
      ...series
        .filter(({ isInLanes }) => !isInLanes)
        .map(({ uri, strip }) => {
          const name = labelOf(uri);
          return make('div', { className: 'row' }, make('div', { className: 'gutter name', title: name }, name), strip);
        }),
    );
  }

  function load() {
    loaded += 1;
    const mine = loaded;
    series.forEach(async (one) => {
      try {
        const intervals = await app.ask({ name: 'intervals', uri: one.uri });
        if (mine !== loaded) return;
        one.bands = makeBands(intervals);
        const names = one.bands.names.slice(0, 20).join(', ');
        one.strip.setAttribute('aria-label', `${labelOf(one.uri)}: ${intervals.length} intervals: ${names}`);
      } catch (error) {
        if (mine !== loaded) return;
        one.strip.title = error instanceof Error ? error.message : String(error);
        failed();
      }
      draw();
    });
  }

  function draw() {
    const frame = app.frame();
    if (!frame) return;
    const timeline = app.timeline();
    const ratio = app.pixelRatio();
    const pixelOf = (/** @type {number} */ time) => columnOfTime(timeline, frame, time) - frame.leftColumn;
    const perColumn = frame.samplesPerColumn / frame.columnsPerSample / timeline.ticksPerSecond;
    const startTime = timeline.startTime + frame.leftColumn * perColumn;
    const endTime = startTime + frame.columns * perColumn;
    const [behind, before] = [tint, edges].map((canvas) => {
      const context = clearCanvas(canvas, frame.columns, 1, ratio);
      canvas.style.height = '';
      context.setTransform(1, 0, 0, 1, 0, 0);
      return context;
    });
    behind.globalAlpha = 0.13;
    before.globalAlpha = 0.5;
    let firstColour = 0;
    const text = styleValue('--text');
    for (const { uri, bands, strip, isInLanes } of series) {
      const context = clearCanvas(strip, frame.columns, Math.round(HEIGHT * ratio), ratio);
      if (!bands) continue;
      context.font = '10.5px system-ui, sans-serif';
      context.textBaseline = 'middle';
      const visible = visibleBands(bands, startTime, endTime, pixelOf);
      const rooms = labelRooms(visible, LABELLED * ratio, LINE_LABEL * ratio);
      // Very many lines across all panels would hide what they mark.
      const lines = visible.reduce((sum, { isLine }) => sum + Number(isLine), 0);
      const hasLines = lines * LINES_APART * ratio <= frame.columns;
      visible.forEach(({ from, to, label, isLine }, place) => {
        const [x, width] = [from / ratio, (to - from) / ratio];
        behind.fillStyle = before.fillStyle = context.fillStyle = COLOURS[(firstColour + label) % COLOURS.length];
        if (isLine ? hasLines : width > 3 && !isInLanes) before.fillRect(from, 0, 1, 1);
        if (isInLanes) return;
        if (!isLine) behind.fillRect(from, 0, to - from, 1);
        context.globalAlpha = isLine ? 1 : 0.38;
        context.fillRect(x, 1, Math.max(width - (width > 3 ? 1 : 0), 1 / ratio), HEIGHT - 2);
        context.globalAlpha = 1;
        if (width < LABELLED && !isLine) return;
        if (!isLine) context.fillRect(x, 1, 2, HEIGHT - 2);
        const room = rooms[place] / ratio;
        if (room < LABELLED) return;
        context.fillStyle = text;
        context.fillText(shortName(context, bands.names[label], room - 9), x + 5, HEIGHT / 2 + 0.5);
      });
      for (const host of app.panels())
        if (host.panel.seriesUri === uri) host.hint(hasLines ? '' : 'too many to be lines across all panels: zoom in');
      firstColour += bands.names.length;
    }
  }

  rows.addEventListener('pointermove', (event) => {
    const one = series.find(({ strip }) => strip === event.target);
    const frame = app.frame();
    if (!one?.bands || !frame) return;
    const timeline = app.timeline();
    const x = event.offsetX * app.pixelRatio();
    const perColumn = frame.samplesPerColumn / frame.columnsPerSample / timeline.ticksPerSecond;
    const time = timeline.startTime + (frame.leftColumn + x) * perColumn;
    const { starts, ends, names, labels } = one.bands;
    const under = visibleBands(one.bands, time - perColumn, time + perColumn, () => 0)[0]?.index;
    one.strip.title =
      under === undefined
        ? ''
        : `${names[labels[under]]}: ${app.timeText(starts[under])} \u2013 ${app.timeText(ends[under])}`;
  });

  return { draw, build, load };
}
