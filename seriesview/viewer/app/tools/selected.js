/** @file What can be done with a selected span: statistics, and its samples as a file. */

import { numberText } from '../../geometry/digits.js';
import { make } from '../elements.js';
import { activeSteps, filterName } from '../filtering.js';
import { defaultIds } from './channel_order.js';
import { button, download, inWords, showDialog } from './dialog.js';
import { csvCell, csvPieces, fileName, npyFile } from './exporting.js';
import { spectrumCsv, spectrumPicture } from './spectrum.js';
import { exactText } from './times.js';
import { MORE_FOR_MEANS, precisionOfChannel, shownUnitOf } from './values.js';

/** @typedef {import('../app.js').App} App */
/** @typedef {import('../app.js').Range} Range */
/**
 * @typedef {object} Sampled
 * @property {string} uri
 * @property {import('../../types.js').PanelSettings['steps']} steps that its samples go through
 * @property {import('../../types.js').SeriesManifest} manifest after them
 * @property {string} label
 * @property {string} unit
 * @property {string[]} channels ids
 * @property {boolean} isEvents
 * @property {PanelHost} host
 */
/** @typedef {import('../app.js').PanelHost} PanelHost */

/** Values that one file holds at most: 40 MB of .npy. */
const MOST_VALUES = 5e6;
const NUMBERS = /** @type {const} */ (['count', 'mean', 'rms', 'std', 'min', 'max']);
const HEAD = ['Channel', 'Unit', 'Count', 'Mean', 'RMS', 'Std', 'Min', 'Max'];
const CSV = 'text/csv;charset=utf-8';

/** @param {App} app @returns {Sampled[]} the visible panels with samples or events, each series once */
function sampled(app) {
  /** @type {Map<string, Sampled>} */
  const found = new Map();
  for (const host of app.panels()) {
    const { seriesUri: uri, label } = host.panel;
    const manifest = host.manifest();
    const { hidden, channels, ...settings } = host.settings();
    const steps = activeSteps(settings);
    const key = `${uri} ${steps ? JSON.stringify(steps) : ''}`;
    if (!uri || !manifest || hidden || found.has(key) || manifest.type === 'interval') continue;
    const isEvents = manifest.type === 'event';
    const there = new Set(manifest.channels.map(({ id }) => id));
    const chosen = channels?.filter((id) => there.has(id));
    const ids = chosen?.length ? chosen : defaultIds(host.panel, manifest);
    const name = [label || manifest.label, filterName(steps)].filter(Boolean).join(': ');
    found.set(key, { uri, steps, manifest, label: name, unit: manifest.unit, channels: ids, isEvents, host });
  }
  return [...found.values()];
}

/** @param {App} app @param {Range} range @param {string} between @returns {string} */
function rangeText(app, range, between) {
  return exactText(app, range.start) + between + exactText(app, range.end);
}

/**
 * One row of the table, in the unit in which the panel shows the channel.
 * @param {import('../../types.js').StatisticsRow} row
 * @param {PanelHost} host
 * @param {import('../../types.js').SeriesManifest} manifest
 * @returns {string[]} as HEAD says, without the channel
 */
function rowTexts(row, host, manifest) {
  const precision = precisionOfChannel(manifest, row.id);
  const { unit, factor } = shownUnitOf(host, row.id, row.unit);
  const values = [row.mean, row.rms, row.std].map((value) => numberText(value, precision, factor, MORE_FOR_MEANS));
  return [
    unit,
    String(row.count),
    ...values,
    ...[row.min, row.max].map((value) => numberText(value, precision, factor)),
  ];
}

/** @param {App} app @param {Range} range */
export async function showStatistics(app, range) {
  const all = sampled(app).filter(({ isEvents }) => !isEvents);
  const status = make('p', { role: 'status' }, 'Reading\u2026');
  const body = make('div', { className: 'tools-tables', tabIndex: 0, role: 'region', 'aria-label': 'Tables' });
  let csv = '';
  const name = fileName(['statistics', rangeText(app, range, '-')], 'csv');
  const save = button('Save as CSV', () => download(name, [csv], CSV), { disabled: true });
  const content = [make('p', {}, rangeText(app, range, ' to ')), status, body, save];
  showDialog('Statistics of the selection', content, 'tools-large');
  for (const { uri, steps, manifest, label, channels, host } of all) {
    try {
      /** @type {import('../../types.js').StatisticsRow[]} */
      const rows = await app.ask({
        name: 'statistics',
        seriesUri: uri,
        startTime: range.start,
        endTime: range.end,
        channels,
        steps,
      });
      csv += `${['panel', 'channel', 'unit', ...NUMBERS].join()}\r\n`;
      const lines = rows.map((row) => {
        const names = [label, row.label, row.unit].map(csvCell);
        csv += `${[...names, ...NUMBERS.map((key) => row[key] ?? '')].join()}\r\n`;
        const cells = rowTexts(row, host, manifest).map((text) => make('td', {}, text));
        return make('tr', {}, make('th', { scope: 'row' }, row.label), ...cells);
      });
      if (rows[0]?.isRounded) body.append(make('p', {}, `${label} has no raw samples: whole stored bins are counted.`));
      const head = HEAD.map((text) => make('th', { scope: 'col' }, text));
      body.append(
        make(
          'table',
          {},
          make('caption', {}, label),
          make('thead', {}, make('tr', {}, ...head)),
          make('tbody', {}, ...lines),
        ),
      );
    } catch (error) {
      body.append(make('p', { role: 'alert' }, `${label}: ${inWords(error)}`));
    }
  }
  save.disabled = !csv;
  for (const each of all) body.append(...(await spectrumOf(app, range, each)));
  status.textContent = all.length ? '' : 'No panel that is shown has samples.';
}

