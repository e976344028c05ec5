/** @file A view of what is still written: it moves with the end, unless it is held still. */

import { sessionColumns } from '../geometry/timeline.js';
import { iconButton } from './elements.js';

/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('./app.js').App} App */

const HOLD = 'M5 3v10M11 3v10';

/**
 * @typedef {object} Following
 * @property {(isOn: boolean) => void} set whether something is still written
 * @property {() => void} goOn more was written
 * @property {() => boolean} isHeld
 * @property {(frame: Frame) => Frame} atEnd the frame moved to where the last columns are, or the first where it has more room
 */

/**
 * @param {App} app
 * @param {() => void} changed called when it is held, or let go
 * @returns {Following}
 */
export function createFollowing(app, changed) {
  let isOn = false;
  let isHeld = false;
  /** Where it was seen last. @type {Frame | null} */
  let last = null;
  const button = iconButton('Hold still (H)', HOLD, toggle, { hidden: true });
  button.setAttribute('aria-pressed', 'false');
  app.toolbar.append(button);
  app.addKeys({
    group: 'Moving',
    keys: ['H'],
    what: 'Hold a view that is still written, or go on with it',
    run: toggle,
  });
  app.on('frame', moved);

  function toggle() {
    if (isOn) hold(!isHeld);
  }

  /** @param {boolean} wanted */
  function hold(wanted) {
    isHeld = wanted;
    button.setAttribute('aria-pressed', String(isHeld));
    app.announce(isHeld ? 'Held still: what is written goes on behind it' : 'Moves with the end');
    if (!isHeld) goOn();
    changed();
  }

  /** Whoever goes back wants to look there; whoever comes to the end again goes on with it. @param {Frame} frame */
  function moved(frame) {
    const isSame = last && spanOf(last) === spanOf(frame);
    const hasMoved = last && last.leftColumn !== frame.leftColumn;
    last = frame;
    if (!isOn) return;
    if (!isSame) return isHeld ? undefined : goOn();
    const isBefore = frame.leftColumn < atEnd(frame).leftColumn;
    if (hasMoved && isBefore !== isHeld) hold(isBefore);
  }

  function goOn() {
    if (!isOn || isHeld || !app.frame()) return;
    last = atEnd(app.frame());
    app.moveTo(last, false);
  }

  /** @param {Frame} frame @returns {Frame} */
  function atEnd(frame) {
    const { first, end } = sessionColumns(app.timeline(), frame);
    return { ...frame, leftColumn: Math.max(end - frame.columns, first) };
  }

  return {
    set(now) {
      if (now === isOn) return;
      isOn = now;
      isHeld = false;
      button.setAttribute('aria-pressed', 'false');
      button.hidden = !isOn;
      goOn();
    },
    goOn,
    isHeld: () => isHeld,
    atEnd,
  };
}

/** @param {Frame} frame @returns {string} what decides how long it is */
function spanOf({ samplesPerColumn, columnsPerSample, columns }) {
  return `${samplesPerColumn} ${columnsPerSample} ${columns}`;
}
