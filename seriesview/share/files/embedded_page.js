// Before the viewer in a single file: what it fetches lies in the page itself.
{
  // No Blobs: WebKit lets no worker of a page that was opened as a file read them.
  /** @type {Map<string, ArrayBuffer>} */
  const files = new Map();
  const workers = new Map();
  for (const element of document.querySelectorAll('script[data-path]')) {
    const { path, kind } = element.dataset;
    const text = element.textContent;
    if (kind === 'worker') {
      workers.set(path, URL.createObjectURL(new Blob([text], { type: 'text/javascript' })));
    } else {
      const letters = atob(text);
      const bytes = new Uint8Array(letters.length);
      for (let i = 0; i < letters.length; i += 1) bytes[i] = letters.charCodeAt(i);
      files.set(path, bytes.buffer);
    }
    element.remove();
  }
  globalThis.fetch = async (address, options) => embeddedAnswer(files, address, options);
  globalThis.seriesviewEmbedded = {
    startWorker(path) {
      const worker = new Worker(workers.get(path));
      worker.postMessage(files);
      return worker;
    },
  };
}
