/** @file What a panel says where its series has nothing in the window: where there is something, and a way there. */

import { timesOf } from '../geometry/timeline.js';
import { make } from './elements.js';

/** @typedef {import('../types.js').Painted} Painted */
/** @typedef {import('../types.js').Panel} Panel */
/** @typedef {import('./app.js').App} App */

/**
 * @param {App} app
 * @param {Panel} panel
 * @returns {{element: HTMLElement, update: (painted: Painted) => void}}
 */
export function createAbsence(app, { seriesUri, label }) {
  const element = make('div', { className: 'absence', role: 'status', hidden: true });
  let asked = 0;

  /** @param {Painted} painted */
  async function update({ frame, pixels, unbuilt, isComplete, error }) {
    asked += 1;
    const mine = asked;
    element.hidden = true;
    if (!isComplete || unbuilt.length || error || !seriesUri || new Uint32Array(pixels).some((pixel) => pixel)) return;
    const { startTime, endTime } = timesOf(app.timeline(), frame);
    const found = await Promise.all([
      neighbour(seriesUri, startTime, -1).catch(() => null),
      neighbour(seriesUri, endTime, 1).catch(() => null),
    ]);
    if (mine !== asked) return;
    const [before, after] = found.map((time, index) => {
      if (time === null) return '';
      const text = index ? `next at ${app.timeText(time)} \u203a` : `\u2039 last at ${app.timeText(time)}`;
      return make('button', { type: 'button', onclick: () => goTo(time) }, text);
    });
    element.replaceChildren(before, before || after ? 'nothing in this window' : `nothing in ${label}`, after);
    element.hidden = false;
  }

  /**
   * @param {string} uri
   * @param {number} time view time
   * @param {1 | -1} direction
   * @returns {Promise<number | null>}
   */
  async function neighbour(uri, time, direction) {
    const { type, segments } = app.figure().series[uri];
    if (type === 'continuous') {
      const shift = app.timeline().shifts[uri] ?? 0;
      const ends = segments.map((each) => (direction > 0 ? each.start_time : each.end_time) + shift);
      return (direction > 0 ? ends.find((each) => each >= time) : ends.findLast((each) => each <= time)) ?? null;
    }
    const what = type !== 'interval' ? 'event' : direction > 0 ? 'interval' : 'interval end';
    return app.ask({ name: 'findNext', what, time, direction, seriesUri: uri });
  }

  /** @param {number} time in the middle of the window afterwards */
  function goTo(time) {
    const { startTime, endTime } = timesOf(app.timeline(), app.frame());
    const perColumn = (endTime - startTime) / app.frame().columns;
    const columns = Math.round((time - (startTime + endTime) / 2) / perColumn);
    app.moveTo({ ...app.frame(), leftColumn: app.frame().leftColumn + columns });
  }

  return { element, update };
}
