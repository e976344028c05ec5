/** @file Files, times and channel lists of the tools. */

import assert from 'node:assert/strict';
import test from 'node:test';

import {
  channelSetting,
  groupsOf,
  matches,
  moved,
  orderedIds,
  typesOf,
} from '../../seriesview/viewer/app/tools/channel_order.js';
import { csvCell, csvPieces, fileName, npyFile } from '../../seriesview/viewer/app/tools/exporting.js';
import { exactText, parseTime } from '../../seriesview/viewer/app/tools/times.js';
import { precisionOfChannel, rangeText, shownUnitOf } from '../../seriesview/viewer/app/tools/values.js';
import { statistics } from '../../seriesview/viewer/drawing/extracts.js';

/** @param {object} [more] @returns {any} */
function timeline(more) {
  return {
    ticksPerSecond: 1000,
    startTime: 0,
    firstTime: 0,
    endTime: 100000,
    sessionStart: null,
    clockNotes: {},
    ...more,
  };
}

const CHANNELS = [
  { id: '0', label: 'ch10', group: 'B', y: 20 },
  { id: '1', label: 'ch9', group: 'A', y: 40 },
  { id: '2', label: 'ch2', group: 'A', y: 10 },
  { id: '3', label: 'ch1', group: 'B', y: 20 },
];
/** @type {any} */
const MANIFEST = { channels: CHANNELS };

/** @param {number} rows @param {number} width */
function samples(rows, width) {
  const values = Float64Array.from({ length: rows * width }, (_, at) => Math.sin(at) / 3);
  const channels = Array.from({ length: width }, (_, at) => ({ id: String(at), label: `c${at}`, unit: 'uV' }));
  return { times: Float64Array.from({ length: rows }, (_, at) => 12 + at / 30000), values, channels };
}

