/** @file SHA-1, also where there is no secure context and so no crypto.subtle. */

/**
 * SHA-1 of bytes as 40 hexadecimal digits.
 * @param {ArrayBuffer} bytes
 * @returns {Promise<string>}
 */
export async function sha1(bytes) {
  const subtle = globalThis.crypto?.subtle;
  return hexadecimal(subtle ? new Uint8Array(await subtle.digest('SHA-1', bytes)) : sha1Bytes(new Uint8Array(bytes)));
}

/**
 * @param {Uint8Array} digest
 * @returns {string}
 */
export function hexadecimal(digest) {
  let text = '';
  for (const byte of digest) text += (byte + 256).toString(16).slice(1);
  return text;
}

/**
 * SHA-1 (20 bytes) computed here.
 * @param {Uint8Array} bytes
 * @returns {Uint8Array}
 */
export function sha1Bytes(bytes) {
  const state = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]);
  const words = new Int32Array(80);
  const whole = bytes.length - (bytes.length % 64);
  for (let at = 0; at < whole; at += 64) addBlock(state, words, bytes, at);
  const rest = bytes.length - whole;
  const tail = new Uint8Array(rest < 56 ? 64 : 128);
  tail.set(bytes.subarray(whole));
  tail[rest] = 0x80;
  const view = new DataView(tail.buffer);
  view.setUint32(tail.length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(tail.length - 4, (bytes.length * 8) >>> 0);
  for (let at = 0; at < tail.length; at += 64) addBlock(state, words, tail, at);
  const digest = new DataView(new ArrayBuffer(20));
  state.forEach((word, index) => digest.setInt32(4 * index, word));
  return new Uint8Array(digest.buffer);
}

/**
 * @param {Int32Array} state
 * @param {Int32Array} words
 * @param {Uint8Array} bytes
 * @param {number} at
 */
function addBlock(state, words, bytes, at) {
  for (let i = 0; i < 16; i += 1) {
    const j = at + 4 * i;
    words[i] = (bytes[j] << 24) | (bytes[j + 1] << 16) | (bytes[j + 2] << 8) | bytes[j + 3];
  }
  for (let i = 16; i < 80; i += 1) {
    const mixed = words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16];
    words[i] = (mixed << 1) | (mixed >>> 31);
  }
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  for (let i = 0; i < 80; i += 1) {
    let chosen;
    if (i < 20) chosen = (d ^ (b & (c ^ d))) + 0x5a827999;
    else if (i < 40) chosen = (b ^ c ^ d) + 0x6ed9eba1;
    else if (i < 60) chosen = ((b & c) | (d & (b | c))) + 0x8f1bbcdc;
    else chosen = (b ^ c ^ d) + 0xca62c1d6;
    const next = (((a << 5) | (a >>> 27)) + chosen + e + words[i]) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
}
