/** @file What a figure's data say is to be shown: a workspace, a series, or panels of series. */

import { defaultType, refusal, traitsOf } from '../panels/registry.js';
import { SourceError, asSourceError } from './errors.js';
import { checkedUri, parseWorkspace } from './manifests.js';

/** @typedef {import('../types.js').Figure} Figure */
/** @typedef {import('../types.js').Panel} Panel */
/** @typedef {import('../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('../types.js').Source} Source */
/** @typedef {import('./manifests.js').Workspace} Workspace */

/** The figure type of MultiPanelView. */
export const MULTI_PANEL_TYPE = 'seriesview.multipanel-timeseries.2';
const LOADED_AT_ONCE = 8;
/** Series of events over one panel. */
const MOST_OVER = 100;

/**
 * Reads what a figure shows, with the manifests of all series in it. A panel whose series cannot be read or shown says why.
 * @param {Source} source
 * @param {any} figureData a workspace or series manifest, `{workspace: URI}`, or a figure {type, data}
 * @returns {Promise<Figure>}
 */
export async function readFigure(source, figureData) {
  if (typeof figureData === 'string')
    return readFigure(source, await source.readJson(checkedUri(figureData, 'figure')));
  if (!figureData || typeof figureData !== 'object' || Array.isArray(figureData)) throw notShown('no object');
  if (figureData.type === MULTI_PANEL_TYPE) return readPanels(source, figureData.data);
  if (typeof figureData.workspace === 'string') return readWorkspace(source, figureData.workspace);
  if (String(figureData.format ?? '').startsWith('seriesview-workspace/')) {
    // What came from a page around is not checked by its SHA-1; what is read here is.
    if (source.workspaceUri) return readWorkspace(source, source.workspaceUri);
    return fromWorkspace(source, parseWorkspace(figureData), null);
  }
  if (Array.isArray(figureData.segments)) {
    // By its URI a backend can be asked about it.
    if (source.figureUri) return fromSeries(source, source.figureUri);
    const uri = source.adoptSeries?.(figureData);
    if (uri === undefined) throw notShown('a series, which this source does not take');
    return fromSeries(source, uri);
  }
  const data = figureData.data;
  if (data && typeof data === 'object' && figureData.type) {
    if (typeof data.workspace === 'string') return readWorkspace(source, data.workspace);
    if (typeof data.seriesUri === 'string') return fromSeries(source, checkedUri(data.seriesUri, 'figure'));
  }
  throw notShown(`type ${JSON.stringify(figureData.type ?? figureData.format ?? null)}`);
}

/**
 * @param {Source} source
 * @param {string} uri
 * @returns {Promise<Figure>}
 */
async function readWorkspace(source, uri) {
  return fromWorkspace(source, parseWorkspace(await source.readJson(checkedUri(uri, 'workspace'))), uri);
}

/**
 * @param {Source} source
 * @param {Workspace} workspace
 * @param {string | null} workspaceUri
 * @param {string[]} [waiting] names of series that are still to be built
 * @returns {Promise<Figure>}
 */
export async function fromWorkspace(source, workspace, workspaceUri, waiting = []) {
  const uris = new Map(workspace.series.map((entry) => [entry.name, entry.uri]));
  const reasons = new Map(workspace.missing.map((entry) => [entry.name, entry.error]));
  const { series, errors } = await loadSeries(source, [...uris.values()]);
  const views = workspace.views.map((view) => ({
    label: view.label,
    ...(view.page === undefined ? {} : { page: view.page }),
    ...(view.times === undefined ? {} : { times: view.times }),
    panels: view.panels.map((panel, index) => {
      const uri = uris.get(panel.series) ?? null;
      const absent = reasons.get(panel.series) ?? 'no such series';
      const why = waiting.includes(panel.series)
        ? 'This is seen when it is built.'
        : `"${panel.series}" was not built: ${absent}`;
      const error = uri === null ? why : errors.get(uri);
      const over = namesOver(panel.data).map((name) => {
        const reason = waiting.includes(name) ? 'it is still to be built' : reasons.get(name);
        return { name, uri: uris.get(name), why: reason };
      });
      return makePanel(index, panel.type, panel.label, uri, series, error, panel.data, over);
    }),
  }));
  if (!views.length) views.push({ label: workspace.label, panels: defaultPanels([...uris], series, errors) });
  /** @type {Record<string, string>} */
  const seriesNames = {};
  for (const [name, uri] of uris) seriesNames[uri] ??= name;
  return figureOf(workspace.label, workspaceUri, views, series, seriesNames);
}

/**
 * @param {Source} source
 * @param {any} data {panels: [{type, label, data: {seriesUri, ...}}]}
 * @returns {Promise<Figure>}
 */
