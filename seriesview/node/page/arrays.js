/** @file Arrays in JSON, as Python writes them, made into nested lists for views that expect those. */

/** @type {Record<string, (bytes: ArrayBuffer) => ArrayLike<number>>} */
const READERS = {
  float32: (bytes) => new Float32Array(bytes),
  float64: (bytes) => new Float64Array(bytes),
  int8: (bytes) => new Int8Array(bytes),
  int16: (bytes) => new Int16Array(bytes),
  int32: (bytes) => new Int32Array(bytes),
  uint8: (bytes) => new Uint8Array(bytes),
  uint16: (bytes) => new Uint16Array(bytes),
  uint32: (bytes) => new Uint32Array(bytes),
};

/**
 * A JSON value with every `{_type: 'ndarray', ...}` in it made into nested lists of numbers.
 * @param {any} value
 * @returns {Promise<any>}
 */
export async function decodeArrays(value) {
  if (Array.isArray(value)) {
    // Long lists of numbers are left as they are.
    if (!value.some((item) => typeof item === 'object')) return value;
    return Promise.all(value.map(decodeArrays));
  }
  if (typeof value !== 'object' || value === null) return value;
  if (value._type === 'ndarray') return nested(await numbersOf(value), value.shape);
  const entries = Object.entries(value).map(async ([name, item]) => [name, await decodeArrays(item)]);
  return Object.fromEntries(await Promise.all(entries));
}

/** @param {any} wrapper @returns {Promise<ArrayLike<number>>} */
async function numbersOf(wrapper) {
  const { dtype, shape } = wrapper;
  const isEncoded = typeof wrapper.data_b64 === 'string';
  const reader = READERS[dtype];
  if (!reader || !Array.isArray(shape)) throw new Error(`An array has the dtype ${dtype}, which is not known here.`);
  const text = atob(isEncoded ? wrapper.data_b64 : wrapper.data_gzip_b64);
  const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  // The name misleads: it is a zlib stream.
  return reader(isEncoded ? bytes.buffer : await inflated(bytes));
}

/** @param {Uint8Array<ArrayBuffer>} bytes a zlib stream @returns {Promise<ArrayBuffer>} */
function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Response(stream).arrayBuffer();
}

/** @param {ArrayLike<number>} numbers in C order @param {number[]} shape @returns {any} */
function nested(numbers, shape) {
  const size = shape.reduce((product, length) => product * length, 1);
  if (size !== numbers.length) throw new Error(`An array of the shape ${shape} has ${numbers.length} values.`);
  let position = 0;
  const build = (/** @type {number} */ axis) => {
    if (axis === shape.length) return numbers[position++];
    /** @type {any[]} */
    const list = new Array(shape[axis]);
    for (let index = 0; index < list.length; index++) list[index] = build(axis + 1);
    return list;
  };
  return build(0);
}
