/** @file A type of panel that only tests have: a row for each channel, filled where it reaches a threshold. */

import { pixelOf } from '../drawing/colors.js';
import { drawColumns } from '../drawing/picture.js';
import { valuesAt } from '../drawing/readout.js';
import { plainLanes } from '../drawing/scales.js';
import { hullsOf, laneUnits } from '../drawing/scenes.js';

/** @type {import('./registry.js').PanelType} */
export const crossings = {
  name: 'Crossings',
  seriesTypes: ['continuous'],
  traits: () => ({
    weight: 1,
    order: 'stored',
    hasGain: false,
    choices: [{ key: 'side', text: 'Side', values: ['below', 'both'] }],
  }),
  lanes: plainLanes,
  draw(scene, picture) {
    const { leftColumn, width, pixels, notes } = picture;
    const { scale, offset } = laneUnits(scene);
    const threshold = Number(scene.request.data?.threshold);
    const { side } = scene.request.settings;
    drawColumns(picture, (from, to) => {
      const { low, high, exact } = hullsOf(scene, leftColumn + from, leftColumn + to, notes);
      scene.layout.lanes.forEach(({ top, bottom, color }, place) => {
        for (let column = 0; column < to - from; column += 1) {
          const at = column * scene.shown.length + place;
          const isAbove = side !== 'below' && high[at] * scale[place] + offset[place] >= threshold;
          const isBelow = side !== undefined && low[at] * scale[place] + offset[place] <= -threshold;
          if (!isAbove && !isBelow) continue;
          for (let row = top; row < bottom; row += 1) pixels[row * width + from + column] = pixelOf(color);
        }
      });
      return exact;
    });
  },
  readOut: valuesAt,
};
