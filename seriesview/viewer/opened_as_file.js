// A plain script, because browsers run no modules from file://, nor in a frame that is kept from the page's own origin.
if (!('seriesviewEmbedded' in globalThis) && (location.protocol === 'file:' || globalThis.origin === 'null')) {
  const lines =
    location.protocol === 'file:'
      ? [
          'Browsers let no page that is opened as a file read other files. Serve this folder, and open the address that is printed:',
          'python3 serve.py',
          'or, if there is no serve.py here:',
          'python3 -m http.server',
        ]
      : [
          'The page around this one shows it in a frame that is kept from its own files. Whoever made that page can mend it:',
          '<iframe sandbox="allow-scripts allow-same-origin allow-downloads" ...>',
          'or show a single file in the frame as it is, which holds all that it needs:',
          'seriesview export WORKSPACE --single-file FILE.html',
          'Or open this page by itself:',
          location.href,
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
