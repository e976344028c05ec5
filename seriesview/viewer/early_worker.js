/** @file Starts the worker before anything else is loaded, so that its script comes meanwhile. */

if (location.protocol !== 'file:' && globalThis.origin !== 'null') {
  const worker = new Worker(new URL('./drawing/worker.js', import.meta.url), { type: 'module' });
  // Whoever wants it then starts another one, and hears why that one fails.
  worker.onerror = () => Reflect.deleteProperty(globalThis, 'seriesviewWorker');
  Object.assign(globalThis, { seriesviewWorker: worker });
}

export {};
