/** @file What goes wrong while data are read. */

/** @typedef {'missing' | 'damaged' | 'backend' | 'refused' | 'network'} ErrorKind */
/** @typedef {{code?: string, sha1?: string}} Facts a code of docs/tasks.md, and the artifact that it is about */

const CODES = {
  missing: 'artifact-missing',
  damaged: 'artifact-damaged',
  backend: 'no-backend',
  refused: 'task-failed',
  network: 'no-network',
};
const CODED = /^\[([a-z]+(?:-[a-z0-9]+)+)((?: [a-z0-9_]+=[\w.-]+)*)\] /;

/** A fault in words for the user: what, where, what to do. Programs read its code. */
export class SourceError extends Error {
  /**
   * @param {ErrorKind} kind missing: not there; damaged: not what its name or the format says; backend: none answers;
   *   refused: it may not or cannot be read here; network: the connection failed
   * @param {string} message
   * @param {Facts} [facts]
   */
  constructor(kind, message, { code, sha1 } = {}) {
    super(message);
    this.name = 'SourceError';
    this.kind = kind;
    this.code = code ?? CODES[kind];
    this.sha1 = sha1;
  }
}

/**
 * The fault itself, or whatever was thrown as one of this kind.
 * @param {unknown} cause
 * @param {ErrorKind} kind
 * @param {string} prefix words before what was thrown
 * @returns {SourceError}
 */
export function asSourceError(cause, kind, prefix = '') {
  if (cause instanceof SourceError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new SourceError(kind, prefix + text.slice(0, 1000), factsOf(cause));
}

/**
 * The code of what was thrown, and the artifact that it is about, where it says so.
 * @param {unknown} cause
 * @returns {Facts}
 */
export function factsOf(cause) {
  const { code, sha1 } = /** @type {any} */ (cause ?? {});
  return {
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof sha1 === 'string' ? { sha1 } : {}),
  };
}

/**
 * A message of a backend or a node taken apart: its code, where it has one, its facts, and the sentence for the user.
 * @param {string} text
 * @returns {Facts & {sentence: string}}
 */
export function parseCoded(text) {
  const found = CODED.exec(text);
  if (!found) return { sentence: text };
  const facts = new Map(found[2].split(' ').map((fact) => /** @type {[string, string]} */ (fact.split('='))));
  return { code: found[1], sha1: facts.get('sha1'), sentence: text.slice(found[0].length) };
}
