/** @file Dialogs, and files to save. */

import { make } from '../elements.js';

/** @param {string} text @param {() => void} onclick @param {Record<string, any>} [more] @returns {HTMLButtonElement} */
export function button(text, onclick, more = {}) {
  return make('button', { type: 'button', onclick, ...more }, text);
}

/**
 * Shows a modal dialog: the browser keeps the focus in it, closes it on Escape and gives the focus back.
 * @param {string} title
 * @param {(Node | string)[]} content
 * @param {string} [className]
 * @returns {HTMLDialogElement}
 */
export function showDialog(title, content, className = '') {
  const before = document.activeElement;
  const heading = make('h2', { id: 'tools-dialog-title' }, title);
  const close = button('\u00d7', () => dialog.close(), { 'aria-label': 'Close', className: 'tools-close' });
  const dialog = make(
    'dialog',
    {
      className: `tools-dialog ${className}`,
      'aria-labelledby': heading.id,
      onclose: () => {
        dialog.remove();
        removeEventListener('keydown', keep, true);
        if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
      },
      // A click beside the dialog closes it.
      onpointerdown: (/** @type {PointerEvent} */ event) => {
        const box = dialog.getBoundingClientRect();
        const { clientX: x, clientY: y } = event;
        if (event.target !== dialog || (x >= box.left && x <= box.right && y >= box.top && y <= box.bottom)) return;
        dialog.close();
      },
      onkeydown: (/** @type {KeyboardEvent} */ event) => event.stopPropagation(),
    },
    make('header', {}, heading, close),
    ...content,
  );
  document.querySelectorAll('dialog.tools-dialog').forEach((other) => /** @type {HTMLDialogElement} */ (other).close());
  // Keys are not for the panels, not even while nothing here has the focus.
  const keep = (/** @type {KeyboardEvent} */ event) => {
    if (dialog.open && !dialog.contains(/** @type {Node} */ (event.target))) event.stopPropagation();
  };
  addEventListener('keydown', keep, true);
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Gives a file to the browser to save.
 * @param {string} name
 * @param {BlobPart[]} parts
 * @param {string} type
 */
export function download(name, parts, type) {
  const address = URL.createObjectURL(new Blob(parts, { type }));
  const link = make('a', { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

/** @param {unknown} error @returns {string} */
export function inWords(error) {
  return error instanceof Error ? error.message : String(error);
}
