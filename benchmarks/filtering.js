/** @file Band pass and median of int16 noise, in the modules that the viewer's worker runs; printed by filtering.py. */

import process from 'node:process';

import { parseSteps } from '../seriesview/viewer/steps/parse.js';
import { planSteps } from '../seriesview/viewer/steps/plan.js';

const RATE = 30000;
const ROUNDS = 15;
const STEPS = /** @type {import('../seriesview/viewer/steps/parse.js').Step[]} */ (
  parseSteps([{ bandpass: [300, 6000] }, { reference: 'median' }])
);
/** Channels, seconds, and the milliseconds that it may take. */
const CASES = [
  [32, 1, 50],
  [384, 0.2, 150],
];

for (const [channels, seconds, limit] of CASES) {
  /** @type {any} */
  const manifest = {
    label: 'noise',
    dtype: 'int16',
    numbersDtype: 'int16',
    unit: 'uV',
    scale: 0.195,
    offset: 0,
    absent: null,
    channels: Array.from({ length: channels }, (_, index) => ({ id: String(index), label: String(index) })),
    segments: [],
    sampling_frequency: RATE,
  };
  const { compute, margin } = planSteps(manifest, STEPS);
  const count = Math.round(seconds * RATE);
  const places = Uint32Array.from({ length: channels }, (_, index) => index);
  const samples = Int16Array.from({ length: (count + 2 * margin) * channels }, () => 400 * (Math.random() - 0.5));
  const taken = Array.from({ length: ROUNDS }, () => {
    const [begin, used] = [performance.now(), process.cpuUsage()];
    compute(samples, places, places, [false, false], margin, margin + count);
    const { user, system } = process.cpuUsage(used);
    return { wall: performance.now() - begin, own: (user + system) / 1000 };
  });
  const middle = (/** @type {number[]} */ times) => times.sort((one, other) => one - other)[ROUNDS >> 1].toFixed(0);
  const [wall, own] = [middle(taken.map((each) => each.wall)), middle(taken.map((each) => each.own))];
  process.stdout.write(
    `${channels} channels x ${seconds} s at 30 kHz, 300 to 6000 Hz and median: ${wall} ms, ${own} ms of processor ` +
      `time (medians of ${ROUNDS}), with ${margin} samples beside on either side; limit ${limit} ms\n`,
  );
}
