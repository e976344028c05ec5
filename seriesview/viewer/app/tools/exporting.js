/** @file Samples as files: CSV text and NumPy arrays. */

/** @typedef {import('../../types.js').Channel} Channel */
/** @typedef {{times: Float64Array, values: Float64Array, channels: Channel[]}} Samples values (n, channels) */

/**
 * A cell of CSV, quoted where it must be. A text that a spreadsheet would run as a formula gets an apostrophe.
 * @param {string} text
 * @returns {string}
 */
export function csvCell(text) {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

/** @param {string} label @param {string | undefined} unit @returns {string} label [unit] */
export function withUnit(label, unit) {
  return unit ? `${label} [${unit}]` : label;
}

/**
 * CSV in pieces of some thousand values, so that a page can breathe between them. Numbers have as many digits as it
 * takes to read the same float64 back.
 * @param {Samples} samples
 * @param {string} unit of channels that have none of their own
 * @returns {Generator<string>}
 */
export function* csvPieces(samples, unit) {
  const width = samples.channels.length;
  const heads = samples.channels.map((one) => csvCell(withUnit(one.label, one.unit ?? unit)));
  yield `${['time [s]', ...heads].join()}\r\n`;
  const rows = Math.max(1, Math.floor(10000 / (width + 1)));
  for (let first = 0; first < samples.times.length; first += rows) {
    let text = '';
    for (let row = first; row < Math.min(first + rows, samples.times.length); row++) {
      text += samples.times[row];
      for (let column = 0; column < width; column++) text += `,${samples.values[row * width + column]}`;
      text += '\r\n';
    }
    yield text;
  }
}

/**
 * A NumPy file (format 1.0): float64, C order, shape (n, 1 + channels), the time in the first column.
 * @param {Samples} samples
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function npyFile(samples) {
  const rows = samples.times.length;
  const width = samples.channels.length;
  const dict = `{'descr': '<f8', 'fortran_order': False, 'shape': (${rows}, ${width + 1}), }`;
  const headerLength = Math.ceil((10 + dict.length + 1) / 64) * 64;
  const file = new ArrayBuffer(headerLength + rows * (width + 1) * 8);
  const bytes = new Uint8Array(file);
  const header = `\x93NUMPY\x01\x00${'\0\0'}${dict.padEnd(headerLength - 11)}\n`;
  for (let at = 0; at < headerLength; at++) bytes[at] = header.charCodeAt(at);
  new DataView(file).setUint16(8, headerLength - 10, true);
  const table = new Float64Array(file, headerLength);
  for (let row = 0; row < rows; row++) {
    table[row * (width + 1)] = samples.times[row];
    table.set(samples.values.subarray(row * width, (row + 1) * width), row * (width + 1) + 1);
  }
  return bytes;
}

/**
 * A file name that every system takes.
 * @param {string[]} parts
 * @param {string} ending without the dot
 * @returns {string}
 */
export function fileName(parts, ending) {
  const clean = parts.map((part) => part.normalize('NFC').replace(/[^\p{L}\p{N}.+-]+/gu, '_'));
  const name = clean
    .map((part) => part.replace(/^[._]+|[._]+$/g, ''))
    .filter(Boolean)
    .join('_')
    .slice(0, 120);
  return `${/^(con|prn|aux|nul|com\d|lpt\d)?$/i.test(name.split('.')[0]) ? `seriesview_${name}` : name}.${ending}`;
}
