/**
 * @file Samples that are one mark each: as high as one channel says, in the colour of another. Where they are too many for
 * that, the range of their heights; which colours lie in it is not known, and it has none.
 */

import { fadedPixel, heatPixels } from './colors.js';
import { noteCut } from './cuts.js';
import { drawWhole } from './picture.js';
import { visitPoints } from './points.js';
import { overlaidLanes } from './scales.js';
import { notePoints, pointRange, laneUnits } from './scenes.js';
import { withShownUnits } from './shown_units.js';
import { TILE_COLUMNS } from './tiles.js';
import { quantityText } from '../geometry/ticks.js';

/** @typedef {import('./scales.js').Drawn} Drawn */
/** @typedef {import('./scales.js').Spread} Spread */
/** @typedef {import('./scenes.js').Scene} Scene */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */

/** Of so many in 512 columns each has a mark of its own: usually, and at most, as many as a task sends. */
const FEW = 128 * TILE_COLUMNS;
const MOST = 1953 * TILE_COLUMNS;
/** Where more of MOST than this are to be expected, ranges of whole columns are asked for. */
const EXPECTED = 0.9;
const RANGE_SHARE = 0.35;
/** Where a lane is that is told and not drawn. */
const NOWHERE = -1e9;

/**
 * How many samples of a stretch of time are taken one by one, by how many are to be expected.
 * @param {SeriesManifest['segments']} segments
 * @param {number} seconds
 * @returns {number}
 */
export function marksOfTile(segments, seconds) {
  const samples = segments.reduce((sum, each) => sum + each.num_samples, 0);
  const whole = segments.reduce((sum, each) => sum + each.end_time - each.start_time, 0);
  const expected = whole > seconds ? (samples * seconds) / whole : samples;
  if (expected > EXPECTED * MOST) return TILE_COLUMNS;
  return expected > FEW / 2 ? MOST : FEW;
}

/**
 * The channel of heights, and that of colours where there is one.
 * @param {SeriesManifest} manifest
 * @param {Record<string, unknown>} data
 * @returns {Int32Array} indices
 */
export function markedChannels({ channels }, { y, color }) {
  /** @param {unknown} name */
  const find = (name) => {
    const byId = channels.findIndex(({ id }) => id === name);
    return byId >= 0 ? byId : channels.findIndex(({ label }) => label === name);
  };
  const found = typeof color === 'string' ? find(color) : -1;
  return Int32Array.from([Math.max(find(y), 0), ...(found >= 0 ? [found] : [])]);
}

/**
 * An axis of heights; the lane of colours is there for the read-out alone.
 * @param {Drawn} drawn
 * @returns {import('./scales.js').Layout}
 */
export function markedLanes(drawn) {
  const { lanes, valueAxis } = withShownUnits(overlaidLanes(only(drawn, 0), true), only(drawn, 0));
  if (drawn.shown.length === 1) return { lanes, valueAxis };
  const [told] = overlaidLanes(only(drawn, 1), true).lanes;
  return { lanes: [...lanes, { ...told, center: NOWHERE, pixelsPerUnit: 0 }], valueAxis };
}

/**
 * @param {Drawn} drawn
 * @param {number} place of a shown channel
 * @returns {Drawn} as if there were no other
 */
function only(drawn, place) {
  const { manifest, spread, shown } = drawn;
  const index = shown[place];
  /** @param {Float64Array} values */
  const one = (values) => values.slice(index, index + 1);
  return {
    ...drawn,
    manifest: { ...manifest, channels: [manifest.channels[index]] },
    spread: {
      ...spread,
      mean: one(spread.mean),
      deviation: one(spread.deviation),
      low: one(spread.low),
      high: one(spread.high),
      middle: one(spread.middle),
      typical: one(spread.typical),
    },
    shown: Int32Array.of(0),
  };
}

/**
 * Marks, those of the highest colours over the others.
 * @param {Scene} scene
 * @param {import('./picture.js').Picture} picture
 */
