/** @file The link to what is shown, and how to make one that works elsewhere. */

import { make } from '../elements.js';
import { button, showDialog } from './dialog.js';

/** @typedef {import('../app.js').App} App */

/**
 * Puts a text on the clipboard, also where the page is no secure context.
 * @param {string} text
 * @returns {Promise<boolean>} whether it is there
 */
async function copy(text) {
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    /* Not permitted here: the other way. */
  }
  const before = document.activeElement;
  const field = make('textarea', { value: text, readOnly: true, className: 'tools-unseen' });
  (document.querySelector('dialog[open]') ?? document.body).append(field);
  field.select();
  let isCopied = false;
  try {
    isCopied = document.execCommand('copy');
  } catch {
    /* Shown to be copied by hand. */
  }
  field.remove();
  if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  return isCopied;
}

/** @param {App} app @returns {Promise<void>} */
export async function copyLink(app) {
  // What was changed just now is in the link a moment later.
  await new Promise((resolve) => {
    setTimeout(resolve, 400);
  });
  const link = app.connection.link();
  const note = app.connection.linkNote();
  const isCopied = link !== '' && (await copy(link));
  if (isCopied && !note) {
    app.announce('The link to this picture is copied.');
    return;
  }
  const byHand = 'Copy the link by hand: Ctrl+C.';
  const result = make('p', { role: 'status' }, isCopied ? 'The link is copied.' : byHand);
  if (!link) result.textContent = 'The address bar of this page holds the link: copy it from there.';
  const field = make('input', { readOnly: true, value: link, 'aria-label': 'Link to this picture', hidden: !link });
  field.addEventListener('focus', () => field.select());
  const again = button(
    'Copy',
    async () => {
      result.textContent = (await copy(link)) ? 'The link is copied.' : byHand;
      field.focus();
    },
    { hidden: !link },
  );
  const row = make('p', { className: 'tools-row' }, field, again);
  showDialog('Link to this picture', [result, row, ...(note ? [make('p', {}, note)] : [])]);
  field.focus();
}
