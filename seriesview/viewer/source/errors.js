/** @file What goes wrong while data are read. */

/** @typedef {'missing' | 'damaged' | 'backend' | 'refused' | 'network'} ErrorKind */

/** A fault in words for the user: what, where, what to do. */
export class SourceError extends Error {
  /**
   * @param {ErrorKind} kind missing: not there; damaged: not what its name or the format says; backend: none answers;
   *   refused: it may not or cannot be read here; network: the connection failed
   * @param {string} message
   */
  constructor(kind, message) {
    super(message);
    this.name = 'SourceError';
    this.kind = kind;
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
  return new SourceError(kind, prefix + text.slice(0, 1000));
}
