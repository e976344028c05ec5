/** @file The part of a panel's menu that filters it, and the keys for that. */

import { edgesOf, faultOf, fittingPresets, partOf, presetSteps, withEdges, withPart } from '../../steps/offers.js';
import { PRESETS } from '../../steps/presets.js';
import { activeSteps, filterName, mainsOf } from '../filtering.js';
import { make } from '../elements.js';

/** @typedef {import('../app.js').App} App */
/** @typedef {import('../app.js').PanelHost} PanelHost */
/** @typedef {import('../../steps/parse.js').StepDocument} StepDocument */

const MAINS = [50, 60];
/** Edges that keys go through, Hz. */
const LOW_EDGES = [0.1, 0.3, 0.5, 1, 10, 100, 300];
const HIGH_EDGES = [6000, 3000, 300, 100, 70, 35, 15];
const REFERENCES = /** @type {const} */ ([
  ['', 'As recorded'],
  ['mean', 'Mean'],
  ['median', 'Median'],
  ['mean within', 'Mean of each group'],
  ['median within', 'Median of each group'],
  ['named', 'Channels by name'],
]);

/**
 * @param {App} app
 * @param {PanelHost} host
 * @returns {import('../../types.js').SeriesManifest | null} of what can be filtered
 */
function filterable(app, host) {
  const { seriesUri, traits, error } = host.panel;
  return seriesUri && traits.hasSteps && !error ? app.figure().series[seriesUri] : null;
}

/**
 * Has a panel filtered, or says why that cannot be.
 * @param {App} app
 * @param {PanelHost} host
 * @param {StepDocument[]} steps
 * @returns {string | null} why it cannot be
 */
function setSteps(app, host, steps) {
  const manifest = filterable(app, host);
  const fault = steps.length && manifest ? faultOf(manifest, steps) : null;
  if (fault) app.announce(fault);
  else host.set({ steps: steps.length ? steps : undefined, isRaw: undefined });
  return fault;
}

/**
 * @param {App} app
 * @param {PanelHost} host
 * @param {() => void} reopen the menu, when the panel was made anew
 * @returns {HTMLElement[]}
 */
