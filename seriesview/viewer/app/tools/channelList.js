/** @file The list of a panel's channels: which are shown, their order and offsets. */

import { make } from '../elements.js';
import { channelSetting, defaultIds, groupsOf, matches, moved, orderedIds, typesOf } from './channel_order.js';
import { button } from './dialog.js';

/** @typedef {import('../app.js').PanelHost} PanelHost */
/** @typedef {import('../../types.js').Channel} Channel */

/**
 * @param {PanelHost} host
 * @param {import('../../types.js').SeriesManifest} manifest
 * @param {boolean} hasOffsets
 * @returns {HTMLElement}
 */
export function channelList(host, manifest, hasOffsets) {
  const { channels, unit } = manifest;
  const defaults = defaultIds(host.panel, manifest);
  const set = host.settings().channels ?? defaults;
  const shown = new Set(set);
  const isInOrder = !channelSetting(
    defaults.filter((id) => shown.has(id)),
    set,
  );
  let order = isInOrder ? defaults : [...set, ...defaults.filter((id) => !shown.has(id))];
  let waiting = 0;
  const count = make('output', { 'aria-live': 'polite' }, `${shown.size} of ${defaults.length} shown`);
  /** Once, however many boxes changed. */
  const apply = () => {
    waiting ||= setTimeout(() => {
      waiting = 0;
      count.textContent = shown.size ? `${shown.size} of ${defaults.length} shown` : 'None: the panel stays as it was';
      if (shown.size)
        host.set({
          channels: channelSetting(
            order.filter((id) => shown.has(id)),
            defaults,
          ),
        });
    }, 0);
  };
  const check = (/** @type {string} */ id, /** @type {boolean} */ isShown) => {
    shown[isShown ? 'add' : 'delete'](id);
    apply();
  };
  const rows = new Map(channels.map((one) => [one.id, channelRow(one, shown.has(one.id), check)]));
  const rowOf = (/** @type {string} */ id) => /** @type {HTMLElement} */ (rows.get(id));
  if (hasOffsets) channels.forEach((one) => rowOf(one.id).append(offsetField(host, one, one.unit ?? unit)));
  const list = make('ul', { className: 'tools-channels' }, ...order.map(rowOf));
  moveRows(
    list,
    () => order,
    (id, place) => {
      const held = document.activeElement;
      order = moved(order, id, place);
      list.insertBefore(rowOf(id), rowOf(order[order.indexOf(id) + 1]) ?? null);
      if (held instanceof HTMLElement) held.focus();
      apply();
    },
  );

  const groups = groupsOf(channels);
  const filter = make('input', { type: 'search', placeholder: 'Filter', 'aria-label': 'Filter channels', size: 10 });
  const group = select('Group', [['', 'All groups'], ...groups.map((name) => [name, name])]);
  const kinds = [
    ['', 'Order by\u2026'],
    ['depth', 'Group and depth'],
    ['stored', 'As stored'],
    ['type', 'Type'],
    ['label', 'Label'],
  ];
  const orders = select('Order', kinds);
  const types = typesOf(channels);
  const type = select('Type', [['', 'All types'], ...types.map((name) => [name, name])]);
  filter.oninput =
    group.onchange =
    type.onchange =
      () =>
        channels.forEach((one) => {
          const isOf = (group.value || one.group) === one.group && (type.value || one.type) === one.type;
          rowOf(one.id).hidden = !isOf || !matches(one, filter.value);
        });
  orders.onchange = () => {
    order = orderedIds(manifest, /** @type {'depth'} */ (orders.value));
    orders.value = '';
    list.append(...order.map(rowOf));
    apply();
  };
  /** @param {string} name @param {string} title @param {(was: boolean, isListed: boolean) => boolean} rule */
  const listed = (name, title, rule) =>
    button(
      name,
      () =>
        rows.forEach((row, id) => {
          const box = /** @type {HTMLInputElement} */ (row.querySelector('[type=checkbox]'));
          box.checked = rule(box.checked, !row.hidden);
          check(id, box.checked);
        }),
      { title },
    );
  return make(
    'fieldset',
    {},
    make('legend', {}, 'Channels'),
    make(
      'p',
      { className: 'tools-row' },
      filter,
      ...(groups.length > 1 ? [group] : []),
      ...(types.length > 1 ? [type] : []),
      orders,
    ),
    make(
      'p',
      { className: 'tools-row' },
      listed('Show', 'Show all that are listed', (was, isListed) => was || isListed),
      listed('Hide', 'Hide all that are listed', (was, isListed) => was && !isListed),
      listed('Only these', 'Show those that are listed, and no others', (_, isListed) => isListed),
      count,
    ),
    ...(hasOffsets ? [make('p', { className: 'tools-offset' }, 'Offset')] : []),
    list,
  );
}

