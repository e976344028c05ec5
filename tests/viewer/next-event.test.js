import assert from 'node:assert/strict';
import test from 'node:test';
import { nextPoint } from '../../seriesview/viewer/drawing/next_event.js';
import { memorySeries, randomNumbers } from './memorySource.js';

/**
 * Points as sources give them: few as they are, more counted in the bins asked for, very many in whole stored bins.
 * @param {Float64Array} times
 * @param {Uint32Array} channels
 * @param {number} width of channels
 * @param {number} exactly so many are counted one by one
 */
function pointsOf(times, channels, width, exactly) {
  /** @param {number} start @param {number} end @param {number} bins */
  return async (start, end, bins) => {
    const edges = Float64Array.from({ length: bins + 1 }, (_, bin) => start + (end - start) * (bin / bins));
    edges[bins] = end;
    const inside = [...times.keys()].filter((index) => times[index] >= start && times[index] <= end);
    if (inside.length <= bins) {
      return {
        times: Float64Array.from(inside, (index) => times[index]),
        channels: Uint32Array.from(inside, (index) => channels[index]),
      };
    }
    const counts = new Uint32Array(bins * width);
    /** @param {number} time @param {number} index */
    const add = (time, index) => {
      edges.subarray(0, bins).forEach((edge, bin) => {
        if (time >= edge && time <= edges[bin + 1]) counts[bin * width + channels[index]] += 1;
      });
    };
    if (inside.length <= exactly) {
      inside.forEach((index) => add(times[index], index));
      return { edges, counts };
    }
    const stored = (end - start) / bins / 3.7;
    times.forEach((time, index) => add(times[0] + (Math.floor((time - times[0]) / stored) + 0.5) * stored, index));
    return { edges, counts, approximate: true };
  };
}

test('the next and the previous event of one channel are those that looking at all events finds', async () => {
  const random = randomNumbers(77);
  for (let round = 0; round < 60; round += 1) {
    const width = 1 + Math.floor(random() * 4);
    const count = Math.floor(random() ** 3 * 3000);
    let at = random() * 100 - 50;
    const times = Float64Array.from({ length: count }, () => {
      // Bursts, ties and long silences.
      at += random() < 0.2 ? 0 : random() < 0.02 ? random() * 50 : random() * 0.002;
      return at;
    });
    // The last channel has events seldom.
    const channels = Uint32Array.from(times, () => (random() < 0.004 ? width - 1 : Math.floor(random() * (width - 1))));
    const { manifest } = memorySeries([new Float64Array(count * width)], { channels: width, times: [times] });
    const getPoints = pointsOf(times, channels, width, 560);
    const shift = random() < 0.5 ? 0 : random() * 1e5;
    for (let question = 0; question < 12; question += 1) {
      const own = times[Math.floor(random() * count)] ?? 0;
      const time = (random() < 0.6 ? own : (times[0] ?? 0) - 5 + random() * 100) + shift;
      const channel = random() < 0.2 ? null : random() < 0.5 ? width - 1 : Math.floor(random() * width);
      for (const direction of /** @type {const} */ ([1, -1])) {
        const later = Array.from(times, (each) => each + shift).filter(
          (each, index) => (channel === null || channels[index] === channel) && (each - time) * direction > 0,
        );
        const expected = later.length ? (direction > 0 ? later[0] : later[later.length - 1]) : null;
        const segments = count ? manifest.segments : [];
        assert.equal(await nextPoint({ ...manifest, segments }, getPoints, shift, time, direction, channel), expected);
      }
    }
  }
});

test('the only event of a unit among very many others is found from far away', async () => {
  const times = Float64Array.from({ length: 40_000 }, (_, index) => index * 0.01);
  const channels = new Uint32Array(40_000);
  channels[39_990] = 1;
  const { manifest } = memorySeries([new Float64Array(80_000)], { channels: 2, times: [times] });
  let asked = 0;
  const inMemory = pointsOf(times, channels, 2, 5000);
  /** @type {typeof inMemory} */
  const getPoints = (...range) => {
    asked += 1;
    return inMemory(...range);
  };
  assert.equal(await nextPoint(manifest, getPoints, 0, 0, 1, 1), times[39_990]);
  assert.ok(asked < 20);
  assert.equal(await nextPoint(manifest, getPoints, 0, times[39_990], 1, 1), null);
  assert.equal(await nextPoint(manifest, getPoints, 0, 399.99, -1, 1), times[39_990]);
});
