import assert from 'node:assert/strict';
import test from 'node:test';
import { createSession } from '../../seriesview/viewer/drawing/session.js';
import { memoryFigure, memorySeries, memorySource, randomNumbers } from './memorySource.js';

/** @typedef {import('../../seriesview/viewer/types.js').FromWorker} FromWorker */
/** @typedef {import('../../seriesview/viewer/types.js').Painted} Painted */

const COLUMNS = 150;

/** A session of one panel. @param {(columns: number) => number} mostColumns that there are of a window */
function opened(mostColumns) {
  const random = randomNumbers(1);
  const values = Float64Array.from({ length: 2 * 10_000 }, () => random() * 20);
  const series = { probe: memorySeries([values], { channels: 2, factors: [16, 64, 256] }) };
  series.probe.manifest = {
    ...series.probe.manifest,
    state: 'building',
    moments: [],
    channels: series.probe.manifest.channels.map((each) => ({ ...each, typical: [1, 10, 19] })),
  };
  const { figure, timeline } = memoryFigure(series, [{ type: 'ContinuousTraces', uri: 'probe' }]);
  const inMemory = memorySource(series);
  const source = {
    ...inMemory,
    async getWindow(
      /** @type {string} */ uri,
      /** @type {import('../../seriesview/viewer/types.js').WindowRequest} */ request,
    ) {
      const whole = await inMemory.getWindow(uri, request);
      const columns = mostColumns(whole.columns);
      return { ...whole, columns, envelope: whole.envelope && whole.envelope.subarray(0, 4 * columns) };
    },
  };
  /** @type {Painted[]} */
  const pictures = [];
  const session = createSession(source, figure, [timeline], (/** @type {FromWorker} */ message) => {
    if (message.type === 'painted') pictures.push(message.painted);
  });
  const frame = { samplesPerColumn: 64, columnsPerSample: 1, leftColumn: 0, columns: COLUMNS };
  const panel = { key: '0', type: 'ContinuousTraces', seriesUri: 'probe', height: 50, pixelRatio: 1, settings: {} };
  session.paint({ type: 'paint', number: 1, frame, panels: [panel], isDark: false });
  return {
    session,
    /** The next picture that is complete and holds so much. @param {number[][]} unbuilt */
    async shows(unbuilt) {
      for (let round = 0; round < 500; round += 1) {
        const last = pictures.at(-1);
        if (last?.isComplete && JSON.stringify(last.unbuilt) === JSON.stringify(unbuilt)) return;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      assert.deepEqual(pictures.at(-1)?.unbuilt, unbuilt);
    },
  };
}

test('what is being built is drawn as it grows, however often nothing was new', async () => {
  let [built, asked] = [40, 0];
  const { session, shows } = opened((columns) => {
    asked += 1;
    return Math.min(columns, built);
  });
  await shows([[40, COLUMNS]]);
  for (built of [40, 40, 70, 70, 110]) {
    const before = asked;
    session.grow();
    await shows([[built, COLUMNS]]);
    while (asked === before) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  built = COLUMNS + 100;
  session.grow();
  await shows([]);
});
