/** @file The page around the panels: title, toolbar, rows, status line, and what lies over all panels. */

import { columnOfTime } from '../geometry/timeline.js';
import { forgetStyle, iconButton, make } from './elements.js';
import { textWidth } from './gutter.js';
import { lendKeys } from './focus.js';
import { showAll, zoom } from './keys.js';
import { gutterWidth, panelEdges } from './heights.js';

/** @typedef {import('./app.js').App} App */

const ICONS = {
  closer: 'M7 2.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 0 0 0-9zM10.3 10.3L14 14M7 5v4M5 7h4',
  out: 'M7 2.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 0 0 0-9zM10.3 10.3L14 14M5 7h4',
  all: 'M2 3v10M14 3v10M4.5 8h7M6.5 6l-2 2 2 2M9.5 6l2 2-2 2',
  pan: 'M8 2v12M2 8h12M6 4l2-2 2 2M6 12l2 2 2-2M4 6L2 8l2 2M12 6l2 2-2 2',
  zoom: 'M3 5V3h2M7 3h2M11 3h2v2M13 7v2M13 11v2h-2M9 13H7M5 13H3v-2M3 9V7',
  select: 'M5 2v12M11 2v12M5 8h6M2 8h1M13 8h1',
  fit: 'M2 3h12M2 13h12M8 5v6M6 6.5L8 5l2 1.5M6 9.5L8 11l2-1.5',
  theme: 'M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12',
};
const THEME = 'seriesview-theme';

/**
 * @param {App} app
 * @param {{layOut: () => void, openView: (index: number) => void, retry: () => void}} actions
 */
