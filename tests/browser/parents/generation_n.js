/**
 * Plays a figurl parent of generation N (figurl3-gui): no tasks, files by byte range, strict about every message.
 * Address: ?view=ADDRESS&data=URI&storage=ADDRESS&how=query|message&s=STATE
 */
import { bytesOf, isObject, isText, listenTo, parsed, record } from './playing.js';

const parameters = new URLSearchParams(location.search);
const view = new URL(parameters.get('view'));
const storage = parameters.get('storage');
const figureId = 'abcdefghij';
const iframe = document.getElementById('view');
const isMaybeText = (value) => value === undefined || isText(value);
const isMaybeNumber = (value) => value === undefined || typeof value === 'number';
const FIELDS = {
  getFigureData: { figurlProtocolVersion: isMaybeText },
  getFileData: {
    uri: isText,
    responseType: isMaybeText,
    startByte: isMaybeNumber,
    endByte: isMaybeNumber,
    figurlProtocolVersion: isMaybeText,
  },
  getFileDataUrl: { uri: isText, figurlProtocolVersion: isMaybeText },
  setUrlState: { state: isObject },
};

async function answerTo(request) {
  const { type, uri, startByte, endByte, responseType } = request;
  if (type === 'getFigureData') return { type, figureData: parsed(await bytesOf(storage, parameters.get('data'))) };
  if (type === 'setUrlState') {
    record.states.push(request.state);
    const address = new URL(location.href);
    address.searchParams.set('s', JSON.stringify(request.state));
    history.replaceState(null, '', address);
    setTimeout(() => iframe.contentWindow.postMessage({ type: 'reportUrlStateChange', state: request.state }, '*'));
    return { type };
  }
  try {
    if (type === 'getFileDataUrl') throw new Error('no addresses here');
    if (startByte !== undefined && !['text', 'binary'].includes(responseType)) throw new Error('a range of what?');
    const buffer = await bytesOf(storage, uri, startByte, endByte);
    if (responseType === 'binary') return { type, fileData: buffer };
    return { type, fileData: responseType === 'text' ? new TextDecoder().decode(buffer) : parsed(buffer) };
  } catch (error) {
    return { type, errorMessage: error.message };
  }
}

listenTo(iframe, view, figureId, FIELDS, async (request, answer) => answer(await answerTo(request), '*'));

const state = parameters.get('s');
if (parameters.get('how') === 'message') {
  iframe.src = view.href;
  const message = { type: 'initializeFigure', parentOrigin: location.origin, figureId };
  if (state) message.s = state;
  const repeat = () => {
    if (record.requests.length) return;
    iframe.contentWindow.postMessage(message, '*');
    setTimeout(repeat, 50);
  };
  iframe.addEventListener('load', repeat);
} else {
  // As figurl writes it: parentOrigin is not percent-encoded.
  const more = state ? `&s=${encodeURIComponent(state)}` : '';
  iframe.src = `${view.href}?parentOrigin=${location.origin}&figureId=${figureId}${more}`;
}
iframe.addEventListener('load', () => {
  iframe.contentWindow.postMessage({ type: 'setCurrentUser', userId: undefined, googleIdToken: undefined }, '*');
});
