import assert from 'node:assert/strict';
import test from 'node:test';
import { decimalsOf, numberText, precisionOf } from '../../seriesview/viewer/geometry/digits.js';

test('integers have the decimals of one step, whatever the unit that they are shown in', () => {
  const volts = precisionOf('int16', 0.195, 0);
  assert.equal(numberText(1234 * 0.195, volts), '240.630');
  assert.equal(numberText(1234 * 0.195, volts, 1e-3), '0.240630');
  assert.equal(numberText(12340 * 0.195, volts, 1e3), '2406300');
  assert.equal(numberText(7, precisionOf('uint8', 1, 0)), '7');
  assert.equal(numberText(-3 * (10 / 32768), precisionOf('int16', 10 / 32768, 0)), '-0.00092');
  assert.equal(numberText(3 * 2.34375, precisionOf('int16', 2.34375, 0)), '7.0');
  assert.equal(numberText(-0.0001, precisionOf('int16', 0.5, 0)), '0.0');
  assert.equal(numberText(20.05, precisionOf('int16', 0.1, 0.05)), '20.05');
});

test('two values that are stored apart are read apart, and no digit is made up', () => {
  for (const scale of [1, 0.5, 0.195, 2.34375, 4.6875, 0.1953125, 10 / 32768, 1e-6, 3.3e-9, 1e-12, 250, 7]) {
    for (const factor of [1, 1e-3, 1e3, 1e6]) {
      const precision = precisionOf('int32', scale, 0);
      for (const stored of [0, 1, 12, 99, 1000, 65535, 8388607]) {
        const texts = [stored, stored + 1].map((count) => numberText(count * scale, precision, factor));
        assert.notEqual(texts[0], texts[1], `${scale} ${factor} ${stored}`);
        const wrong = Math.abs(Number(texts[1]) - (stored + 1) * scale * factor);
        assert.ok(wrong <= 0.5 * scale * factor, `${texts[1]} ${scale} ${factor} ${stored}`);
        assert.ok(texts[1].replace(/[-.]|e.*/g, '').replace(/^0+/, '').length <= 17, texts[1]);
      }
    }
  }
});

test('floating-point numbers have the digits of their dtype', () => {
  assert.equal(numberText(Math.fround(0.1), precisionOf('float32', 1, 0)), '0.1');
  assert.equal(numberText(Math.fround(1 / 3), precisionOf('float32', 1, 0)), '0.3333333');
  assert.equal(numberText(1 / 3, precisionOf('float64', 1, 0)), '0.333333333333333');
  assert.equal(numberText(0.1 + 0.2, precisionOf('float64', 1, 0)), '0.3');
  assert.equal(numberText(0.333251953125, precisionOf('float16', 1, 0)), '0.3333');
  assert.equal(numberText(1e-30, precisionOf('float32', 1, 0)), '1e-30');
});

test('what is no number, and what is very large', () => {
  assert.equal(numberText(null, precisionOf('int16', 1, 0)), '\u2013');
  assert.equal(numberText(NaN, precisionOf('float32', 1, 0)), 'NaN');
  assert.equal(numberText(-Infinity, precisionOf('float64', 1, 0)), '-Infinity');
  assert.equal(numberText(5, precisionOf('int16', 0, 5)), '5');
  assert.equal(numberText(2 ** 60, precisionOf('int64', 1, 0)), '1152921504606850000');
});

test('means have some digits more', () => {
  assert.equal(numberText(1 / 3, precisionOf('int16', 1, 0), 1, 2), '0.33');
  assert.equal(numberText(1 / 3, precisionOf('int16', 0.195, 0), 1, 1), '0.3333');
});

test('decimals of a sampling interval', () => {
  assert.deepEqual(
    [1 / 30000, 1e-3, 1 / 1250, 1 / 512, 60, 0.1, 1e-7].map((step) => decimalsOf(step)),
    [6, 3, 4, 4, 0, 1, 7],
  );
});
