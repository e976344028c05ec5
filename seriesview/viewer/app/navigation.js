/** @file Moving about with wheel, mouse and fingers. */

import { nearestRung, ticksPerColumn } from '../geometry/ladder.js';
import { panFrame, timeOfColumn, zoomFrame } from '../geometry/timeline.js';
import { make } from './elements.js';
import { changeGain } from './keys.js';

/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('./app.js').App} App */
/** @typedef {{x: number, frame: Frame, kind: 'pan' | 'zoom' | 'select', isMoved: boolean}} Drag */

/** CSS pixels of the wheel that are a step of the ladder. */
const WHEEL_STEP = 36;
const SLOP = 3;

/** @param {App} app */
export function listenToPointers(app) {
  const box = make('div', { className: 'zoom-box', hidden: true });
  app.stack.append(box);
  /** @type {Map<number, PointerEvent>} */
  const fingers = new Map();
  /** @type {Drag | null} */
  let drag = null;
  /** @type {{distance: number, x: number, frame: Frame} | null} */
  let pinch = null;
  /** @type {PointerEvent | null} */
  let latest = null;
  let wheel = 0;
  let lastWheel = 0;

  /** @param {Event} event @returns {Element | null} what moves with time: a picture, the axis or a strip of bands */
  const place = (event) => (event.target instanceof Element ? event.target.closest('.picture, .axis, .strip') : null);

  /** @param {{clientX: number}} event @returns {number} device pixels from the left edge of the pictures */
  const xOf = (event) => (event.clientX - left()) * app.pixelRatio();

  /** @returns {number} CSS pixels */
  function left() {
    return (app.element.querySelector('.axis') ?? app.stack).getBoundingClientRect().left;
  }

  app.element.addEventListener(
    'wheel',
    (event) => {
      if (!app.frame() || !place(event)) return;
      event.preventDefault();
      const unit = [1, 33, 400][event.deltaMode] ?? 1;
      const { shiftKey } = event;
      const across = shiftKey ? event.deltaX || event.deltaY : event.deltaX;
      if (shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        return app.moveTo(panFrame(app.timeline(), app.frame(), Math.round(across * unit * app.pixelRatio())));
      }
      // A pinch on a touch pad comes as small turns of the wheel with ctrl.
      const turned = event.deltaY * unit * (event.ctrlKey ? 6 : 1);
      if (event.timeStamp - lastWheel > 400 || turned * wheel < 0) wheel = 0;
      lastWheel = event.timeStamp;
      if (event.altKey) return changeGain(app, 1.25 ** Math.sign(-turned), hostOf(event) ?? undefined);
      wheel += turned;
      const steps = Math.trunc(wheel / WHEEL_STEP);
      wheel -= steps * WHEEL_STEP;
      if (steps) app.moveTo(zoomFrame(app.timeline(), app.frame(), -steps, Math.floor(xOf(event))));
    },
    { passive: false },
  );

  app.element.addEventListener('pointerdown', (event) => {
    const where = place(event);
    if (!app.frame() || !where || event.button > 0) return;
    fingers.set(event.pointerId, event);
    where.setPointerCapture(event.pointerId);
    if (fingers.size === 2) return beginPinch();
    const wanted = event.shiftKey ? 'zoom' : event.altKey || where.matches('.axis') ? 'select' : app.dragMode();
    drag = { x: xOf(event), frame: app.frame(), kind: wanted, isMoved: false };
  });

  app.element.addEventListener('pointermove', (event) => {
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, event);
    if (!latest) requestAnimationFrame(move);
    latest = event;
  });

  app.element.addEventListener('pointerleave', ({ pointerType }) => {
    latest = null;
    // A finger that leaves the screen does not leave the place that it tapped.
    if (pointerType === 'touch') return;
    if (app.pointed()) app.point(null);
  });

  for (const name of /** @type {const} */ (['pointerup', 'pointercancel'])) {
    app.element.addEventListener(name, (event) => {
      if (!fingers.has(event.pointerId)) return;
      // What a quick hand, or a busy page, has put into one animation frame.
      if (latest) move();
      fingers.delete(event.pointerId);
      pinch = null;
      if (drag && name === 'pointerup') finish(drag, event);
      if (event.pointerType === 'touch') {
        if (drag && !drag.isMoved && name === 'pointerup') pointAt(event);
        else app.point(null);
      }
      drag = null;
      box.hidden = true;
      const [rest] = fingers.values();
      if (rest) drag = { x: xOf(rest), frame: app.frame(), kind: 'pan', isMoved: true };
    });
  }

  app.element.addEventListener('dblclick', (event) => {
    if (!app.frame() || !place(event)) return;
    app.moveTo(zoomFrame(app.timeline(), app.frame(), event.altKey ? -4 : 4, Math.floor(xOf(event))));
  });

  document.addEventListener(
    'keydown',
    (event) => {
      if (event.key !== 'Escape' || !drag) return;
      if (drag.kind === 'pan') app.moveTo(drag.frame);
      drag = null;
      box.hidden = true;
      event.preventDefault();
    },
    { capture: true },
  );

  /** @param {Event} event */
  function hostOf(event) {
    const target = event.target instanceof Element ? event.target.closest('.picture') : null;
    return app.panels().find((host) => host.picture === target) ?? null;
  }

  /** Once an animation frame, however many events there were. */
  function move() {
    const event = latest;
    latest = null;
    if (!event || !app.frame()) return;
    if (pinch) return pinchNow();
    if (drag && fingers.has(event.pointerId)) dragTo(drag, event);
    pointAt(event);
  }

  /** @param {PointerEvent} event */
  function pointAt(event) {
    const host = hostOf(event);
    if (!host) return app.pointed() && app.point(null);
    const frame = app.frame();
    const x = Math.min(Math.max(Math.floor(xOf(event)), 0), frame.columns - 1);
    const y = Math.floor((event.clientY - host.picture.getBoundingClientRect().top) * app.pixelRatio());
    const column = frame.leftColumn + x;
    app.point({ host, x, y, column, time: timeOfColumn(app.timeline(), frame, column) });
  }

  /** @param {Drag} now @param {PointerEvent} event */
  function dragTo(now, event) {
    const x = xOf(event);
    if (!now.isMoved && Math.abs(x - now.x) < SLOP * app.pixelRatio()) return;
    now.isMoved = true;
    if (now.kind === 'pan') {
      app.element.classList.add('is-panning');
      return app.moveTo(panFrame(app.timeline(), now.frame, Math.round(now.x - x)));
    }
    const { start, end } = span(now, x);
    if (now.kind === 'select') return app.setSelection({ start, end });
    const ratio = app.pixelRatio();
    const edges = [now.x, x]
      .map((edge) => Math.min(Math.max(edge, 0), now.frame.columns) / ratio)
      .sort((one, other) => one - other);
    box.hidden = false;
    box.style.setProperty('--from', `${edges[0]}px`);
    box.style.width = `${edges[1] - edges[0]}px`;
  }

  /** @param {Drag} now @param {PointerEvent} event */
  function finish(now, event) {
    app.element.classList.remove('is-panning');
    if (!now.isMoved) {
      if (now.kind === 'select') app.setSelection(null);
      return;
    }
    if (now.kind !== 'zoom') return;
    const { start, end } = span(now, xOf(event));
    if (end > start) app.showRange(start, end);
  }

  /** @param {Drag} now @param {number} x @returns {{start: number, end: number}} view times of whole columns */
  function span(now, x) {
    const edges = [now.x, x].map((edge) => Math.min(Math.max(edge, 0), now.frame.columns));
    const [low, high] = [Math.floor(Math.min(...edges)), Math.ceil(Math.max(...edges))];
    const { leftColumn } = now.frame;
    return {
      start: timeOfColumn(app.timeline(), now.frame, leftColumn + low),
      end: timeOfColumn(app.timeline(), now.frame, leftColumn + high),
    };
  }

  function beginPinch() {
    drag = null;
    box.hidden = true;
    const [one, other] = [...fingers.values()];
    pinch = {
      distance: Math.max(Math.abs(xOf(one) - xOf(other)), 16),
      x: (xOf(one) + xOf(other)) / 2,
      frame: app.frame(),
    };
  }

  function pinchNow() {
    if (!pinch || fingers.size < 2) return;
    const [one, other] = [...fingers.values()];
    const middle = (xOf(one) + xOf(other)) / 2;
    const distance = Math.max(Math.abs(xOf(one) - xOf(other)), 16);
    const rung = nearestRung(app.timeline(), (ticksPerColumn(pinch.frame) * pinch.distance) / distance);
    const tick = (pinch.frame.leftColumn + pinch.x) * ticksPerColumn(pinch.frame);
    const leftColumn = Math.round(tick / ticksPerColumn(rung) - middle);
    app.moveTo({ ...rung, leftColumn, columns: pinch.frame.columns });
  }
}