export function filterChoices(app, host, reopen) {
  const manifest = filterable(app, host);
  if (!manifest) return [];
  const steps = () => host.settings().steps ?? [];
  const said = make('output', { 'aria-live': 'polite', className: 'tools-filter-name' });
  const show = () => {
    said.textContent = filterName(activeSteps(host.settings())) || 'Raw samples';
    const [low, high] = edgesOf(steps());
    lowField.value = low ? String(low) : '';
    highField.value = high ? String(high) : '';
    notchField.value = String(partOf(steps(), 'notch')?.notch ?? '');
    const { reference, within } = partOf(steps(), 'reference') ?? {};
    const isNamed = Array.isArray(reference);
    referenceList.value = isNamed ? 'named' : `${reference ?? ''}${within ? ' within' : ''}`;
    names.hidden = !isNamed;
    names.value = isNamed ? reference.join(', ') : names.value;
    montageList.value = partOf(steps(), 'montage') ? 'kept' : '';
    presets.value = '';
    for (const box of [raw, below, again]) box.checked = host.settings()[/** @type {'isRaw'} */ (box.name)] === true;
    raw.disabled = below.disabled = !steps().length;
  };
  const set = (/** @type {StepDocument[]} */ next) => {
    const fault = setSteps(app, host, next);
    show();
    if (fault) said.textContent = fault;
    return fault;
  };
  const frequency = (/** @type {string} */ name, /** @type {string} */ title, /** @type {() => void} */ onchange) =>
    make('input', {
      type: 'number',
      min: '0',
      step: 'any',
      className: 'tools-hertz',
      'aria-label': name,
      title,
      onchange,
    });
  const valueOf = (/** @type {HTMLInputElement} */ { valueAsNumber: value }) => (value > 0 ? value : null);
  const setEdges = () => set(withEdges(steps(), valueOf(lowField), valueOf(highField)));
  const twice = 'Butterworth, forwards and backwards: \u22126 dB at this frequency';
  const lowField = frequency('High-pass, Hz', twice, setEdges);
  const highField = frequency('Low-pass, Hz', twice, setEdges);
  const notchField = frequency('Notch, Hz', 'Taken out, with a width of a thirtieth', () => {
    const value = valueOf(notchField);
    set(withPart(steps(), 'notch', value ? { notch: value } : null));
  });
  notchField.setAttribute('list', 'tools-mains');
  const frequencies = [...new Set([mainsOf(host.panel) ?? MAINS[0], ...MAINS])];
  const mains = make(
    'datalist',
    { id: 'tools-mains' },
    ...frequencies.map((value) => make('option', { value: String(value) })),
  );
  const hasGroups = manifest.channels.some(({ group }) => group !== undefined);
  const referenceList = select(
    'Reference',
    REFERENCES.filter(([value]) => hasGroups || !value.endsWith('within')),
    (value) => {
      names.hidden = value !== 'named';
      if (value === 'named') names.focus();
      else {
        const [reference, within] = value.split(' ');
        set(withPart(steps(), 'reference', reference ? { reference, ...(within ? { within: 'group' } : {}) } : null));
      }
    },
  );
  const names = make('input', {
    type: 'text',
    size: 12,
    placeholder: 'M1, M2',
    'aria-label': 'Channels to reference to',
    onchange: () => {
      const reference = names.value
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean);
      // What was typed can be put right.
      if (set(withPart(steps(), 'reference', reference.length ? { reference } : null))) {
        names.hidden = false;
        referenceList.value = 'named';
      }
    },
  });
  const fitting = fittingPresets(manifest);
  const mounted = fitting.filter((name) => PRESETS[name].steps.some(({ montage }) => montage));
  const montageList = select(
    'Montage',
    [['', 'As recorded'], ...mounted.map((name) => [name, PRESETS[name].label]), ['kept', 'As set']],
    (value) => {
      const of = value && value !== 'kept' ? presetSteps(value, manifest, mainsOf(host.panel)) : null;
      if (value !== 'kept') set(withPart(steps(), 'montage', (of && partOf(of, 'montage')) ?? null));
    },
  );
  const presets = select(
    'Preset',
    [['', 'Preset\u2026'], ['none', 'None'], ...fitting.map((name) => [name, PRESETS[name].label])],
    (value) => {
      if (value) set((value !== 'none' && presetSteps(value, manifest, mainsOf(host.panel))) || []);
    },
  );
  for (const option of presets.options) option.title = PRESETS[option.value]?.about ?? '';
  const box = (/** @type {string} */ name) =>
    make('input', {
      type: 'checkbox',
      name,
      onchange: (/** @type {Event} */ event) => {
        host.set({ [name]: /** @type {HTMLInputElement} */ (event.target).checked || undefined });
        if (name === 'beside') reopen();
        else show();
      },
    });
  const [raw, below, again] = ['isRaw', 'withRaw', 'beside'].map(box);
  const row = (/** @type {(Node | string)[]} */ ...parts) => make('p', { className: 'tools-row' }, ...parts);
  const label = (/** @type {string} */ text, /** @type {HTMLElement} */ field) => make('label', {}, `${text} `, field);
  const fieldset = make(
    'fieldset',
    {},
    make('legend', {}, 'Filter'),
    row(presets, said),
    row(label('High-pass', lowField), label('Low-pass', highField), label('Notch', notchField), ' Hz', mains),
    make('small', {}, 'Filters go forwards and backwards, without delay: \u22126 dB at these frequencies.'),
    row(label('Reference', referenceList), names, ...(mounted.length ? [label('Montage', montageList)] : [])),
    row(
      make('label', {}, raw, 'Raw for now (f)'),
      make('label', {}, below, 'Raw below, paler'),
      make('label', {}, again, 'The panel again, beside'),
    ),
  );
  show();
  return [fieldset];
}

/**
 * @param {string} name
 * @param {readonly (readonly string[])[]} options value and text
 * @param {(value: string) => void} choose
 * @returns {HTMLSelectElement}
 */
function select(name, options, choose) {
  const list = make(
    'select',
    { 'aria-label': name, onchange: () => choose(list.value) },
    ...options.map(([value, text]) => make('option', { value }, text)),
  );
  return list;
}

