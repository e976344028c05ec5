/** @file Answers a JSON list of views, each a list of {session_start, start_time}, with the shifts of their series. */

import { readFileSync } from 'node:fs';

import { placeSeries } from '../../seriesview/viewer/geometry/clocks.js';

const views = JSON.parse(readFileSync(0, 'utf8'));
const placed = views.map((/** @type {any[]} */ view) => {
  const series = Object.fromEntries(
    view.map(({ session_start, start_time }, index) => [String(index), { session_start, segments: [{ start_time }] }]),
  );
  const { shifts } = placeSeries(Object.keys(series), /** @type {any} */ (series));
  return view.map((_, index) => shifts[index]);
});
console.log(JSON.stringify(placed));
