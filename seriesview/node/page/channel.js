/** @file The menu's kachery channel and its dialog: whom tasks are sent to, and what may be wrong where nobody answers. */

import { errorOf } from './errors.js';
import { BASE } from './files.js';

/**
 * What is set for the channel of a link; kept in this browser, never in an address.
 * @typedef {object} Settings
 * @property {string} channel
 * @property {string} label the user's own name for the backend; '': all
 * @property {string} backendId '': none
 */

/** @typedef {import('./tasks.js').Outcome} Outcome */

const KEY = `seriesview ${BASE}`;
/** How long one that is there may take. */
const ANSWER_SECONDS = 3;
/** The node knows of none that could answer; but one that is started again is there soon. */
const ABSENT_SECONDS = 1;

const SHOWN = 'What can be read as files is shown meanwhile; the menu has the settings.';

/**
 * The settings for the channel that a link names.
 * @param {string} channel
 * @returns {Settings}
 */
export function settingsOf(channel) {
  return kept()[channel]?.settings ?? { channel, label: '', backendId: '' };
}

/**
 * Make the menu and the dialog work.
 * @param {string} channel that the link names
 * @param {() => void} onChange called when other settings were stored
 * @param {() => boolean} isShown whether the view reads files, and so shows something without a backend
 * @returns {(outcome: Outcome) => void} takes every status of a task
 */
export function openChannelDialog(channel, onChange, isShown) {
  const settings = settingsOf(channel);
  const dialog = /** @type {HTMLDialogElement} */ (element('channel-dialog'));
  const button = element('channel-button');
  const problem = element('channel-problem');
  const [name, label, backendId, backendUri] = ['channel-name', 'backend-label', 'backend-id', 'backend-uri'].map(
    (id) => /** @type {HTMLInputElement} */ (element(id)),
  );
  const known = kept()[channel]?.known ?? {};
  let hasOpenedItself = false;
  let isOpenByItself = false;
  let reason = '';
  /** @type {number | undefined} */
  let timer;
  let isSoon = false;

  function show() {
    name.value = settings.channel;
    label.value = settings.label;
    backendId.value = settings.backendId;
    problem.textContent = reason;
    problem.hidden = !reason;
    if (!dialog.open) dialog.show();
  }

  button.textContent = `Kachery channel: ${settings.channel || 'none'}…`;
  button.addEventListener('click', () => {
    element('menu').hidePopover();
    isOpenByItself = false;
    show();
  });
  dialog.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') dialog.close();
  });
  element('menu').addEventListener('toggle', (event) => {
    const isClosed = /** @type {ToggleEvent} */ (event).newState === 'closed';
    if (isClosed && !dialog.open) document.querySelector('iframe')?.focus();
  });
  // Keys are the view's again.
  dialog.addEventListener('close', () => (document.querySelector('iframe') ?? element('menu-button')).focus());
  element('backend-labels').replaceChildren(
    ...Object.keys(known).map((text) => {
      const option = document.createElement('option');
      option.value = text;
      return option;
    }),
  );
  label.addEventListener('change', () => {
    if (Object.hasOwn(known, label.value)) backendId.value = known[label.value];
  });
  element('channel-form').addEventListener('submit', (event) => {
    const { submitter } = /** @type {SubmitEvent} */ (event);
    if (/** @type {HTMLButtonElement | null} */ (submitter)?.value === 'close') return;
    if (backendUri.value.trim()) {
      const query = new URLSearchParams({ uri: backendUri.value.trim(), figure: location.search.slice(1) });
      location.assign(`${BASE}page/backend.html?${query}`);
      return;
    }
    const wanted = { channel: name.value.trim(), label: label.value.trim(), backendId: backendId.value.trim() };
    if (wanted.label && wanted.backendId) known[wanted.label] = wanted.backendId;
    keep(channel, { settings: wanted, known });
    onChange();
  });

  return ({ status, errorMessage, backends }) => {
    if (status === 'waiting') {
      const isAbsent = backends === 'none' || backends === 'other-id';
      if (timer !== undefined && (isSoon || !isAbsent)) return;
      clearTimeout(timer);
      isSoon = isAbsent;
      timer = setTimeout(
        () => {
          const { note, advice } = reasonOf(settings, backends);
          reason = `${note} ${advice}`;
          const isNeeded = !isShown();
          say(isNeeded ? note : `${note} ${SHOWN}`);
          if (!isNeeded || hasOpenedItself || dialog.open) return;
          hasOpenedItself = true;
          isOpenByItself = true;
          show();
        },
        1000 * (isAbsent ? ABSENT_SECONDS : ANSWER_SECONDS),
      );
      return;
    }
    if (status === 'error' && errorOf(errorMessage).code === 'no-backend') return;
    clearTimeout(timer);
    timer = undefined;
    if (status === 'error') return;
    reason = '';
    say('');
    if (isOpenByItself) dialog.close();
    isOpenByItself = false;
  };
}

/**
 * Keep what a backend's description says, for links of its channel; an ID that goes with its label stays.
 * @param {string} base where the node's own paths begin
 * @param {{channel: string, label: string}} backend
 */
export function keepSettings(base, backend) {
  const key = `seriesview ${base}`;
  const known = kept(key)[backend.channel]?.known ?? {};
  keep(backend.channel, { settings: { ...backend, backendId: known[backend.label] ?? '' }, known }, key);
}

/**
 * Say something in the bar at the top.
 * @param {string} text
 */
export function say(text) {
  element('note').textContent = text;
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/**
 * @param {Settings} settings
 * @param {string} [backends] which there are, as the node says
 * @returns {{note: string, advice: string}} for the bar, and what the dialog says beside it
 */
function reasonOf({ channel, backendId }, backends) {
  const where = `kachery channel ${channel || '(none)'}`;
  if (backends === 'other-id') {
    return backendId
      ? {
          note: `No backend on ${where} has the backend ID that is set here.`,
          advice: 'There is one with another backend ID, or with none. Check the ID with whoever sent you the link.',
        }
      : {
          note: `The backend on ${where} wants a backend ID.`,
          advice: 'Ask whoever sent you the link for it, and set it here.',
        };
  }
  if (backendId) {
    return {
      note: `No backend has answered on ${where} to the backend ID that is set here.`,
      advice: 'Check the ID with whoever sent you the link, and whether the backend runs.',
    };
  }
  return {
    note: `No backend has answered on ${where}.`,
    advice:
      `Perhaps none is running (seriesview-start-backend --channel ${channel || 'NAME'} starts one), ` +
      'or a backend ID is needed: ask whoever sent you the link.',
  };
}

/** @param {string} key @returns {Record<string, {settings: Settings, known: Record<string, string>}>} by channel */
function kept(key = KEY) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? '{}') ?? {};
  } catch {
    return {};
  }
}

/** @param {string} channel @param {{settings: Settings, known: Record<string, string>}} entry @param {string} key */
function keep(channel, entry, key = KEY) {
  try {
    localStorage.setItem(key, JSON.stringify({ ...kept(key), [channel]: entry }));
  } catch {
    say('This browser keeps nothing for this page, so the settings cannot be used.');
  }
}
