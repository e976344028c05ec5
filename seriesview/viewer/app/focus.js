/** @file Keys are for the panels again once a control was used that takes keys itself. */

/** @typedef {import('./app.js').App} App */

/** @param {App} app */
export function giveKeysBack(app) {
  const host = app.activePanel();
  if (host) host.picture.focus({ preventScroll: true });
  else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
}

/**
 * A list keeps the keys only while something is being chosen in it: with the arrow keys until Escape, in an opened list
 * until that is closed.
 * @param {App} app
 * @param {HTMLSelectElement} list
 */
export function lendKeys(app, list) {
  let isPointed = false;
  let isStepping = false;
  const back = () => giveKeysBack(app);
  list.addEventListener('pointerdown', () => {
    isPointed = true;
    isStepping = false;
  });
  list.addEventListener('blur', () => {
    isPointed = isStepping = false;
  });
  list.addEventListener('keydown', ({ key }) => {
    // A list that was opened with a pointer, and closed, does not go on choosing.
    if (isPointed && isClosed(list) && key !== 'Tab') back();
    else isStepping = !['Enter', ' ', 'Tab'].includes(key);
  });
  list.addEventListener('keyup', ({ key }) => {
    if (key === 'Escape' || (key === 'Enter' && isClosed(list))) back();
  });
  list.addEventListener('click', () => {
    if (isClosed(list)) back();
  });
  list.addEventListener('change', () => {
    if (!isStepping) back();
  });
}

/** @param {HTMLSelectElement} list @returns {boolean} false also where the browser does not say */
function isClosed(list) {
  return CSS.supports('selector(:open)') && !list.matches(':open');
}