/** @param {string} name @param {string[][]} options value and text @returns {HTMLSelectElement} */
function select(name, options) {
  return make('select', { 'aria-label': name }, ...options.map(([value, text]) => make('option', { value }, text)));
}

/**
 * @param {Channel} channel
 * @param {boolean} checked
 * @param {(id: string, isShown: boolean) => void} check
 * @returns {HTMLElement}
 */
function channelRow({ id, label, group, type, bad }, checked, check) {
  const box = make('input', { type: 'checkbox', checked, onchange: () => check(id, box.checked) });
  const words = [group, type, bad && 'bad'].filter(Boolean).join(' \u00b7 ');
  const handle = button('\u2261', () => {}, {
    className: 'tools-handle',
    'aria-label': `Move ${label || id}: arrow up or down`,
    title: 'Drag, or arrow up and down',
  });
  const row = make('li', {}, handle, make('label', {}, box, label || id, make('small', {}, words)));
  row.dataset.id = id;
  return row;
}

/** @param {PanelHost} host @param {Channel} channel @param {string} unit @returns {HTMLElement} */
function offsetField(host, { id, label }, unit) {
  const field = make('input', {
    type: 'number',
    step: 'any',
    value: String(host.settings().offsets?.[id] ?? 0),
    'aria-label': `Offset of ${label || id}, ${unit}`,
    title: unit,
    onchange: () => {
      const offsets = { ...host.settings().offsets, [id]: field.valueAsNumber };
      if (!offsets[id]) delete offsets[id];
      host.set({ offsets });
    },
  });
  return field;
}

/**
 * Rows move by their handles: dragged with mouse or finger, or with the arrow keys.
 * @param {HTMLElement} list
 * @param {() => string[]} order
 * @param {(id: string, place: number) => void} move
 */
function moveRows(list, order, move) {
  const rowAt = (/** @type {EventTarget | null} */ target, part = 'li') =>
    target instanceof Element ? target.closest(part)?.closest('li') : null;
  /** @type {string | undefined} */
  let held;
  list.onpointerdown = (event) => {
    held = rowAt(event.target, '.tools-handle')?.dataset.id;
    if (held !== undefined) list.setPointerCapture(event.pointerId);
  };
  list.onpointermove = (event) => {
    const over = rowAt(document.elementFromPoint(event.clientX, event.clientY))?.dataset.id;
    if (held !== undefined && over !== undefined && over !== held) move(held, order().indexOf(over));
  };
  list.onpointerup = list.onpointercancel = () => {
    held = undefined;
  };
  list.onkeydown = (event) => {
    const row = rowAt(event.target, '.tools-handle');
    const isUp = event.key === 'ArrowUp';
    if (!row || (!isUp && event.key !== 'ArrowDown')) return;
    event.preventDefault();
    /** @type {HTMLElement} */
    let other = row;
    do other = /** @type {HTMLElement} */ (isUp ? other.previousElementSibling : other.nextElementSibling);
    while (other?.hidden);
    if (other) move(row.dataset.id ?? '', order().indexOf(other.dataset.id ?? ''));
  };
}
