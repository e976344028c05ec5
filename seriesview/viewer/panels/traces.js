/** @file ContinuousTraces: traces below one another or on one axis, or an image where lanes are too low for traces. */

import { drawImage } from '../drawing/image.js';
import { longestName } from '../drawing/lane_room.js';
import { drawOver, underUnits } from '../drawing/over.js';
import { drawColumns } from '../drawing/picture.js';
import { valuesAt } from '../drawing/readout.js';
import { overlaidLanes, plainLanes, stackedLanes } from '../drawing/scales.js';
import { hullsOf, laneUnits } from '../drawing/scenes.js';
import { colourHalves, withShownUnits } from '../drawing/shown_units.js';
import { drawTraces } from '../drawing/traces.js';
import { drawnBelow } from '../drawing/below.js';
import { quantityText } from '../geometry/ticks.js';

/** @typedef {import('../types.js').PanelRequest} PanelRequest */
/** @typedef {'stacked' | 'overlaid' | 'image'} Mode */
/** @typedef {import('../drawing/scenes.js').Scene} Scene */

/** Traces in lanes that are lower, CSS pixels, say nothing. */
const LEAST_LANE = 4;
/** More channels ask for no more room; so many have this much at least, CSS pixels. */
const MANY = 32;
const LEAST_OF_MANY = 180;
/** A trace needs no more, CSS pixels, where there are few. */
const FEW = 2;
const MOST_OF_FEW = 300;
/** @type {import('../types.js').PanelChoice} */
const MODE = {
  key: 'mode',
  text: 'Mode',
  title: 'Automatic: as the view says, else stacked, or an image where lanes would be too low for traces',
  values: ['stacked', 'overlaid', 'image'],
};

/** @type {import('./registry.js').PanelType} */
export const traces = {
  name: 'ContinuousTraces',
  seriesTypes: ['continuous', 'discrete'],
  defaultFor: 'continuous',
  leadsOverview: true,
  traits(numChannels, { order, channels_per_screen: perScreen }, manifest) {
    return {
      weight: 1.5 + Math.min(numChannels, MANY) / 4,
      ...(numChannels >= MANY ? { least: LEAST_OF_MANY } : {}),
      ...(numChannels <= FEW ? { most: MOST_OF_FEW * numChannels } : {}),
      longest: numChannels > 1 ? longestName(manifest) : '',
      hasOffsets: true,
      hasSteps: manifest?.type === 'continuous' && manifest.sampling_frequency !== null,
      choices: [MODE],
      ...(order === 'stored' || order === 'type' ? { order } : {}),
      ...(Number.isInteger(perScreen) && Number(perScreen) > 0 ? { perScreen: Number(perScreen) } : {}),
    };
  },
  lanes(drawn) {
    const mode = modeOf(drawn.request, drawn.shown.length);
    const lay = { stacked: stackedLanes, overlaid: overlaidLanes, image: plainLanes }[mode];
    const { lanes, valueAxis } = withShownUnits(lay(drawn), drawn);
    return { lanes: mode === 'stacked' ? underUnits(lanes, drawn) : lanes, valueAxis };
  },
  draw(scene, picture) {
    const { request, shown, layout } = scene;
    const { leftColumn, notes } = picture;
    const units = laneUnits(scene);
    const mode = modeOf(request, shown.length);
    drawColumns(picture, (from, to) => {
      // Colours of raw samples would be taken for those of filtered ones.
      if (mode === 'image' && scene.isRaw) return new Uint8Array(to - from).fill(1);
      const hulls = hullsOf(scene, leftColumn + from, leftColumn + to, notes);
      if (mode !== 'image' && scene.below) {
        const both = drawnBelow(scene, scene.below, hulls, notes);
        drawTraces(picture, from, both.hulls, both.lanes, both.units);
        return drawOver(scene, picture, from, { ...hulls, exact: both.hulls.exact }, units, mode);
      }
      if (mode === 'image') {
        const [low, high] = colourEnds(scene, notes);
        drawImage(picture, from, hulls, layout.lanes, units, low, high, true);
      } else {
        drawTraces(picture, from, hulls, layout.lanes, units);
        if (!layout.valueAxis) noteHeights(scene, notes);
      }
      return drawOver(scene, picture, from, hulls, units, mode);
    });
  },
  readOut: valuesAt,
};

/**
 * As was set, else as the view says, else stacked, or as an image where lanes would be too low for traces.
 * @param {Pick<PanelRequest, 'settings' | 'height' | 'pixelRatio' | 'data'>} request
 * @param {number} count of channels that are shown
 * @returns {Mode}
 */
export function modeOf(request, count) {
  const { height, pixelRatio } = request;
  return chosenMode(request) ?? (height / pixelRatio < LEAST_LANE * count ? 'image' : 'stacked');
}

/** @param {Pick<PanelRequest, 'settings' | 'data'>} request @returns {Mode | undefined} */
function chosenMode({ settings, data }) {
  const chosen = settings.mode ?? data?.mode;
  return MODE.values.includes(/** @type {string} */ (chosen)) ? /** @type {Mode} */ (chosen) : undefined;
}

/**
 * Where lanes differ in scale, and so have no bar in common, how high one is of each kind.
 * @param {Scene} scene
 * @param {Set<string>} notes
 */
function noteHeights({ manifest, shown, layout, request }, notes) {
  /** @type {Map<string, string>} */
  const heights = new Map();
  layout.lanes.forEach(({ unit, pixelsPerUnit }, place) => {
    const { type } = manifest.channels[shown[place]];
    const height = Number((request.height / shown.length / pixelsPerUnit).toPrecision(2));
    const text = `${type ?? 'others'} ${quantityText(height, unit)}`;
    if (!heights.has(`${type} ${unit}`)) heights.set(`${type} ${unit}`, text);
  });
  if (heights.size > 1) notes.add(`height of a lane: ${[...heights.values()].join(', ')}`);
}

/**
 * Physical values of the first and the last colour of each lane of an image.
 * @param {Scene} scene
 * @param {Set<string>} notes get what the colours mean, and why it is an image
 * @returns {[Float64Array, Float64Array]}
 */
function colourEnds(scene, notes) {
  const { manifest, request, shown, layout, spread } = scene;
  const middle = Float64Array.from(shown, (index, place) => (spread.middle[index] || 0) - layout.lanes[place].offset);
  const half = colourHalves(scene);
  const texts = new Set(
    Array.from(half, (value, place) => quantityText(value, manifest.channels[shown[place]].unit ?? manifest.unit)),
  );
  const [first, ...others] = texts;
  const kind = spread.isRobust ? 'median' : 'mean';
  notes.add(`colours: ${kind} \u00b1 ${first}${others.length ? ` to ${others[others.length - 1]}` : ''}`);
  if (!chosenMode(request)) {
    const high = (request.height / request.pixelRatio / shown.length).toFixed(1);
    notes.add(`an image, because each of ${shown.length} traces would be ${high} pixels high (menu: mode)`);
  }
  return [middle.map((value, place) => value - half[place]), middle.map((value, place) => value + half[place])];
}