/**
 * Keys of filters, as tools have them: group, keys, what they do.
 * @param {App} app
 * @param {() => void} openMenu
 * @returns {[string, string[], string, () => void][]}
 */
export function filterKeys(app, openMenu) {
  /** @param {(host: PanelHost, manifest: import('../../types.js').SeriesManifest, steps: StepDocument[]) => void} run @returns {() => void} */
  const onPanel = (run) => () => {
    const host = app.activePanel();
    const manifest = host && filterable(app, host);
    if (host && manifest) run(host, manifest, host.settings().steps ?? []);
    else app.announce('This panel has no traces to be filtered.');
  };
  /** @param {PanelHost} host @param {StepDocument[]} steps */
  const apply = (host, steps) => {
    if (!setSteps(app, host, steps)) app.announce(filterName(steps) || 'Raw samples');
  };
  /** @template T @param {T[]} values @param {T} now @returns {T} */
  const after = (values, now) => values[(values.indexOf(now) + 1) % values.length];
  /** @param {0 | 1} side @returns {() => void} */
  const nextEdge = (side) =>
    onPanel((host, { sampling_frequency: rate }, steps) => {
      const edges = edgesOf(steps);
      const other = edges[1 - side];
      const all = (side ? HIGH_EDGES : LOW_EDGES).filter(
        (edge) => edge < (rate ?? 0) / 2 && (!other || (side ? edge > other : edge < other)),
      );
      edges[side] = after([null, ...all], edges[side]);
      apply(host, withEdges(steps, edges[0], edges[1]));
    });
  /** @param {'withRaw' | 'beside'} key */
  const toggle = (key) => onPanel((host) => host.set({ [key]: host.settings()[key] ? undefined : true }));
  return [
    [
      'Filters',
      ['f'],
      'Raw for now, and filtered again; without a filter the menu',
      onPanel((host, _, steps) => {
        if (steps.length) host.set({ isRaw: host.settings().isRaw ? undefined : true });
        else openMenu();
      }),
    ],
    [
      'Filters',
      ['F'],
      'The next preset that fits, then none',
      onPanel((host, manifest, steps) => {
        const mains = mainsOf(host.panel);
        const all = [[], ...fittingPresets(manifest).map((name) => presetSteps(name, manifest, mains) ?? [])];
        const texts = all.map((each) => JSON.stringify(each));
        apply(host, all[(texts.indexOf(JSON.stringify(steps)) + 1) % all.length]);
      }),
    ],
    ['Filters', ['j'], 'The next high-pass', nextEdge(0)],
    ['Filters', ['k'], 'The next low-pass', nextEdge(1)],
    [
      'Filters',
      ['h'],
      'The hum of the mains taken out: the next frequency, then none',
      onPanel((host, _, steps) => {
        const known = mainsOf(host.panel);
        const next = after([null, ...(known ? [known] : MAINS)], partOf(steps, 'notch')?.notch ?? null);
        apply(host, withPart(steps, 'notch', next ? { notch: next } : null));
      }),
    ],
    [
      'Filters',
      ['r'],
      'Reference: the mean, the median, as recorded',
      onPanel((host, _, steps) => {
        const next = after([null, 'mean', 'median'], partOf(steps, 'reference')?.reference ?? null);
        apply(host, withPart(steps, 'reference', next ? { reference: next } : null));
      }),
    ],
    [
      'Filters',
      ['y'],
      'The next montage that fits, then as recorded',
      onPanel((host, manifest, steps) => {
        const offered = fittingPresets(manifest).map((name) => partOf(presetSteps(name, manifest) ?? [], 'montage'));
        const texts = ['null', ...offered.flatMap((step) => (step ? JSON.stringify(step) : []))];
        const now = JSON.stringify(partOf(steps, 'montage') ?? null);
        apply(host, withPart(steps, 'montage', JSON.parse(after(texts, now))));
      }),
    ],
    ['Filters', ['o'], 'Raw samples below the filtered ones, paler', toggle('withRaw')],
    ['Filters', ['d'], 'The panel once more, beside it', toggle('beside')],
  ];
}