export function drawMarked(scene, picture) {
  const { frame, timeline, manifest, request, layout, isDark } = scene;
  const [heights, colors] = markedChannels(manifest, request.data ?? {});
  const { scale, offset } = laneUnits({ ...scene, shown: Int32Array.from([heights, colors ?? heights]) });
  const [lane] = layout.lanes;
  const heat = heatPixels();
  const [low, high] = colors === undefined ? [NaN, NaN] : colourEnds(scene, colors);
  const seconds = (TILE_COLUMNS * frame.samplesPerColumn) / frame.columnsPerSample / timeline.ticksPerSecond;
  // By the zoom alone: where many are to be expected marks are points.
  const isDense = marksOfTile(manifest.segments, seconds) !== FEW;
  const radius = isDense ? Math.floor(request.pixelRatio / 2) : Math.max(Math.round(request.pixelRatio), 1);
  const width = manifest.channels.length;
  const range = pointRange(scene, frame.leftColumn - radius, frame.leftColumn + frame.columns + radius);
  /** @param {number} stored */
  const rowOf = (stored) =>
    Math.round(lane.center - (stored * scale[0] + offset[0] + lane.offset - lane.baseline) * lane.pixelsPerUnit);
  /** @param {number} stored @returns {number} of the colours */
  const shadeOf = (stored) => {
    if (colors === undefined) return heat.length - 1;
    const place = Math.floor(((stored * scale[1] + offset[1] - low) / (high - low)) * heat.length);
    return Math.min(Math.max(place, 0), heat.length - 1) || 0;
  };
  drawWhole(picture, () => {
    const marks = createMarks();
    let isRange = false;
    const { exact, ...how } = visitPoints(range, ({ points, columnsOfTime, columnsOfBin }) => {
      const { times, values, counts, envelope } = points;
      if (times && values) {
        for (let index = 0; index < times.length; index += 1) {
          const [column, last] = columnsOfTime(times[index]);
          if (column > last) continue;
          marks.add(last, rowOf(values[index * width + heights]), shadeOf(values[index * width + (colors ?? heights)]));
        }
      }
      if (!counts || !envelope) return;
      for (let bin = 0; bin < counts.length; bin += 1) {
        if (!counts[bin]) continue;
        const [least, most] = [bin * 2 * width, (bin * 2 + 1) * width];
        const [from, to] = columnsOfBin(bin);
        if (counts[bin] === 1 && scene.series.finest === 1 && from === to) {
          marks.add(from, rowOf(envelope[least + heights]), shadeOf(envelope[least + (colors ?? heights)]));
          continue;
        }
        isRange = true;
        const rows = [rowOf(envelope[least + heights]), rowOf(envelope[most + heights])];
        drawRange(picture, from, to, Math.min(...rows), Math.max(...rows), fadedPixel(lane.color, isDark, RANGE_SHARE));
      }
    });
    // Faint on both backgrounds where values are low.
    marks.visit(heat.length, (column, row, shade) =>
      drawMark(picture, column, row, radius, heat[isDark ? shade : heat.length - 1 - shade]),
    );
    notePoints(picture.notes, how, scene.series);
    if (colors !== undefined) {
      const { label, id, unit = manifest.unit } = manifest.channels[colors];
      const ends = [low, high].map((end) => quantityText(end, unit));
      picture.notes.add(`colour: ${label || id}, ${ends.join(' to ')}`);
    }
    if (isRange) picture.notes.add('where marks are too many, grey is the range of their heights: zoom in');
    else picture.notes.delete('where marks are too many, grey is the range of their heights: zoom in');
    return exact;
  });
}

/**
 * Marks that are collected, then visited by colour: there may be millions.
 * @returns {{add: (column: number, row: number, shade: number) => void,
 *   visit: (shades: number, take: (column: number, row: number, shade: number) => void) => void}}
 */
function createMarks() {
  let columns = new Int32Array(1024);
  let rows = new Int32Array(1024);
  let shades = new Uint8Array(1024);
  let count = 0;
  return {
    add(column, row, shade) {
      if (!Number.isFinite(row) || Math.abs(row) > 1e9) return;
      if (count === columns.length) {
        columns = grown(columns, new Int32Array(2 * count));
        rows = grown(rows, new Int32Array(2 * count));
        shades = grown(shades, new Uint8Array(2 * count));
      }
      columns[count] = column;
      rows[count] = row;
      shades[count] = shade;
      count += 1;
    },
    visit(numShades, take) {
      const starts = new Uint32Array(numShades + 1);
      for (let index = 0; index < count; index += 1) starts[shades[index] + 1] += 1;
      for (let shade = 0; shade < numShades; shade += 1) starts[shade + 1] += starts[shade];
      const order = new Uint32Array(count);
      for (let index = 0; index < count; index += 1) order[starts[shades[index]]++] = index;
      for (const index of order) take(columns[index], rows[index], shades[index]);
    },
  };
}

/** @template {Int32Array | Uint8Array} A @param {A} values @param {A} larger @returns {A} */
function grown(values, larger) {
  larger.set(values);
  return larger;
}

/**
 * Values of the first and the last colour: what 1 % and 99 % lie below, else lowest and highest.
 * @param {Scene} scene
 * @param {number} channel
 * @returns {[number, number]} physical, ascending
 */
function colourEnds({ manifest, spread }, channel) {
  const { typical, scale = manifest.scale, offset = manifest.offset } = manifest.channels[channel];
  const ends = typical ? [typical[0], typical[2]].map((stored) => stored * scale + offset) : [];
  const [low, high] = ends.length
    ? ends.sort((one, other) => one - other)
    : [spread.low[channel], spread.high[channel]];
  return low < high ? [low, high] : [low - 0.5, low + 0.5];
}

/**
 * @param {import('./picture.js').Picture} picture
 * @param {number} from absolute column
 * @param {number} to the last one
 * @param {number} top
 * @param {number} bottom the last row
 * @param {number} ink
 */
function drawRange({ pixels, width, height, leftColumn, cut }, from, to, top, bottom, ink) {
  const [first, last] = [Math.max(top, 0), Math.min(bottom, height - 1)];
  for (let column = Math.max(from, leftColumn); column <= Math.min(to, leftColumn + width - 1); column += 1) {
    noteCut(cut, column - leftColumn, top, bottom, height);
    for (let row = first; row <= last; row += 1) pixels[row * width + column - leftColumn] = ink;
  }
}

/**
 * A square, clipped to the picture.
 * @param {import('./picture.js').Picture} picture
 * @param {number} column absolute
 * @param {number} row of its middle
 * @param {number} radius pixels to each side of the middle
 * @param {number} ink
 */
function drawMark({ pixels, width, height, leftColumn, cut }, column, row, radius, ink) {
  noteCut(cut, column - leftColumn, row, row, height);
  if (!(row + radius >= 0 && row - radius < height)) return;
  const left = Math.max(column - leftColumn - radius, 0);
  const right = Math.min(column - leftColumn + radius, width - 1);
  if (right < left) return;
  const bottom = Math.min(row + radius, height - 1);
  for (let at = Math.max(row - radius, 0); at <= bottom; at += 1)
    pixels.fill(ink, at * width + left, at * width + right + 1);
}
