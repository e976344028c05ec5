// What fetching an address gives: the file of that path below the page's folder, or the stretch of it that is asked for.
function embeddedAnswer(files, address, options) {
  const path = /(?:export\.json|sha1\/..\/..\/..\/[0-9a-f]{40})$/.exec(String(address).split(/[?#]/)[0]);
  const file = path && files.get(path[0]);
  const range = /^bytes=(\d+)-(\d+)$/.exec(options?.headers?.Range ?? '');
  if (!file) return new Response(null, { status: 404 });
  if (!range) return new Response(file);
  return new Response(file.slice(Number(range[1]), Number(range[2]) + 1), { status: 206 });
}