/**
 * The power spectrum of what a panel shows, where it can have one; or why it is not there.
 * @param {App} app
 * @param {Range} range
 * @param {Sampled} shown
 * @returns {Promise<HTMLElement[]>}
 */
async function spectrumOf(app, { start, end }, { uri, steps, manifest, label, channels, host }) {
  if (manifest.type !== 'continuous' || !manifest.sampling_frequency || manifest.hasMeans) return [];
  try {
    /** @type {import('../../types.js').Spectrum} */
    const found = await app.ask({ name: 'spectrum', seriesUri: uri, startTime: start, endTime: end, channels, steps });
    const colors = found.channels.map(({ id }) => host.painted?.lanes.find((lane) => lane.id === id)?.color);
    const unit = found.channels[0]?.unit ?? manifest.unit;
    const name = fileName([label, 'spectrum', rangeText(app, { start, end }, '-')], 'csv');
    const save = button('Save the spectrum as CSV', () => download(name, [spectrumCsv(found, csvCell)], CSV));
    return [spectrumPicture(found, colors, unit, label), save];
  } catch (error) {
    return [make('p', {}, `${label}: no spectrum: ${inWords(error)}`)];
  }
}

/** @param {App} app @param {Range} range */
export function showExport(app, range) {
  const all = sampled(app);
  const { sessionStart } = app.timeline();
  const which = make(
    'select',
    { 'aria-label': 'Series' },
    ...all.map((one, value) =>
      make('option', { value }, `${one.label} (${one.isEvents ? 'events' : `channels: ${one.channels.length}`})`),
    ),
  );
  const format = make(
    'select',
    { 'aria-label': 'Format' },
    make('option', { value: 'csv' }, 'CSV'),
    make('option', { value: 'npy' }, 'NumPy (.npy)'),
  );
  const status = make('p', { role: 'status' }, all.length ? '' : 'No panel that is shown has samples or events.');
  const save = button(
    'Save',
    async () => {
      if (save.getAttribute('aria-disabled')) return;
      save.setAttribute('aria-disabled', 'true');
      status.textContent = 'Reading\u2026';
      const problem = await exportSamples(app, range, all[Number(which.value)], format.value).then(() => '', inWords);
      status.textContent = problem || 'The file was given to the browser to save.';
      save.removeAttribute('aria-disabled');
    },
    { disabled: !all.length },
  );
  showDialog('Export the selection', [
    make('p', {}, rangeText(app, range, ' to ')),
    make('p', { className: 'tools-row' }, which, format, save),
    status,
    make(
      'p',
      {},
      `The first column is the time in seconds${sessionStart ? ` after ${sessionStart}` : ''};` +
        ' the others are the channels that the panel shows, in its order, in physical units, without gain or offset.' +
        ' Of events the second column is the number of their channel.',
    ),
    make(
      'p',
      {},
      'CSV begins with a line of labels and units. NumPy: one float64 array of shape' +
        ` (samples, 1 + channels). At most ${MOST_VALUES.toLocaleString('en')} values.`,
    ),
  ]);
}

/** @param {App} app @param {Range} range @param {Sampled} series @param {string} format csv or npy */
async function exportSamples(app, { start, end }, { uri, steps, label, unit, channels }, format) {
  /** @type {import('./exporting.js').Samples} */
  const samples = await app.ask({
    name: 'samples',
    seriesUri: uri,
    startTime: start,
    endTime: end,
    channels,
    steps,
    maxValues: MOST_VALUES,
  });
  if (!samples.times.length) throw new Error('There is nothing in the selection.');
  const name = fileName([label, rangeText(app, { start, end }, '-')], format);
  if (format === 'npy') return download(name, [npyFile(samples)], 'application/octet-stream');
  const pieces = [];
  for (const piece of csvPieces(samples, unit)) {
    pieces.push(piece);
    await new Promise((resolve) => {
      setTimeout(resolve, 0);
    });
  }
  download(name, pieces, CSV);
}