test('an .npy header is padded to 64 bytes and ends with a newline', () => {
  for (const rows of [0, 1, 9, 10, 99999]) {
    const file = npyFile({ ...samples(rows, 1) });
    const length = new DataView(file.buffer).getUint16(8, true) + 10;
    assert.equal(length % 64, 0);
    assert.equal(file[length - 1], 10);
    assert.equal(file.length, length + rows * 16);
    assert.deepEqual([...file.subarray(0, 8)], [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  }
});

test('CSV reads back to the same numbers', () => {
  const given = samples(5000, 5);
  const lines = [...csvPieces(given, 'mV')].join('').trimEnd().split('\r\n');
  assert.equal(lines[0], 'time [s],c0 [uV],c1 [uV],c2 [uV],c3 [uV],c4 [uV]');
  assert.equal(lines.length, 5001);
  lines.slice(1).forEach((line, row) => {
    const [time, ...values] = line.split(',').map(Number);
    assert.equal(time, given.times[row]);
    assert.deepEqual(Float64Array.from(values), given.values.subarray(row * 5, row * 5 + 5));
  });
});

test('a channel without a unit has that of the series, or none', () => {
  const given = { ...samples(1, 1), channels: [{ id: 'a', label: 'a,b' }] };
  assert.equal([...csvPieces(given, 'mV')].join('').split('\r\n')[0], 'time [s],"a,b [mV]"');
  assert.equal([...csvPieces(given, '')].join('').split('\r\n')[0], 'time [s],"a,b"');
});

test('cells of CSV are quoted, and no spreadsheet runs them', () => {
  assert.equal(csvCell('plain'), 'plain');
  assert.equal(csvCell('say "hi"\n'), '"say ""hi""\n"');
  assert.equal(csvCell('=1+1'), "'=1+1");
  assert.equal(csvCell('@a,b'), '"\'@a,b"');
});

test('file names have nothing that a system refuses', () => {
  assert.equal(fileName(['LFP: a/b\\c', '1.5 s-2 s'], 'csv'), 'LFP_a_b_c_1.5_s-2_s.csv');
  assert.equal(fileName(['../../etc/passwd'], 'npy'), 'etc_passwd.npy');
  assert.equal(fileName(['<img src=x>'], 'png'), 'img_src_x.png');
  assert.equal(fileName(['con'], 'csv'), 'seriesview_con.csv');
  assert.equal(fileName(['???', ''], 'csv'), 'seriesview_.csv');
  assert.equal(fileName(['Gehörn 日本'], 'csv'), 'Gehörn_日本.csv');
  assert.ok(fileName(['x'.repeat(500)], 'csv').length < 130);
});

test('values are shown in the unit of the panel, with the digits of the data', () => {
  /** @type {any} */
  const manifest = {
    dtype: 'int16',
    scale: 0.195,
    offset: 0,
    type: 'continuous',
    channels: [{ id: 'a' }, { id: 'b', scale: 1 }],
  };
  /** @type {any} */
  const host = { painted: { lanes: [{ id: 'a', unit: 'uV', shownUnit: { unit: 'mV', factor: 1e-3 } }] } };
  const shown = shownUnitOf(host, 'a', 'uV');
  const text = (/** @type {number | null} */ low, /** @type {number | null} */ high) =>
    rangeText({ unit: 'uV', low, high }, shown, precisionOfChannel(manifest, 'a'));
  assert.equal(text(0.195, 390), '0.000195 \u2026 0.390000 mV');
  assert.equal(text(0.195, 0.195), '0.000195 mV');
  assert.equal(text(null, null), 'no data');
  assert.deepEqual(precisionOfChannel(manifest, 'b'), { step: 1, offset: 0 });
  assert.deepEqual(shownUnitOf(host, 'b', 'uV'), { unit: 'uV', factor: 1 });
  assert.deepEqual(shownUnitOf(null, 'a', 'uV'), { unit: 'uV', factor: 1 });
  const counts = precisionOfChannel({ ...manifest, type: 'event', dtype: 'float64' }, 'a');
  assert.equal(rangeText({ unit: 'events', low: 3, high: 3 }, shownUnitOf(host, 'a', 'events'), counts), '3 events');
});

test('times have the digits that samples have', () => {
  /** @type {any} */
  const app = {
    timeline: () => timeline({ startTime: 0.25, ticksPerSecond: 1000 }),
    timeText: (/** @type {number} */ time, /** @type {number} */ resolution) =>
      time.toFixed(Math.round(-Math.log10(resolution))),
    state: () => ({ time: 'clock' }),
  };
  assert.equal(exactText(app, 2.05), '2.050');
  assert.equal(exactText(app, 2.05025), '2.05025');
  assert.equal(exactText(app, 10.25, 0.5), '10.250');
  assert.equal(exactText(app, 10.5, 0.5), '10.5');
  assert.equal(exactText(app, 86400.25, 86400), '86400');
  assert.equal(exactText(app, 43200, 86400), '43200');
  assert.equal(exactText(app, 0.25 + 1 / 30000, 1 / 30000), '0.250033');
  assert.equal(exactText(app, 2.0512346, null), '2.051235');
});

test('seconds, h:m:s and samples are times', () => {
  const line = timeline({ startTime: 0.25, firstTime: -5 });
  /** @type {[string, number][]} */
  const cases = [
    ['12.5', 12.5],
    [' 12.5 s ', 12.5],
    ['1e3', 1000],
    ['-3', -3],
    ['\u22123', -3],
    ['.5', 0.5],
    ['1:02:03.5', 3723.5],
    ['2:03', 123],
    ['-0:01', -1],
    ['90:00', 5400],
    ['1d 01:00:00', 90000],
    ['1 d', 86400],
    ['0d 2:03', 123],
    ['#500', 0.75],
    ['#12,345', 12.595],
  ];
  for (const [text, time] of cases) assert.deepEqual(parseTime(text, line, 'seconds'), { time }, text);
});

test('wall-clock times are found to the microsecond', () => {
  const line = timeline({ sessionStart: '2024-05-01T23:59:58.250001+02:00' });
  /** @type {[string, number][]} */
  const cases = [
    ['2024-05-01 23:59:59.250002', 1.000001],
    ['2024-05-01T21:59:59.250001Z', 1],
    ['2024-05-01 21:59:59.250001 Z', 1],
    ['2024-05-01 22:59:58.250001+0100', 0],
    ['2024-05-02 00:00', 1.749999],
    ['00:00:01.250001', 3],
    ['23:59:58.250011', 0.00001],
  ];
  for (const [text, time] of cases) {
    const read = /** @type {{time: number}} */ (parseTime(text, line, 'wall'));
    assert.ok(Math.abs(read.time - time) < 1e-9, `${text}: ${JSON.stringify(read)}`);
  }
  assert.deepEqual(parseTime('0:00:03', line, 'clock'), { time: 3 });
  for (const mode of /** @type {const} */ (['seconds', 'clock', 'wall'])) {
    const since1970 = /** @type {{time: number}} */ (parseTime('1714600799.250001', line, mode));
    assert.ok(Math.abs(since1970.time - 1) < 3e-7, `${mode}: ${JSON.stringify(since1970)}`);
  }
});

test('times of a clock without a zone are read as it shows them', () => {
  const line = timeline({ sessionStart: '2024-03-31T01:30:00' });
  process.env.TZ = 'Europe/Berlin';
  for (const [text, time] of /** @type {[string, number][]} */ ([
    ['02:30', 3600],
    ['2024-03-31 3:30', 7200],
    ['3:30:00.5', 7200.5],
  ])) {
    assert.deepEqual(parseTime(text, line, 'wall'), { time }, text);
  }
  assert.ok('error' in parseTime('2024-03-31 02:30 +01:00', line, 'wall'));
  delete process.env.TZ;
});

test('what is no time, or outside, is said in words', () => {
  for (const text of [
    '',
    'soon',
    '1:2:3:4',
    '#',
    '#1.5',
    '1:75',
    '1:99:00',
    '1e',
    'NaN',
    '2024-05-01 14:00:00',
    '200000',
    '-1',
    '1:60:00',
  ]) {
    const read = /** @type {{error: string}} */ (parseTime(text, timeline(), 'seconds'));
    assert.ok(read.error?.length > 20, `${text}: ${JSON.stringify(read)}`);
  }
});

test('channels are ordered by group and depth, as stored, or by label', () => {
  assert.deepEqual(orderedIds(MANIFEST, 'depth'), ['1', '2', '0', '3']);
  assert.deepEqual(orderedIds(MANIFEST, 'stored'), ['0', '1', '2', '3']);
  assert.deepEqual(orderedIds(MANIFEST, 'label'), ['3', '2', '1', '0']);
  assert.deepEqual(groupsOf(CHANNELS), ['A', 'B']);
});

test('a filter takes all words, wherever they are', () => {
  assert.deepEqual(
    CHANNELS.filter((one) => matches(one, 'CH1 b')).map(({ id }) => id),
    ['0', '3'],
  );
  assert.equal(CHANNELS.filter((one) => matches(one, ' ')).length, 4);
});

test('channels are ordered and filtered by type, and bad ones are found', () => {
  const types = ['TRIG', 'EMG', undefined, 'EEG', 'EOG', 'EEG'];
  const channels = types.map((type, index) => {
    /** @type {import('../../seriesview/viewer/types.js').Channel} */
    const channel = { id: String(index), label: `c${index}` };
    if (type) channel.type = type;
    return channel;
  });
  channels[5].bad = true;
  assert.deepEqual(orderedIds({ ...MANIFEST, channels }, 'type'), ['3', '5', '4', '1', '0', '2']);
  assert.deepEqual(typesOf(channels), ['EEG', 'EMG', 'EOG', 'TRIG']);
  assert.deepEqual(
    channels.filter((one) => matches(one, 'bad eeg')).map(({ id }) => id),
    ['5'],
  );
});

test('moving a channel, and what a link holds of it', () => {
  assert.deepEqual(moved(['a', 'b', 'c'], 'a', 1), ['b', 'a', 'c']);
  assert.deepEqual(moved(['a', 'b', 'c'], 'c', -1), ['c', 'a', 'b']);
  assert.deepEqual(moved(['a', 'b', 'c'], 'a', 9), ['b', 'c', 'a']);
  assert.equal(channelSetting(['a', 'b'], ['a', 'b']), undefined);
  assert.deepEqual(channelSetting(['b', 'a'], ['a', 'b']), ['b', 'a']);
  assert.deepEqual(channelSetting(['a'], ['a', 'b']), ['a']);
});

test('a wall clock has 24 hours', () => {
  const line = timeline({ sessionStart: '2024-05-01T10:00:00Z' });
  for (const text of ['25:00', '2024-05-01 10:61', '2024-13-01 10:00', '10:00:00+99:99']) {
    assert.ok('error' in parseTime(text, line, 'wall'), text);
  }
});

test('statistics of whole bins are said to be that', async () => {
  /** @type {any} */
  const manifest = {
    type: 'continuous',
    scale: 2,
    offset: 1,
    unit: 'uV',
    channels: [{ id: 'a', label: 'A' }],
    timestamps: null,
    sampling_frequency: 10,
    segments: [{ start_time: 0, end_time: 10, num_samples: 100 }],
  };
  const stored = { count: [100], mean: [1], rms: [1], std: [0], min: [1], max: [1] };
  /** @param {object} more @returns {any} */
  const source = (more) => ({ getStatistics: async () => ({ ...stored, ...more }) });
  const exact = { id: 'a', label: 'A', unit: 'uV', count: 100, mean: 3, rms: 3, std: 0, min: 3, max: 3 };
  assert.deepEqual(await statistics(source({}), 'u', manifest, 1, 2, null), [exact]);
  const covered = { firstSample: 0, lastSample: 99 };
  assert.deepEqual(await statistics(source({ covered }), 'u', manifest, 1, 2, null), [{ ...exact, isRounded: true }]);
});
