/** Presets and single steps that a series is offered. */

import assert from 'node:assert/strict';
import test from 'node:test';

import {
  edgesOf,
  faultOf,
  fittingPresets,
  presetSteps,
  withEdges,
  withPart,
} from '../../seriesview/viewer/steps/offers.js';
import { pageWith } from '../../seriesview/viewer/app/filtering.js';
import { memorySeries } from './memorySource.js';

/** @param {[string, string | undefined][]} named labels and types @param {number} rate @param {object[]} [more] */
function manifestOf(named, rate, more = []) {
  const channels = named.map(([label, type], place) => ({
    id: String(place),
    label,
    ...(type ? { type } : {}),
    ...more[place],
  }));
  return memorySeries([new Float64Array(10 * named.length)], { channels: named.length, rate, more: { channels } })
    .manifest;
}

/** @param {string} names @param {string} type @returns {[string, string][]} */
const all = (names, type) => names.split(' ').map((name) => [name, type]);

test('a night is offered what sleep is scored with, each step by type', () => {
  const named = [...all('F3 F4 C3 C4 O1 O2 M1 M2 E1 E2', 'EEG'), ...all('chin', 'EMG'), ...all('flow', 'RESP')];
  named[8][1] = named[9][1] = 'EOG';
  const steps = presetSteps('sleep', manifestOf(named, 256), 50);
  assert.deepEqual(steps?.slice(0, 4), [
    { notch: 50, types: ['EEG', 'EOG', 'EMG'] },
    { bandpass: [0.3, 35], types: ['EEG', 'EOG'] },
    { bandpass: [10, 100], types: ['EMG'] },
    { bandpass: [0.1, 15], types: ['RESP'] },
  ]);
  const rows = [
    ['F4', 'M1'],
    ['C4', 'M1'],
    ['O2', 'M1'],
    ['E1', 'M2'],
    ['E2', 'M2'],
  ];
  assert.deepEqual(steps?.[4], { montage: rows, types: ['EEG', 'EOG'] });
  assert.equal(presetSteps('sleep', manifestOf(named.slice(0, 8), 256)), null);
});

test('what is bipolar already is filtered and never referenced again', () => {
  const named = [
    ...all('EEG_Fpz-Cz EEG_Pz-Oz', 'EEG'),
    ...all('EOG_horizontal', 'EOG'),
    ...all('EMG_submental', 'EMG'),
  ];
  const manifest = manifestOf(
    named.map(([label, type]) => [label.replace('_', ' '), type]),
    100,
  );
  // At 100 Hz nothing is above 50.
  assert.deepEqual(presetSteps('sleep', manifest), [
    { bandpass: [0.3, 35], types: ['EEG', 'EOG'] },
    { highpass: 10, types: ['EMG'] },
  ]);
  const band = { bandpass: [0.5, 70], types: ['EEG'] };
  assert.deepEqual(presetSteps('eeg', manifestOf(all('Fpz-Cz Pz-Oz', 'EEG'), 200)), [band]);
  const some = manifestOf(all('F3 F4 Fpz-Cz', 'EEG'), 200);
  assert.deepEqual(presetSteps('eeg', some), [band, { reference: 'mean', channels: ['F3', 'F4'] }]);
  const mixed = manifestOf([...all('F4 M1 Fpz-Cz', 'EEG'), ...all('EOG1', 'EOG')], 256);
  assert.deepEqual(presetSteps('sleep', mixed)?.at(-1)?.montage, [['F4', 'M1'], 'Fpz-Cz', 'EOG1']);
});

test('a probe is offered spikes, with the median of each shank where it has some', () => {
  const named = /** @type {[string, undefined][]} */ (['0', '1', '2', '3'].map((name) => [name, undefined]));
  const band = { bandpass: [300, 6000] };
  assert.deepEqual(presetSteps('spikes', manifestOf(named, 30000)), [band, { reference: 'median' }]);
  const shanks = named.map((_, place) => ({ group: `shank ${place >> 1}`, sample_shift: place / 4 }));
  assert.deepEqual(presetSteps('spikes', manifestOf(named, 30000, shanks)), [
    { phase_shift: true },
    band,
    { reference: 'median', within: 'group' },
  ]);
  assert.deepEqual(fittingPresets(manifestOf(named, 30000)), ['spikes', 'lfp']);
  assert.deepEqual(fittingPresets(manifestOf(named, 2500)), ['lfp']);
  assert.deepEqual(fittingPresets(manifestOf(named, 100)), []);
});

test('EEG of old names gets its double banana', () => {
  const names = 'Fp1 Fp2 F7 F3 Fz F4 F8 T3 C3 Cz C4 T4 T5 P3 Pz P4 T6 O1 O2';
  const named = names.split(' ').map((name) => /** @type {[string, string]} */ ([`EEG ${name}-Ref`, 'EEG']));
  const steps = presetSteps('banana', manifestOf(named, 500), 60);
  assert.equal(steps?.at(-1)?.montage.length, 18);
  assert.deepEqual(steps?.[0], { notch: 60, types: ['EEG'] });
  assert.equal(presetSteps('banana', manifestOf(named.slice(0, 4), 500)), null);
});

test('single steps are put where they belong, and others stay', () => {
  const steps = withPart(withEdges([], 300, 6000), 'reference', { reference: 'median' });
  assert.deepEqual(withPart(steps, 'notch', { notch: 50 }), [
    { bandpass: [300, 6000] },
    { notch: 50 },
    { reference: 'median' },
  ]);
  assert.deepEqual(withEdges(steps, 300, null), [{ highpass: 300 }, { reference: 'median' }]);
  assert.deepEqual(withEdges([{ absolute: true }, { highpass: 1, order: 2 }], 2, 40), [
    { absolute: true },
    { bandpass: [2, 40], order: 2 },
  ]);
  assert.deepEqual(edgesOf([{ lowpass: 40 }]), [null, 40]);
  assert.deepEqual(withEdges(steps, null, null), [{ reference: 'median' }]);
  const manifest = manifestOf([['0', undefined]], 100);
  assert.match(faultOf(manifest, [{ highpass: 60 }]) ?? '', /60 Hz is not below half/);
  assert.match(faultOf(manifest, [{ montage: [['0', '7']] }]) ?? '', /no channel 7/);
  assert.equal(faultOf(manifest, [{ highpass: 10 }]), null);
  const flat = manifestOf([['0', undefined]], 100, [{ scale: 0 }]);
  assert.match(faultOf(flat, [{ absolute: true }]) ?? '', /scale 0/);
});

test('what is filtered from the start begins on a window that can be, and what is not on any', () => {
  const manifest = manifestOf(all('a b c d', 'LFP'), 30_000);
  const panel = /** @type {any} */ ({ key: 'p', seriesUri: 'u', traits: {}, data: {} });
  const figure = /** @type {any} */ ({ views: [{ panels: [panel] }], series: { u: manifest } });
  const seconds = (/** @type {any} */ settings) => pageWith(figure, 0, { p: settings });
  const spikes = seconds({ steps: [{ bandpass: [300, 6000] }] }) ?? 0;
  assert.ok(spikes > 16 && spikes < 4e6 / 4 / 30_000 / 2);
  assert.equal(seconds({ steps: [{ bandpass: [300, 6000] }], isRaw: true }), undefined);
  assert.equal(seconds({}), undefined);
  // Too far to be computed at any zoom.
  assert.equal(seconds({ steps: [{ highpass: 0.001 }] }), undefined);
});
