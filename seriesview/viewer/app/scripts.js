/** @file What scripts of the page find: globalThis.seriesview. */

/**
 * @param {import('./contract.js').App} app
 * @param {() => import('./panel_host.js').PanelHost[]} hosts
 * @param {(resolve: () => void, reject: (error: Error) => void) => void} whenSettled
 */
export function offerToScripts(app, hosts, whenSettled) {
  const { state, frame, timeline, figure, update } = app;
  const panels = () => hosts().map(({ key, panel, canvas, painted }) => ({ key, type: panel.type, canvas, painted }));
  const settled = () => new Promise((resolve, reject) => whenSettled(() => resolve(undefined), reject));
  Object.assign(globalThis, { seriesview: { state, frame, timeline, figure, setState: update, settled, panels } });
}
