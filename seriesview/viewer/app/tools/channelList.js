/** @file The list of a panel's channels: which are shown, their order and offsets. */

import { make } from '../elements.js';
import { button } from './dialog.js';
import { channelSetting, groupsOf, matches, moved, orderedIds } from './channels.js';

/** @typedef {import('../app.js').PanelHost} PanelHost */
/** @typedef {import('../../types.js').SeriesManifest} SeriesManifest */
/** @typedef {import('../../types.js').Channel} Channel */

/**
 * @param {PanelHost} host
 * @param {SeriesManifest} manifest
 * @param {boolean} hasOffsets
 * @returns {HTMLElement}
 */
export function channelList(host, manifest, hasOffsets) {
  const defaults = orderedIds(manifest.channels, 'depth');
  const set = host.settings().channels;
  const shown = new Set(set ?? defaults);
  let order = set ? [...set, ...defaults.filter((id) => !shown.has(id))] : defaults;
  if (set && !channelSetting(defaults.filter((id) => shown.has(id)), set)) order = defaults;
  let isWaiting = false;
  /** Applies once however many boxes changed. */
  const apply = () => {
    if (isWaiting) return;
    isWaiting = true;
    setTimeout(() => {
      isWaiting = false;
      count.textContent = shown.size ? `${shown.size} of ${defaults.length} shown` : 'None: all stay as they were';
      if (shown.size) host.set({ channels: channelSetting(order.filter((id) => shown.has(id)), defaults) });
    }, 0);
  };
  /** @type {Map<string, ReturnType<typeof channelRow>>} */
  const rows = new Map();
  const list = make('ul', { className: 'tools-channels' });
  const arrange = () => list.append(...order.map((id) => /** @type {{row: Node}} */ (rows.get(id)).row));
  const move = (/** @type {string} */ id, /** @type {number} */ place) => {
    const from = order.indexOf(id);
    order = moved(order, id, place);
    const to = order.indexOf(id);
    if (to === from) return;
    const row = /** @type {{row: HTMLElement}} */ (rows.get(id)).row;
    const held = /** @type {HTMLElement | null} */ (document.activeElement);
    list.insertBefore(row, rows.get(order[to + 1])?.row ?? null);
    if (held && row.contains(held)) held.focus();
    apply();
  };
  for (const channel of manifest.channels) {
    rows.set(channel.id, channelRow(host, channel, channel.unit ?? manifest.unit, shown, hasOffsets, apply));
  }
  arrange();
  dragging(list, rows, () => order, move);

  const groups = groupsOf(manifest.channels);
  const filter = make('input', { type: 'search', placeholder: 'Filter', 'aria-label': 'Filter channels', size: 10 });
  const group = make('select', { 'aria-label': 'Group' }, make('option', { value: '' }, 'All groups'),
    ...groups.map((name) => make('option', { value: name }, name)));
  const isListed = (/** @type {Channel} */ one) => matches(one, filter.value) && (!group.value || one.group === group.value);
  const sift = () => {
    for (const channel of manifest.channels) {
      /** @type {{row: HTMLElement}} */ (rows.get(channel.id)).row.hidden = !isListed(channel);
    }
  };
  filter.addEventListener('input', sift);
  group.addEventListener('change', sift);
  const showListed = (/** @type {(now: boolean, listed: boolean) => boolean} */ rule) => {
    for (const channel of manifest.channels) {
      const box = /** @type {{box: HTMLInputElement}} */ (rows.get(channel.id)).box;
      box.checked = rule(box.checked, isListed(channel));
      shown[box.checked ? 'add' : 'delete'](channel.id);
    }
    apply();
  };
  const orders = make('select', {
    'aria-label': 'Order',
    onchange: () => {
      if (!orders.value) return;
      order = orderedIds(manifest.channels, /** @type {'depth'} */ (orders.value));
      orders.value = '';
      arrange();
      apply();
    },
  }, make('option', { value: '' }, 'Order by\u2026'), make('option', { value: 'depth' }, 'Group and depth'),
  make('option', { value: 'stored' }, 'As stored'), make('option', { value: 'label' }, 'Label'));
  const count = make('output', { 'aria-live': 'polite' }, `${shown.size} of ${defaults.length} shown`);
  return make('fieldset', {}, make('legend', {}, 'Channels'),
    make('p', { className: 'tools-row' }, filter, ...groups.length > 1 ? [group] : [], orders),
    make('p', { className: 'tools-row' },
      button('Show', () => showListed((now, listed) => now || listed), { title: 'Show all that are listed' }),
      button('Hide', () => showListed((now, listed) => now && !listed), { title: 'Hide all that are listed' }),
      button('Only these', () => showListed((_, listed) => listed), { title: 'Show those that are listed, hide all others' }),
      count),
    list);
}

