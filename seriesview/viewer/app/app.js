/** @file The application: what is shown, and how its parts are told. */

import { clampFrame, frameOfRange, isPage, timesOf } from '../geometry/timeline.js';
import { formatTime } from '../geometry/ticks.js';
import { createBands } from './bands.js';
import { createBuilding } from './building.js';
import { make } from './elements.js';
import { arePanels, pageWith, withTwins } from './filtering.js';
import { listenToKeys, shellKeys } from './keys.js';
import { divideHeight } from './heights.js';
import { listenToPointers } from './navigation.js';
import { createOverview } from './overview.js';
import { createPanelHost } from './panel_host.js';
import { createPage } from './page.js';
import { offerToScripts } from './scripts.js';
import { createHistory, fitFrame, readState } from './state.js';
import { createTimeAxis } from './time_axis.js';
import { startWorker } from './worker_client.js';

/** @typedef {import('../types.js').Figure} Figure */
/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('../types.js').Painted} Painted */
/** @typedef {import('../types.js').Timeline} Timeline */
/** @typedef {import('../types.js').ViewState} ViewState */
/** @typedef {import('./keys.js').Key} Key */
/** @typedef {import('./panel_host.js').PanelHost} PanelHost */
/** @typedef {import('./contract.js').App} App */
/** @typedef {import('./contract.js').Connection} Connection */
/** @typedef {import('./contract.js').Pointed} Pointed */
/** @typedef {import('./contract.js').Range} Range */

/**
 * Runs the viewer in an element and offers it as globalThis.seriesview.
 * @param {Connection} connection
 * @param {HTMLElement} element
 * @returns {App}
 */
