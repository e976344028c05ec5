/** What figurl parents of all generations have in common. */

/** What tests look at. */
export const record = { requests: [], refused: [], failed: [], states: [] };
globalThis.record = record;

export const isText = (value) => typeof value === 'string';
export const isObject = (value) => typeof value === 'object' && value !== null;
export const parsed = (buffer) => JSON.parse(new TextDecoder().decode(buffer));

/** Whether an object has these fields, each as wanted, and no other. */
export function fits(value, fields) {
  return (
    isObject(value) &&
    Object.keys(value).every((key) => key in fields) &&
    Object.entries(fields).every(([key, check]) => check(value[key]))
  );
}

/** The bytes [startByte, endByte) of an artifact of a store. */
export async function bytesOf(storage, uri, startByte, endByte) {
  const hash = /^sha1:\/\/([0-9a-f]{40})/.exec(uri)?.[1];
  if (!hash) throw new Error(`cannot load ${uri}`);
  const address = `${storage}/sha1/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash.slice(4, 6)}/${hash}`;
  const headers = startByte === undefined ? {} : { Range: `bytes=${startByte}-${endByte - 1}` };
  const response = await fetch(address, { headers });
  if (!response.ok) throw new Error(`file not found: ${uri}`);
  return response.arrayBuffer();
}

/** Hear the view's requests: those with one field too many, or of an unknown type, are recorded and not answered. */
export function listenTo(iframe, view, figureId, fieldsByType, hear) {
  window.addEventListener('message', (event) => {
    if (event.source !== iframe.contentWindow) return;
    const message = event.data;
    const isEnvelope = fits(message, {
      type: (value) => value === 'figurlRequest',
      figureId: (value) => value === figureId,
      requestId: isText,
      request: isObject,
    });
    const fields = isEnvelope ? fieldsByType[message.request.type] : undefined;
    if (event.origin !== view.origin || !fields || !fits(message.request, { type: isText, ...fields })) {
      record.refused.push(message);
      return;
    }
    record.requests.push(message.request);
    hear(message.request, (response, target) => {
      iframe.contentWindow.postMessage({ type: 'figurlResponse', requestId: message.requestId, response }, target);
    });
  });
}
