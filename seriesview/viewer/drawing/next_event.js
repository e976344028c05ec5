/** @file The event or point next to a time: stretches that grow until they hold one, and shrink until they hold few. */

/** @typedef {import('../types.js').Points} Points */

const POINTS = 512;
/** Widths grow and shrink by factors: no search that ends is longer. */
const MOST_STEPS = 200;

/**
 * @param {number[]} times
 * @param {number} time
 * @param {1 | -1} direction
 * @returns {number | null} the nearest one strictly after or before a time
 */
export function nearest(times, time, direction) {
  let found = null;
  for (const each of times) {
    if ((each - time) * direction <= 0) continue;
    if (found === null || (found - each) * direction > 0) found = each;
  }
  return found;
}

/**
 * The event or point next to a time.
 * @param {import('../types.js').SeriesManifest} manifest
 * @param {(start: number, end: number, maxPoints: number) => Promise<Points>} getPoints
 * @param {number} shift view time = the series' own time + shift
 * @param {number} time view time, which is compared, since differences are rounded
 * @param {1 | -1} direction
 * @param {number | null} channel index of that whose events are meant; null: any
 * @returns {Promise<number | null>} view time
 */
export async function nextPoint({ segments }, getPoints, shift, time, direction, channel = null) {
  if (!segments.length) return null;
  const first = segments[0].start_time;
  const last = segments.reduce((most, segment) => Math.max(most, segment.end_time), first);
  const count = segments.reduce((sum, segment) => sum + segment.num_samples, 0);
  const firstWidth = Math.max(((last - first) * POINTS) / 4 / Math.max(count, 1), 1e-6);
  let width = firstWidth;
  let near = direction > 0 ? Math.max(time - shift, first) : Math.min(time - shift, last);
  for (let step = 0; step < MOST_STEPS; step += 1) {
    if (direction > 0 ? near > last : near < first) return null;
    const far = near + direction * width;
    const [low, high] = direction > 0 ? [near, far] : [far, near];
    const { times, channels, edges, counts, approximate } = await getPoints(low, high, POINTS);
    if (times) {
      const meant = channel === null ? times : times.filter((_, index) => channels?.[index] === channel);
      const found = nearest(
        Array.from(meant, (each) => each + shift),
        time,
        direction,
      );
      if (found !== null) return found;
      near = far;
      width *= 4;
      continue;
    }
    if (!edges || !counts) return null;
    const perBin = counts.length / POINTS;
    const order = Array.from({ length: POINTS }, (_, bin) => (direction > 0 ? bin : POINTS - 1 - bin));
    const filled = order.find((bin) => {
      if (channel !== null) return counts[bin * perBin + channel] > 0;
      return counts.subarray(bin * perBin, (bin + 1) * perBin).some((each) => each > 0);
    });
    if (filled === undefined) {
      near = far;
      // Of one channel among many there may be none for long.
      if (channel !== null) width *= 4;
      continue;
    }
    // What was counted in whole stored bins may lie a little beside its bin, also in the stretch before.
    const spare = approximate ? edges[filled + 1] - edges[filled] : 0;
    near = direction > 0 ? edges[filled] - spare : edges[filled + 1] + spare;
    width = edges[filled + 1] - edges[filled] + 2 * spare;
    const instant = 1e-9 * Math.max(Math.abs(near), 1);
    if (width > instant) continue;
    // So many at one time that they never become few: their end, unless the search began there.
    near += direction * width;
    if ((near + shift - time) * direction > 3 * instant) return near + shift;
    width = firstWidth;
  }
  throw new Error('The search took too long: go nearer to what is looked for.');
}