async function readPanels(source, data) {
  if (!Array.isArray(data?.panels)) throw notShown('without panels');
  const entries = data.panels.slice(0, 1000);
  const uris = entries.map((/** @type {any} */ panel) => checkedUri(panel?.data?.seriesUri, 'panel'));
  const under = entries.flatMap((/** @type {any} */ panel) =>
    namesOver(panel.data).map((uri) => checkedUri(uri, 'panel')),
  );
  const { series, errors } = await loadSeries(source, [...uris, ...under]);
  const panels = entries.map((/** @type {any} */ panel, /** @type {number} */ index) => {
    const { type, label, data: inner } = panel;
    const over = namesOver(inner).map((name) => ({ name, uri: name }));
    const named = String(label ?? '');
    return makePanel(index, String(type), named, uris[index], series, errors.get(uris[index]), inner, over);
  });
  const label = typeof data.label === 'string' ? data.label : '';
  return figureOf(label, null, [{ label, panels }], series, {});
}

/**
 * @param {Source} source
 * @param {string} uri
 * @returns {Promise<Figure>}
 */
async function fromSeries(source, uri) {
  const manifest = await source.getSeries(uri);
  const series = { [uri]: manifest };
  const panels = defaultPanels([[manifest.label || 'Series', uri]], series, new Map());
  return figureOf(manifest.label, null, [{ label: manifest.label, panels }], series, {});
}

/**
 * Manifests by URI, and in words why others could not be read; rejects where none of several can be read.
 * @param {Source} source
 * @param {string[]} uris
 * @returns {Promise<{series: Record<string, SeriesManifest>, errors: Map<string, string>}>}
 */
async function loadSeries(source, uris) {
  /** @type {Record<string, SeriesManifest>} */
  const series = {};
  /** @type {Map<string, string>} */
  const errors = new Map();
  /** @type {SourceError | null} */
  let fault = null;
  const waiting = [...new Set(uris)];
  const load = async () => {
    for (let uri = waiting.shift(); uri !== undefined; uri = waiting.shift()) {
      try {
        series[uri] = await source.getSeries(uri);
      } catch (cause) {
        fault = asSourceError(cause, 'damaged');
        errors.set(uri, fault.message);
      }
    }
  };
  await Promise.all(Array.from({ length: LOADED_AT_ONCE }, load));
  if (fault && errors.size === new Set(uris).size) throw fault;
  return { series, errors };
}

/**
 * @param {number} index
 * @param {string} type
 * @param {string} label
 * @param {string | null} uri
 * @param {Record<string, SeriesManifest>} series
 * @param {string | undefined} error
 * @param {Record<string, unknown>} [data]
 * @param {{name: string, uri?: string, why?: string}[]} [over] series that are to be drawn over it
 * @returns {Panel}
 */
function makePanel(index, type, label, uri, series, error, data, over = []) {
  const manifest = uri === null ? undefined : series[uri];
  /** @type {Panel} */
  const panel = {
    key: String(index),
    type,
    label,
    seriesUri: manifest ? uri : null,
    traits: traitsOf(type, manifest, data),
  };
  const why = manifest ? refusal(type, manifest) : (error ?? 'its series is missing');
  if (why) panel.error = why;
  if (data) panel.data = data;
  for (const { name, uri: upper = '', why: absent } of over) {
    if (series[upper]?.events) (panel.over ??= []).push(upper);
    else
      (panel.overNotes ??= []).push(
        `"${series[upper]?.label ?? name}" is not drawn over it: ${notOver(series[upper], absent)}`,
      );
  }
  return panel;
}

/** @param {Record<string, unknown>} [data] of a panel @returns {string[]} what is to be drawn over it */
function namesOver(data) {
  return Array.isArray(data?.over) ? data.over.filter((name) => typeof name === 'string').slice(0, MOST_OVER) : [];
}

/** @param {SeriesManifest | undefined} manifest @param {string} [why] @returns {string} */
function notOver(manifest, why = 'it is not there') {
  return manifest ? 'it holds no stored events' : why;
}

/**
 * One panel for each series that has one.
 * @param {[string, string][]} named names and URIs
 * @param {Record<string, SeriesManifest>} series
 * @param {Map<string, string>} errors
 * @returns {Panel[]}
 */
function defaultPanels(named, series, errors) {
  return named
    .filter(([, uri]) => series[uri]?.type !== 'interval')
    .map(([name, uri], index) => {
      const type = defaultType(series[uri]);
      return makePanel(index, type, name, uri, series, errors.get(uri));
    });
}

/**
 * @param {string} label
 * @param {string | null} workspaceUri
 * @param {Figure['views']} views
 * @param {Record<string, SeriesManifest>} series
 * @param {Record<string, string>} seriesNames
 * @returns {Figure}
 */
function figureOf(label, workspaceUri, views, series, seriesNames) {
  const intervalSeries = Object.keys(series).filter((uri) => series[uri].type === 'interval');
  const names = Object.fromEntries(Object.keys(series).map((uri) => [uri, seriesNames[uri] ?? series[uri].label]));
  return { label, workspaceUri, views, series, intervalSeries, seriesNames: names };
}

/** @param {string} what @returns {SourceError} */
function notShown(what) {
  const message = `the figure's data are nothing that this viewer shows (${what}); make the link again with seriesview`;
  return new SourceError('damaged', message);
}
