/** @file What can be done with a selected span: statistics, and its samples as a file. */

import { make } from '../elements.js';
import { button, download, inWords, showDialog } from './dialog.js';
import { csvCell, csvPieces, fileName, npyFile, readable } from './exporting.js';
import { exactText } from './times.js';

/** @typedef {import('../app.js').App} App */
/** @typedef {import('../../types.js').StatisticsRow} StatisticsRow */
/** @typedef {{start: number, end: number}} Range view time, seconds */

/** Values that one file holds at most: 40 MB of .npy. */
const MOST_VALUES = 5e6;
const NUMBERS = /** @type {const} */ (['count', 'mean', 'rms', 'std', 'min', 'max']);

/**
 * The panels with samples, each series once.
 * @param {App} app
 * @returns {{uri: string, label: string, unit: string, channels: string[] | null, width: number}[]}
 */
function sampled(app) {
  const found = app.panels().flatMap((host) => {
    if (host.settings().hidden) return [];
    const uri = host.panel.seriesUri;
    const manifest = uri ? app.figure().series[uri] : null;
    if (!uri || !manifest || manifest.type === 'event' || manifest.type === 'interval') return [];
    const channels = host.settings().channels ?? null;
    const width = channels ? channels.length : manifest.channels.length;
    return [{ uri, label: host.panel.label || manifest.label, unit: manifest.unit, channels, width }];
  });
  return found.filter((one, at) => found.findIndex((other) => other.uri === one.uri) === at);
}

/**
 * @param {App} app
 * @param {Range} range
 * @param {string} between
 * @returns {string}
 */
function spanText(app, range, between) {
  const write = (/** @type {number} */ time) => exactText(app, time);
  return `${write(range.start)}${between}${write(range.end)}`;
}

/**
 * @param {App} app
 * @param {Range} range
 * @returns {Promise<void>}
 */
export async function showStatistics(app, range) {
  const status = make('p', { role: 'status' }, 'Reading\u2026');
  const body = make('div', { className: 'tools-tables', tabIndex: 0, role: 'region', 'aria-label': 'Tables' });
  /** @type {string[]} */
  const lines = [];
  const save = button('Save as CSV', () => {
    download(fileName(['statistics', spanText(app, range, '-')], 'csv'), lines, 'text/csv;charset=utf-8');
  }, { disabled: true });
  showDialog('Statistics of the selection', [make('p', {}, spanText(app, range, ' to ')), status, body, save], 'tools-large');
  const panels = sampled(app);
  for (const { uri, label, channels } of panels) {
    try {
      /** @type {StatisticsRow[]} */
      const rows = await app.ask({
        name: 'statistics', seriesUri: uri, startTime: range.start, endTime: range.end, channels,
      });
      lines.push(['channel', 'unit', ...NUMBERS].join(','), '\r\n');
      for (const row of rows) {
        lines.push([csvCell(row.label), csvCell(row.unit), ...NUMBERS.map((name) => row[name] ?? '')].join(','), '\r\n');
      }
      const head = ['Channel', 'Unit', 'Count', 'Mean', 'RMS', 'Std', 'Min', 'Max'];
      body.append(make('table', {}, make('caption', {}, label),
        make('thead', {}, make('tr', {}, ...head.map((name) => make('th', { scope: 'col' }, name)))),
        make('tbody', {}, ...rows.map((row) => make('tr', {}, make('th', { scope: 'row' }, row.label), make('td', {}, row.unit),
          ...NUMBERS.map((name) => make('td', {}, readable(row[name]))))))));
    } catch (error) {
      body.append(make('p', { role: 'alert' }, `${label}: ${inWords(error)}`));
    }
  }
  save.disabled = !lines.length;
  status.textContent = panels.length ? '' : 'No panel that is shown has samples.';
}

/**
 * @param {App} app
 * @param {Range} range
 * @returns {void}
 */
export function showExport(app, range) {
  const panels = sampled(app);
  const which = make('select', { 'aria-label': 'Series' }, ...panels.map((one, at) => (
    make('option', { value: String(at) }, `${one.label} (${one.width} channel${one.width === 1 ? '' : 's'})`))));
  const format = make('select', { 'aria-label': 'Format' }, make('option', { value: 'csv' }, 'CSV'),
    make('option', { value: 'npy' }, 'NumPy (.npy)'));
  const status = make('p', { role: 'status' }, panels.length ? '' : 'No panel that is shown has samples.');
  const start = button('Save', async () => {
    start.disabled = true;
    status.textContent = 'Reading\u2026';
    try {
      await exportSamples(app, range, panels[Number(which.value)], format.value);
      status.textContent = 'The file was given to the browser to save.';
    } catch (error) {
      status.textContent = inWords(error);
    }
    start.disabled = false;
  }, { disabled: !panels.length });
  const { sessionStart } = app.timeline();
  showDialog('Export the selection', [
    make('p', {}, spanText(app, range, ' to ')),
    make('p', { className: 'tools-row' }, which, format, start), status,
    make('p', {}, 'The first column is the time in seconds', sessionStart ? ` after ${sessionStart}` : ' of the view',
      '; the others are the channels that the panel shows, in its order, in physical units, without gain and offsets.'),
    make('p', {}, 'CSV begins with a line of labels and units. NumPy: one float64 array of shape (samples, 1 + channels).',
      ` At most ${MOST_VALUES.toLocaleString('en')} values.`),
  ]);
}

/**
 * @param {App} app
 * @param {Range} range
 * @param {ReturnType<typeof sampled>[number]} series
 * @param {string} format csv or npy
 * @returns {Promise<void>}
 */
async function exportSamples(app, range, series, format) {
  /** @type {import('./exporting.js').Samples} */
  const samples = await app.ask({
    name: 'samples', seriesUri: series.uri, startTime: range.start, endTime: range.end, channels: series.channels,
    maxValues: MOST_VALUES,
  });
  if (!samples.times.length) throw new Error('There are no samples in the selection.');
  const name = fileName([series.label, spanText(app, range, '-')], format);
  if (format === 'npy') {
    download(name, [npyFile(samples)], 'application/octet-stream');
    return;
  }
  /** @type {string[]} */
  const pieces = [];
  for (const piece of csvPieces(samples, series.unit)) {
    pieces.push(piece);
    await new Promise((resolve) => { setTimeout(resolve, 0); });
  }
  download(name, pieces, 'text/csv;charset=utf-8');
}
