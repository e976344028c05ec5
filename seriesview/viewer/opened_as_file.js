// A plain script, because browsers run no modules from file://.
if (location.protocol === 'file:' && !('seriesviewEmbedded' in globalThis)) {
  const lines = [
    'Browsers let no page that is opened as a file read other files. Serve this folder, and open the address that is printed:',
    'python3 serve.py',
    'or, if there is no serve.py here:',
    'python3 -m http.server',
  ];
  const main = document.getElementById('viewer');
  main?.removeAttribute('aria-busy');
  main?.replaceChildren(
    ...lines.map((line, index) => {
      const element = document.createElement(index % 2 ? 'pre' : 'p');
      element.className = 'opening';
      element.textContent = line;
      return element;
    }),
  );
}
