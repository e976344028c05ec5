/** @file Errors with codes (docs/tasks.md), as the node sends them and as the view is told of them. */

const CODED = /^\[([a-z]+(?:-[a-z0-9]+)+)(?: [a-z0-9_]+=[\w.-]+)*\] /;

/** An error whose code says what is wrong. */
export class CodedError extends Error {
  /**
   * @param {string} message for the user
   * @param {string} [code]
   */
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

/**
 * What a message of a task says.
 * @param {string} [text] its code, where it has one, stands first, in brackets
 * @returns {CodedError}
 */
export function errorOf(text = '') {
  const found = CODED.exec(text);
  return found ? new CodedError(text.slice(found[0].length), found[1]) : new CodedError(text);
}

/** @param {unknown} error @returns {string} for the user */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/** @param {unknown} error @returns {string} as the view is told of it */
export function codedMessageOf(error) {
  const { code } = /** @type {any} */ (error ?? {});
  return typeof code === 'string' ? `[${code}] ${messageOf(error)}` : messageOf(error);
}