export function startApp(connection, element) {
  /** @type {Figure | null} */
  let figure = null;
  /** @type {Timeline[]} */
  let timelines = [];
  /** @type {import('./state.js').ReadState} */
  let shown = { view: 0, frame: null, panels: {}, selection: null };
  /** @type {PanelHost[]} */
  let hosts = [];
  /** @type {Pointed} */
  let pointed = null;
  /** @type {PanelHost | null} */
  let active = null;
  /** @type {'pan' | 'zoom' | 'select'} */
  let dragMode = 'pan';
  /** @type {string | null} */
  let unopened = null;
  let [isScheduled, isToPaint, isToLoad] = [false, false, false];
  let [lastOrder, firstOrder, retryDelay, retryTimer] = [0, 0, 0, 0];
  /** @type {Map<string, Set<(event: any) => void>>} */
  const listeners = new Map();
  /** @type {{resolve: () => void, reject: (error: Error) => void}[]} */
  let waiters = [];
  /** @type {Key[]} */
  const keys = [...shellKeys];

  /** @type {App} */
  const app = {
    element,
    toolbar: make('div', { className: 'toolbar', role: 'toolbar', 'aria-label': 'Tools' }),
    stack: make('div', { className: 'stack' }),
    figure: () => /** @type {Figure} */ (figure),
    timeline: () => timelines[shown.view],
    frame: () => /** @type {Frame} */ (shown.frame),
    state: stateNow,
    update,
    moveTo(frame, isKept = true) {
      const { samplesPerColumn, columnsPerSample, leftColumn } = clampFrame(app.timeline(), {
        ...frame,
        columns: app.frame().columns,
      });
      const before = app.frame();
      if (
        before.leftColumn === leftColumn &&
        before.samplesPerColumn === samplesPerColumn &&
        before.columnsPerSample === columnsPerSample
      )
        return;
      shown.frame = { samplesPerColumn, columnsPerSample, leftColumn, columns: before.columns };
      if (isKept) history.moved();
      app.redraw();
    },
    showRange: (startTime, endTime) =>
      app.moveTo(frameOfRange(app.timeline(), startTime, endTime, app.frame().columns)),
    ask: (ask) => client.ask(ask),
    panels: () => hosts,
    activePanel: () => active ?? hosts.find((host) => !host.settings().hidden) ?? null,
    activate(host) {
      active = host;
    },
    selection: () => shown.selection,
    setSelection(range) {
      const ordered = range && { start: Math.min(range.start, range.end), end: Math.max(range.start, range.end) };
      if (ordered?.start === shown.selection?.start && ordered?.end === shown.selection?.end) return;
      shown.selection = ordered;
      history.moved();
      page.drawSpans();
      emit('selection', ordered);
    },
    dragMode: () => dragMode,
    setDragMode(mode) {
      dragMode = mode;
      element.dataset.drag = mode;
      emit('mode', mode);
    },
    announce: (text) => page.announce(text),
    connection,
    on(name, callback) {
      const all = listeners.get(name) ?? new Set();
      listeners.set(name, all.add(callback));
      return () => void all.delete(callback);
    },
    point(now) {
      pointed = now;
      if (now) active = now.host;
      page.drawSpans();
      emit('pointer', now);
    },
    pointed: () => pointed,
    timeText(time, resolution) {
      const { startTime, endTime } = timesOf(app.timeline(), app.frame());
      const step = resolution ?? (endTime - startTime) / app.frame().columns;
      return formatTime(time, axis.mode(), app.timeline().sessionStart, step);
    },
    addKeys: (...more) => void keys.push(...more),
    keys: () => keys,
    isDark: () => page.isDark(),
    pixelRatio: () => globalThis.devicePixelRatio || 1,
    redraw() {
      isToPaint = true;
      schedule();
    },
  };

  const page = createPage(app, { layOut, openView, retry });
  const axis = createTimeAxis(app, () => shown.time ?? app.figure().views[shown.view].times, page.axis);
  const overview = createOverview(app, page.overview, retryLater);
  const bands = createBands(app, page.strips, retryLater);
  const history = createHistory((state, how) => connection.setState(state, how), stateNow);
  const building = createBuilding(app, page, () => timelines);
  const client = startWorker(connection, {
    opened,
    painted: receive,
    unopened: showUnopened,
    ...building.hears,
    built(uri, held) {
      building.finish(connection, uri, held);
      client.restart();
    },
    loading: page.showLoading,
  });
  // What is shown until then gets into the link before it changes.
  const answers = { changing: history.begin, changed: settingsChanged, retry };
  listenToPointers(app);
  listenToKeys(app);
  connection.onState((state) => {
    if (!figure) return;
    applyState(state);
    history.forget();
  });
  globalThis.addEventListener('pagehide', history.flush);
  globalThis.addEventListener('online', retry);
  connection.onBackend?.(retry);

  /** @returns {ViewState} heights too, so that the picture is the same wherever the link is opened */
  function stateNow() {
    const frame = shown.frame ?? { samplesPerColumn: 1, columnsPerSample: 1, leftColumn: 0, columns: 1 };
    /** @type {ViewState['panels']} */
    const panels = {};
    for (const host of hosts) {
      const settings = host.settings();
      panels[host.key] = settings.hidden ? { ...settings } : { ...settings, height: host.height() };
    }
    /** @type {ViewState} */
    const state = { view: shown.view, ...frame, panels: structuredClone(panels) };
    if (shown.time) state.time = shown.time;
    if (shown.selection) state.selection = { ...shown.selection };
    return state;
  }

  /** @param {string} name @param {any} event */
  function emit(name, event) {
    listeners.get(name)?.forEach((callback) => callback(event));
  }

  /** @param {Figure} newFigure @param {Timeline[]} newTimelines */
  function opened(newFigure, newTimelines) {
    const keepTime = hosts.length ? building.keepTime(timesOf(app.timeline(), app.frame())) : null;
    [figure, timelines] = [newFigure, newTimelines];
    unopened = null;
    page.showFigure();
    // What was shown while it was built stays where it is.
    const state = hosts.length ? stateNow() : connection.state;
    hosts.splice(0).forEach((host) => host.remove());
    applyState(state);
    keepTime?.();
    // The first move leads to another step, from which there is a way back to this one.
    history.forget();
  }

  /** @param {string} message */
  function showUnopened(message) {
    unopened = message || 'The figure could not be opened.';
    page.showUnopened(message);
    checkSettled();
  }

  /** @param {any} state of unknown origin */
  const applyState = (state) => apply(readState(state, app.figure()));

  /** @param {import('./state.js').ReadState} read */
  function apply(read) {
    if (!hosts.length || read.view !== shown.view || !arePanels(hosts, app.figure().views[read.view], read.panels)) {
      shown = { ...read, frame: null };
      buildPanels();
    }
    for (const host of hosts) {
      const settings = { ...read.panels[host.key] };
      // A height that follows the window goes on doing so.
      if (host.settings().height === undefined && settings.height === host.height()) delete settings.height;
      host.replaceSettings(settings);
    }
    const frame = fitFrame(timelines[read.view], read.frame, page.columns(), pageOf(read.view, read.panels));
    shown = { ...read, frame: read.frame ? frame : building.first(frame) };
    divide();
    finishChange();
  }

  /** @param {number} view @returns {number | undefined} seconds that it shows at first */
  const pageOf = (view, settings = {}) => pageWith(app.figure(), view, settings);

  /** @param {number} index */
  function openView(index) {
    const { startTime, endTime } = timesOf(app.timeline(), app.frame());
    const before = app.timeline();
    const pageBefore = pageOf(shown.view);
    history.begin();
    shown = { ...shown, view: index, panels: {}, selection: null };
    const isSame = before.firstTime === app.timeline().firstTime && before.sessionStart === app.timeline().sessionStart;
    buildPanels();
    const columns = page.columns();
    // What is shown stays, unless the view is of another scale.
    shown.frame =
      isSame && pageBefore === pageOf(index) && !isPage(app.frame())
        ? frameOfRange(app.timeline(), startTime, endTime, columns)
        : fitFrame(app.timeline(), null, columns, pageOf(index), isSame ? startTime : undefined);
    divide();
    history.moved();
    finishChange();
  }

  function buildPanels() {
    hosts.forEach((host) => host.remove());
    active = null;
    if (pointed) app.point(null);
    firstOrder = lastOrder + 1;
    const { panels } = app.figure().views[shown.view];
    hosts = withTwins(panels, shown.panels).map((panel) =>
      createPanelHost(app, panel, shown.panels[panel.key] ?? {}, answers),
    );
    page.showPanels();
    bands.build();
    isToLoad = true;
  }

  /** @param {PanelHost} host */
  function settingsChanged(host) {
    for (const each of hosts) shown.panels[each.key] = each.settings();
    if (!arePanels(hosts, app.figure().views[shown.view], shown.panels)) {
      buildPanels();
      active = hosts.find(({ key }) => key === host.key) ?? null;
      emit('view', null);
    }
    page.showPanels();
    layOut();
    emit('settings', host);
  }

  /** @param {Partial<ViewState>} changes @param {'push' | 'replace'} [how] */
  function update(changes, how = 'push') {
    if (how === 'push') history.begin();
    const before = changes.view === undefined || changes.view === shown.view ? stateNow() : {};
    apply(readState({ ...before, ...changes }, app.figure()));
    history.moved();
  }

  /** Heights: those that were set, and the room that is left for the others. */
  function divide() {
    divideHeight(hosts, page.room(), app.pixelRatio());
  }

  function layOut() {
    if (!figure || !shown.frame) return;
    const columns = page.columns();
    if (columns !== shown.frame.columns) shown.frame = clampFrame(app.timeline(), { ...shown.frame, columns });
    divide();
    history.moved();
    app.redraw();
  }

  function finishChange() {
    page.showPanels();
    app.redraw();
    emit('view', null);
    emit('selection', shown.selection);
  }

  function schedule() {
    if (isScheduled) return;
    isScheduled = true;
    requestAnimationFrame(draw);
  }

  function draw() {
    isScheduled = false;
    if (!shown.frame) return;
    const frame = shown.frame;
    hosts.forEach((host) => host.place(frame));
    axis.draw();
    bands.draw();
    overview.draw();
    page.drawSpans();
    emit('frame', frame);
    if (!isToPaint) return;
    isToPaint = false;
    if (!hosts.some((host) => host.painted?.error)) retryDelay = 0;
    const panels = hosts.flatMap((host) => host.request() ?? []);
    lastOrder = client.paint({ frame, panels, isDark: app.isDark(), view: shown.view });
    // After the order, which tells the worker the view.
    if (isToLoad) {
      bands.load();
      overview.load();
    }
    isToLoad = false;
    checkSettled();
  }

  /** @param {Painted} painted */
  function receive(painted) {
    const host = hosts.find((each) => each.key === painted.key);
    if (!host || !shown.frame || painted.number < firstOrder) return;
    host.show(painted, shown.frame);
    emit('painted', host);
    if (painted.error) retryLater();
    checkSettled();
  }

  /** Pictures, overview and bands come by themselves when a backend is back. */
  function retryLater() {
    if (retryTimer) return;
    retryDelay = Math.min(Math.max(retryDelay * 1.6, 3000), 30000);
    retryTimer = setTimeout(() => {
      retryTimer = 0;
      retry();
    }, retryDelay);
  }

  function retry() {
    if (!figure) {
      unopened = null;
      return client.restart();
    }
    client.retry();
    isToLoad = true;
    app.redraw();
  }

  /** @returns {boolean} */
  function isSettled() {
    if (unopened !== null) return true;
    if (!figure || isScheduled || isToPaint) return false;
    return hosts.every((host) => !host.request() || host.isDone(lastOrder));
  }

  function checkSettled() {
    if (!isSettled()) return;
    const ready = waiters;
    waiters = [];
    ready.forEach(({ resolve, reject }) => (unopened === null ? resolve() : reject(new Error(unopened))));
  }

  offerToScripts(
    app,
    () => hosts,
    (resolve, reject) => {
      waiters.push({ resolve, reject });
      checkSettled();
    },
  );
  return app;
}
