import assert from 'node:assert/strict';
import test from 'node:test';
import { randomNumbers } from './memorySource.js';

/** @typedef {{text: string, x: number, y: number, width: number, isUpright: boolean}} Written */

const CHARACTER = 6;
const LINE = 10;

/** A context that notes where texts are written. */
function noting() {
  /** @type {Written[]} */
  const written = [];
  /** @type {[number, number] | null} */
  let turned = null;
  const context = {
    font: '',
    textBaseline: '',
    textAlign: '',
    fillStyle: '',
    measureText: (/** @type {string} */ text) => ({ width: CHARACTER * text.length }),
    fillRect() {},
    save() {},
    rotate() {},
    putImageData() {},
    restore() {
      turned = null;
    },
    translate(/** @type {number} */ x, /** @type {number} */ y) {
      turned = [x, y];
    },
    fillText(
      /** @type {string} */ text,
      /** @type {number} */ x,
      /** @type {number} */ y,
      /** @type {number} */ room = Infinity,
    ) {
      const width = Math.min(CHARACTER * text.length, room);
      written.push(
        turned ? { text, x: turned[0], y: turned[1], width, isUpright: true } : { text, x, y, width, isUpright: false },
      );
    },
  };
  return { context: /** @type {any} */ (context), written };
}

/** @param {Written} one @returns {number[]} left, top, right, bottom */
function boxOf({ x, y, width, isUpright }) {
  if (isUpright) return [x - LINE / 2, y - width / 2, x + LINE / 2, y + width / 2];
  return [x - width, y - LINE / 2, x, y + LINE / 2];
}

/** @param {number[]} one @param {number[]} other */
function overlap(one, other) {
  return (
    Math.min(one[2], other[2]) - Math.max(one[0], other[0]) > 0.5 &&
    Math.min(one[3], other[3]) - Math.max(one[1], other[1]) > 0.5
  );
}

test('no two texts beside a picture run into one another, and none leaves its place', async () => {
  Object.assign(globalThis, {
    getComputedStyle: () => ({ getPropertyValue: () => '#000000' }),
    document: { documentElement: null },
  });
  const { drawGutter } = await import('../../seriesview/viewer/app/gutter.js');
  const random = randomNumbers(55);
  const between = (/** @type {number} */ low, /** @type {number} */ high) =>
    low + Math.floor(random() * (high - low + 1));
  for (let round = 0; round < 1500; round += 1) {
    const [width, height, ratio] = [[58, 92, 156][between(0, 2)], between(40, 700), [1, 1.25, 2][between(0, 2)]];
    const count = [1, 2, 3, 7, 16, 33, 64, 128, 384][between(0, 8)];
    const rows = Math.round(height * ratio);
    const [hasDepths, isImage, isLong] = [random() < 0.5, random() < 0.5, random() < 0.3];
    const groups = between(1, 4);
    const lanes = Array.from({ length: count }, (_, at) => {
      const [top, bottom] = [at, at + 1].map((edge) => Math.round((edge * rows) / count));
      const place = hasDepths ? { y: 20 * (count - at) } : {};
      const group = groups > 1 ? { group: `shank ${Math.floor((at * groups) / count)}` } : {};
      const label = isLong ? `a channel with a very long name, number ${at}` : `ch${at}`;
      const scale = { pixelsPerUnit: isImage ? 0 : 0.1, unit: 'uV', baseline: 0, offset: 0 };
      return {
        id: String(at),
        label,
        top,
        bottom,
        center: Math.floor((top + bottom - 1) / 2),
        color: '#000000',
        ...scale,
        ...place,
        ...group,
      };
    });
    const side = Math.min(rows, Math.round((width - 46) * ratio));
    const path = count === 2 && width > 90 && random() < 0.5 ? { side: 1, pixels: new ArrayBuffer(4) } : null;
    if (path) Object.assign(globalThis, { ImageData: class {} });
    if (path) path.side = side;
    const valueAxis =
      !path && random() < 0.2
        ? {
            unit: random() < 0.5 ? 'uV' : 'arbitrary units',
            low: -between(1, 9000) * 10 ** between(-9, 9),
            high: between(1, 9000) * 10 ** between(-9, 9),
            isLinear: true,
          }
        : null;
    const { context, written } = noting();
    drawGutter(context, /** @type {any} */ ({ lanes, valueAxis, path }), { width, height, ratio });
    const boxes = written.map(boxOf);
    boxes.forEach((box, index) => {
      const what = `${JSON.stringify(written[index])} in ${width} x ${height}, ${count} lanes, ${JSON.stringify({ hasDepths, isImage, isLong, groups, valueAxis })}`;
      assert.ok(box[0] >= -1 && box[2] <= width && box[1] >= -1 && box[3] <= height + 1, what);
      const other = boxes.findIndex((each, place) => place > index && overlap(box, each));
      assert.equal(other, -1, `${what} runs into ${JSON.stringify(written[other])}`);
      if (path) assert.ok(box[0] >= 2 + side / ratio, what);
    });
  }
});

test('labels of a strip keep what tells them from one another', async () => {
  const { shortName } = await import('../../seriesview/viewer/app/gutter.js');
  const { context } = noting();
  const named = (/** @type {string} */ text, /** @type {number} */ characters) =>
    shortName(context, text, characters * CHARACTER);
  assert.equal(named('Stimulus/S  1', 20), 'Stimulus/S 1');
  assert.equal(named('Stimulus/S  1', 5), 'S 1');
  assert.equal(named('Response/R128', 3), 'R…8');
  assert.equal(named('and/or nothing/else', 8), 'and/…lse');
  assert.equal(named('Sleep stage N2', 8), 'Slee… N2');
});