export function createPage(app, { layOut, openView, retry }) {
  const { element, stack, toolbar } = app;
  const title = make('h1');
  const views = make('select', { 'aria-label': 'View', hidden: true, onchange: () => openView(Number(views.value)) });
  lendKeys(app, views);
  const viewNumber = make('span', { className: 'view-number', 'aria-hidden': 'true' });
  const header = make(
    'header',
    { className: 'top' },
    title,
    viewNumber,
    views,
    toolbar,
    iconButton('Light or dark', ICONS.theme, changeTheme),
  );
  const overview = make('div', { className: 'row overview' });
  const strips = make('div', { className: 'strips' });
  const grid = make('canvas', { className: 'grid', 'aria-hidden': 'true' });
  const [tint, edges] = ['tint', 'edges'].map((className) => make('canvas', { className, 'aria-hidden': 'true' }));
  const selection = make('div', { className: 'selection', hidden: true });
  const cursor = make('div', { className: 'cursor', hidden: true });
  const panels = make('div', { className: 'panels' });
  stack.append(tint, grid, panels, edges, selection, cursor);
  const scroll = make('div', { className: 'scroll' }, stack);
  const axisRow = make('div', { className: 'row axis-row' });
  const range = make('span', { className: 'range' });
  const zoomed = make('span', { className: 'zoom' });
  const hidden = make('span', { className: 'hidden-panels' });
  const said = make('span', { className: 'said', role: 'status', 'aria-live': 'polite' });
  const loading = make('div', { className: 'loading', hidden: true, role: 'progressbar', 'aria-label': 'Loading' });
  const status = make('footer', { className: 'status' }, range, said, hidden, zoomed);
  const cover = make('div', { className: 'opening', role: 'status' }, 'Opening\u2026');
  element.replaceChildren(header, loading, overview, strips, scroll, axisRow, status, cover);
  element.classList.add('app');
  // Until there is something to work on.
  toolbar.hidden = true;
  addTools();
  let saidTimer = 0;
  let loadingTimer = 0;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  setTheme(readTheme());
  dark.addEventListener('change', () => app.frame() && redrawAll());
  new ResizeObserver(resized).observe(scroll);
  followPixelRatio();

  function addTools() {
    /** @type {['pan' | 'zoom' | 'select', string][]} */
    const modes = [
      ['pan', 'Drag to move (v)'],
      ['zoom', 'Drag to zoom to a box (b)'],
      ['select', 'Drag to select a span (s)'],
    ];
    const buttons = modes.map(([mode, name]) => iconButton(name, ICONS[mode], () => app.setDragMode(mode)));
    const press = () =>
      buttons.forEach((one, index) => one.setAttribute('aria-pressed', String(modes[index][0] === app.dragMode())));
    app.on('mode', press);
    press();
    toolbar.append(
      make('div', { className: 'group', role: 'group', 'aria-label': 'What dragging does' }, ...buttons),
      make(
        'div',
        { className: 'group', role: 'group', 'aria-label': 'Zoom' },
        iconButton('Closer (+)', ICONS.closer, () => zoom(app, 1)),
        iconButton('Further out (\u2212)', ICONS.out, () => zoom(app, -1)),
        iconButton('The whole session (0)', ICONS.all, () => showAll(app)),
        iconButton('Panels as high as the window', ICONS.fit, fitPanels),
      ),
    );
  }

  function fitPanels() {
    for (const host of app.panels()) host.replaceSettings({ ...host.settings(), height: undefined });
    layOut();
  }

  /** Said once: not where the page around says it, nor above the only panel of a view where that has the same name. */
  function showTitle() {
    const { label, views: all } = app.figure();
    const [panel, ...others] = all[app.state().view].panels;
    const isSaid = titleAround() === label || (!others.length && panel?.label === label);
    title.classList.toggle('unseen', isSaid);
  }

  /** A timer, because an observer that changes sizes would be called again. */
  let resizeTimer = 0;
  function resized() {
    cancelAnimationFrame(resizeTimer);
    resizeTimer = requestAnimationFrame(() => {
      if (!app.frame()) return;
      placeRows();
      layOut();
      redrawAll();
    });
  }

  /** The ratio changes with the browser's zoom, and between screens. */
  function followPixelRatio() {
    const query = matchMedia(`(resolution: ${app.pixelRatio()}dppx)`);
    query.addEventListener(
      'change',
      () => {
        resized();
        followPixelRatio();
      },
      { once: true },
    );
  }

  function redrawAll() {
    forgetStyle();
    app.panels().forEach((host) => host.redraw());
    app.redraw();
  }

  /** @returns {string | null} */
  function readTheme() {
    try {
      return localStorage.getItem(THEME);
    } catch {
      return null;
    }
  }

  /** @param {string | null} theme */
  function setTheme(theme) {
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  }

  function isDark() {
    return (document.documentElement.dataset.theme ?? (dark.matches ? 'dark' : 'light')) === 'dark';
  }

  function changeTheme() {
    const theme = isDark() ? 'light' : 'dark';
    setTheme(theme);
    try {
      localStorage.setItem(THEME, theme);
    } catch {
      // Not every frame may keep something.
    }
    app.announce(theme === 'dark' ? 'Dark' : 'Light');
    if (app.frame()) redrawAll();
  }

  /** @returns {number} CSS pixels of what is to stand in the gutter */
  function longestName() {
    const visible = app.panels().filter((host) => !host.settings().hidden);
    const names = visible.map(({ panel }) => panel.traits.longest ?? '');
    const inStrips = [...strips.querySelectorAll('.name')].map(({ textContent }) => textContent ?? '');
    return Math.max(0, ...[...names, ...inStrips].map(textWidth));
  }

  /** Left edge and width of all canvases, on whole device pixels. */
  function placeRows() {
    const ratio = app.pixelRatio();
    const gutter = Math.round(gutterWidth(app.panels(), element.clientWidth, longestName()) * ratio) / ratio;
    element.style.setProperty('--gutter', `${gutter}px`);
    for (const [name, height] of Object.entries(panelEdges(ratio)))
      element.style.setProperty(`--${name}`, `${height}px`);
    const columns = Math.min(Math.max(Math.floor((scroll.clientWidth - gutter - 8) * ratio), 16), 16384);
    element.style.setProperty('--width', `${columns / ratio}px`);
    scroll.style.marginTop = '';
    const top = scroll.getBoundingClientRect().top * ratio;
    scroll.style.marginTop = `${(Math.ceil(top - 0.01) - top) / ratio}px`;
    return columns;
  }

  return {
    axis: { row: axisRow, grid, range, zoom: zoomed },
    overview,
    strips: { rows: strips, tint, edges },
    isDark,
    status,
    columns: placeRows,
    /** @returns {number} CSS pixels for panels */
    room: () => scroll.clientHeight - 1,

    showFigure() {
      const { label, views: all } = app.figure();
      title.textContent = title.title = label;
      showTitle();
      document.title = label ? `${label} \u2013 seriesview` : 'seriesview';
      views.replaceChildren(
        ...all.map((view, index) => make('option', { value: String(index) }, view.label || `View ${index + 1}`)),
      );
      views.hidden = all.length < 2;
      cover.remove();
      toolbar.hidden = false;
      element.removeAttribute('aria-busy');
    },

    /** @param {string} text what is waited for */
    showOpening(text) {
      cover.replaceChildren(text);
    },

    /** @param {string} message */
    showUnopened(message) {
      const again = make('button', { type: 'button', onclick: reopen }, 'Try again');
      cover.setAttribute('role', 'alert');
      cover.replaceChildren(make('p', {}, message), again);
      element.append(cover);
      element.removeAttribute('aria-busy');
    },

    showPanels() {
      showTitle();
      views.value = String(app.state().view);
      viewNumber.hidden = views.hidden;
      viewNumber.textContent = `view ${app.state().view + 1} of ${views.options.length}`;
      const all = app.panels();
      const isOther =
        all.some((host) => host.element.parentElement !== panels) || panels.childElementCount !== all.length;
      if (isOther) panels.replaceChildren(...all.map((host) => host.element));
      const away = all.filter((host) => host.settings().hidden);
      all.forEach((host) => (host.element.hidden = away.includes(host)));
      hidden.replaceChildren(
        ...away.map((host) => {
          const name = host.panel.label || host.panel.type;
          const show = () => host.set({ hidden: undefined });
          return make('button', { type: 'button', onclick: show, title: `Show ${name}` }, `+ ${name}`);
        }),
      );
    },

    /** @param {number} waiting reads under way */
    showLoading(waiting) {
      if (waiting && !loadingTimer) loadingTimer = setTimeout(() => (loading.hidden = false), 200);
      if (waiting) return;
      clearTimeout(loadingTimer);
      loadingTimer = 0;
      loading.hidden = true;
    },

    /** The cursor and the selected span. */
    drawSpans() {
      const frame = app.frame();
      if (!frame) return;
      const ratio = app.pixelRatio();
      const pointed = app.pointed();
      cursor.hidden = !pointed;
      if (pointed) cursor.style.setProperty('--from', `${pointed.x / ratio}px`);
      const chosen = app.selection();
      const [from, to] = chosen
        ? [chosen.start, chosen.end].map((time) => {
            const column = columnOfTime(app.timeline(), frame, time) - frame.leftColumn;
            return Math.min(Math.max(Math.round(column), -2), frame.columns + 2) / ratio;
          })
        : [0, 0];
      selection.hidden = !chosen || to < 0 || from > frame.columns / ratio;
      selection.style.setProperty('--from', `${from}px`);
      selection.style.width = `${Math.max(to - from, 1 / ratio)}px`;
    },

    /** @param {string} text */
    announce(text) {
      said.textContent = text;
      clearTimeout(saidTimer);
      saidTimer = setTimeout(() => (said.textContent = ''), 5000);
    },
  };

  function reopen() {
    cover.setAttribute('role', 'status');
    cover.replaceChildren('Opening\u2026');
    retry();
  }
}

/** @returns {string} of the page that this one lies in; empty where there is none, or it is of another origin */
function titleAround() {
  try {
    return window.parent === window ? '' : window.parent.document.title;
  } catch {
    return '';
  }
}
