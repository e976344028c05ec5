/** @file How the panels share the room that there is. */

import { HEIGHTS } from './state.js';

/** @typedef {import('./panel_host.js').PanelHost} PanelHost */

/** CSS pixels left of the pictures: in narrow windows, else, with room for a path in the plane in wide ones, and at most. */
const GUTTERS = { narrow: 58, usual: 92, wide: 156, most: 230 };
/** The part of the window that names get at most; CSS pixels beside a name, of marks and of a scale bar. */
const NAMES_SHARE = 0.2;
const BESIDE_NAME = 26;
/** Of a gutter, what labels and margins need beside a path. */
const BESIDE_PATH = 46;
const LEAST_PATH = 32;
const BAR = 21;
const HANDLE = 5;
const LEAST = 72;
/** Of halving what a weight of 1 has. */
const STEPS = 60;

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
 * @param {number} [longest] CSS pixels of the longest name of a lane or a strip
 * @returns {number} CSS pixels left of the pictures
 */
export function gutterWidth(hosts, width, longest = 0) {
  if (width < 640) return GUTTERS.narrow;
  const hasPaths = width >= 900 && hosts.some((host) => !host.settings().hidden && hasPath(host));
  const wanted = Math.min(Math.ceil(longest) + BESIDE_NAME, GUTTERS.most, width * NAMES_SHARE);
  return Math.max(wanted, hasPaths ? GUTTERS.wide : GUTTERS.usual);
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
  /** @param {PanelHost[]} some @param {number} rest CSS pixels for them @returns {number[]} */
  const automatic = (some, rest) =>
    scrolled(some, automaticHeights(some.map(weightOf), rest, pixelRatio, some.map(leastOf), some.map(mostOf)), screen);
  const all = automatic(visible, room - visible.length * (bar + handle));
  // Heights from a link that this window gives anyway go on following the window.
  if (visible.every((host, index) => Math.abs((host.settings().height ?? NaN) - all[index]) < 0.01)) {
    visible.forEach((host) => host.replaceSettings({ ...host.settings(), height: undefined }));
  }
  const free = visible.filter((host) => host.settings().height === undefined);
  const taken = visible.reduce((sum, host) => sum + bar + handle + (host.settings().height ?? 0), 0);
  const heights = automatic(free, room - taken);
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
 * @param {number[]} [mosts] and at most
 * @returns {number[]} CSS pixels, whole device pixels
 */
export function automaticHeights(
  weights,
  room,
  pixelRatio,
  leasts = weights.map(() => LEAST),
  mosts = weights.map(() => Infinity),
) {
  /** CSS pixels of each where a weight of 1 has so many. @param {number} unit */
  const heightsAt = (unit) =>
    weights.map((weight, index) => Math.max(Math.min(weight * unit, mosts[index]), leasts[index]));
  // The unit at which they fill the room lies between two of those at which one of them reaches its least or most.
  let [low, high] = [0, Math.max(room, 1) / Math.min(...weights, 1)];
  for (let step = 0; step < STEPS; step += 1) {
    const middle = (low + high) / 2;
    if (heightsAt(middle).reduce((sum, each) => sum + each, 0) > room) high = middle;
    else low = middle;
  }
  return heightsAt(low).map((height) => Math.floor(height * pixelRatio + 1e-6) / pixelRatio);
}

/** @param {PanelHost} host @returns {number} */
function leastOf({ panel }) {
  return panel.traits.least ?? LEAST;
}

/** @param {PanelHost} host @returns {number} */
function mostOf({ panel }) {
  return panel.traits.most ?? Infinity;
}

/** @param {PanelHost} host @returns {number} */
function weightOf({ panel }) {
  return panel.traits.weight;
}