/**
 * @param {PanelHost} host
 * @param {Channel} channel
 * @param {string} unit
 * @param {Set<string>} shown
 * @param {boolean} hasOffset
 * @param {() => void} apply
 * @returns {{row: HTMLElement, box: HTMLInputElement}}
 */
function channelRow(host, channel, unit, shown, hasOffset, apply) {
  const box = make('input', {
    type: 'checkbox',
    checked: shown.has(channel.id),
    onchange: () => {
      shown[box.checked ? 'add' : 'delete'](channel.id);
      apply();
    },
  });
  const handle = button('\u2261', () => {}, {
    className: 'tools-handle', 'aria-label': `Move ${channel.label}: arrow up or down, or drag`, title: 'Drag, or arrow keys',
  });
  const row = make('li', {}, handle, make('label', {}, box, channel.label || channel.id,
    ...channel.group ? [make('small', {}, channel.group)] : []));
  row.dataset.id = channel.id;
  if (hasOffset) {
    row.append(make('input', {
      type: 'number',
      step: 'any',
      value: String(host.settings().offsets?.[channel.id] ?? 0),
      'aria-label': `Offset of ${channel.label}, ${unit}`,
      title: `Offset, ${unit}`,
      onchange: (/** @type {Event} */ event) => {
        const value = /** @type {HTMLInputElement} */ (event.target).valueAsNumber;
        const { [channel.id]: _, ...offsets } = host.settings().offsets ?? {};
        if (value) offsets[channel.id] = value;
        host.set({ offsets: Object.keys(offsets).length ? offsets : undefined });
      },
    }));
  }
  return { row, box };
}

/**
 * Rows move by their handles: dragged with mouse or finger, or with the arrow keys.
 * @param {HTMLElement} list
 * @param {Map<string, {row: HTMLElement}>} rows
 * @param {() => string[]} order
 * @param {(id: string, place: number) => void} move
 * @returns {void}
 */
function dragging(list, rows, order, move) {
  const idOf = (/** @type {EventTarget | null} */ target) => (
    target instanceof Element && target.closest('.tools-handle') ? target.closest('li')?.dataset.id : undefined);
  /** @type {string | undefined} */
  let held;
  list.addEventListener('pointerdown', (event) => {
    held = idOf(event.target);
    if (held !== undefined) list.setPointerCapture(event.pointerId);
  });
  list.addEventListener('pointermove', (event) => {
    if (held === undefined) return;
    const over = document.elementFromPoint(event.clientX, event.clientY)?.closest('li');
    if (over && list.contains(over) && over.dataset.id !== held) move(held, order().indexOf(over.dataset.id ?? ''));
  });
  const release = () => {
    held = undefined;
  };
  list.addEventListener('pointerup', release);
  list.addEventListener('pointercancel', release);
  list.addEventListener('keydown', (event) => {
    const id = idOf(event.target);
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (id === undefined || !step) return;
    event.preventDefault();
    const ids = order();
    let place = ids.indexOf(id) + step;
    // Past those that the filter hides.
    while (ids[place] !== undefined && rows.get(ids[place])?.row.hidden) place += step;
    if (ids[place] !== undefined) move(id, place);
  });
}
