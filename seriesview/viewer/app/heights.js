/** @file How the panels share the room that there is. */

import { HEIGHTS } from './state.js';

/** @typedef {import('./panel_host.js').PanelHost} PanelHost */

/** CSS pixels left of the pictures: in narrow windows, else, and with room for a path in the plane in wide ones. */
const GUTTERS = { narrow: 58, usual: 92, wide: 156 };
/** Of a gutter, what labels and margins need beside a path. */
const BESIDE_PATH = 46;
const LEAST_PATH = 32;
const BAR = 21;
const HANDLE = 5;
const LEAST = 72;

/**
 * CSS pixels of a panel's title and of the handle below it: each whole device pixels, so that all pictures begin at one.
 * @param {number} pixelRatio
 * @returns {{bar: number, handle: number}}
 */
export function panelEdges(pixelRatio) {
  const [bar, handle] = [BAR, HANDLE].map((height) => Math.round(height * pixelRatio) / pixelRatio);
  return { bar, handle };
}

/**
 * @param {PanelHost[]} hosts
 * @param {number} width of the window, CSS pixels
 * @returns {number} CSS pixels left of the pictures
 */
export function gutterWidth(hosts, width) {
  if (width < 640) return GUTTERS.narrow;
  return width >= 900 && hosts.some((host) => !host.settings().hidden && hasPath(host)) ? GUTTERS.wide : GUTTERS.usual;
}

/**
 * Whether a panel shows a path in the plane, where there is room for it.
 * @param {Pick<PanelHost, 'panel' | 'numChannels' | 'settings'>} host
 * @returns {boolean}
 */
export function hasPath({ panel: { traits }, numChannels, settings }) {
  const { path, channels } = settings();
  return path !== false && (channels?.length ?? numChannels) >= (traits.pathChannels ?? Infinity);
}

/**
 * @param {number} gutter CSS pixels
 * @param {number} height of the panel, CSS pixels
 * @returns {number} of the square for a path, CSS pixels; 0: there is no room
 */
export function pathSide(gutter, height) {
  const side = Math.min(height, gutter - BESIDE_PATH);
  return side < LEAST_PATH ? 0 : side;
}

/**
 * Gives each visible panel its height: the one that was set, or its part of the room that the others leave.
 * @param {PanelHost[]} hosts
 * @param {number} room CSS pixels for all panels with their titles
 * @param {number} pixelRatio
 */
export function divideHeight(hosts, room, pixelRatio) {
  const { bar, handle } = panelEdges(pixelRatio);
  const visible = hosts.filter((host) => !host.settings().hidden);
  const screen = room - bar - handle;
  const all = scrolled(
    visible,
    automaticHeights(visible.map(weightOf), room - visible.length * (bar + handle), pixelRatio, visible.map(leastOf)),
    screen,
  );
  // Heights from a link that this window gives anyway go on following the window.
  if (visible.every((host, index) => Math.abs((host.settings().height ?? NaN) - all[index]) < 0.01)) {
    visible.forEach((host) => host.replaceSettings({ ...host.settings(), height: undefined }));
  }
  const free = visible.filter((host) => host.settings().height === undefined);
  const taken = visible.reduce((sum, host) => sum + bar + handle + (host.settings().height ?? 0), 0);
  const heights = scrolled(
    free,
    automaticHeights(free.map(weightOf), room - taken, pixelRatio, free.map(leastOf)),
    screen,
  );
  visible.forEach((host) => host.setHeight(host.settings().height ?? heights[free.indexOf(host)]));
}

/**
 * Panels of which a screen holds some of the channels alone are higher than that.
 * @param {PanelHost[]} hosts
 * @param {number[]} heights CSS pixels, where all channels share a screen
 * @param {number} screen CSS pixels
 * @returns {number[]}
 */
function scrolled(hosts, heights, screen) {
  return hosts.map(({ panel: { traits }, numChannels, settings }, index) => {
    const count = settings().channels?.length ?? numChannels;
    const screens = count / (traits.perScreen ?? Infinity);
    return screens > 1
      ? Math.max(Math.min(Math.floor(screen * screens), HEIGHTS.most), heights[index])
      : heights[index];
  });
}

/**
 * @param {number[]} weights
 * @param {number} room CSS pixels
 * @param {number} pixelRatio
 * @param {number[]} [leasts] CSS pixels that each has at least
 * @returns {number[]} CSS pixels, whole device pixels
 */
export function automaticHeights(weights, room, pixelRatio, leasts = weights.map(() => LEAST)) {
  // From that on which would have the smallest part of its least height: what it needs, the others do not get.
  const share = (/** @type {number} */ index) => weights[index] / leasts[index];
  const order = weights.map((_, index) => index).sort((one, other) => share(one) - share(other));
  const heights = [...leasts];
  let rest = room;
  let sum = weights.reduce((total, each) => total + each, 0);
  for (const index of order) {
    const height = Math.max((rest * weights[index]) / sum, leasts[index]);
    heights[index] = Math.floor(height * pixelRatio) / pixelRatio;
    rest -= height;
    sum -= weights[index];
  }
  return heights;
}

/** @param {PanelHost} host @returns {number} */
function leastOf({ panel }) {
  return panel.traits.least ?? LEAST;
}

/** @param {PanelHost} host @returns {number} */
function weightOf({ panel }) {
  return panel.traits.weight;
}
