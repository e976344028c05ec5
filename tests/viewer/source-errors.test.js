import assert from 'node:assert/strict';
import test from 'node:test';

import { codedMessageOf, errorOf } from '../../seriesview/node/page/errors.js';
import { SourceError, asSourceError, factsOf, parseCoded } from '../../seriesview/viewer/source/errors.js';

const SHA1 = 'a'.repeat(40);

test('a message is taken apart into its code, its facts and its sentence', () => {
  const sentence = 'no such thing [at all]';
  assert.deepEqual(parseCoded(`[artifact-missing sha1=${SHA1} more=1] ${sentence}`), {
    code: 'artifact-missing',
    sha1: SHA1,
    sentence,
  });
  assert.equal(parseCoded(`[no-backend] ${sentence}`).code, 'no-backend');
});

test('a message without a code stands as it is', () => {
  for (const text of ['', 'gone', '[Errno 2] gone', '[gone] gone', '[no-backend]gone']) {
    assert.deepEqual(parseCoded(text), { sentence: text });
    assert.equal(errorOf(text).message, text);
    assert.equal(errorOf(text).code, undefined);
  }
});

test('what is thrown keeps its code and the artifact that it is about', () => {
  const thrown = Object.assign(new Error('gone'), { code: 'source-gone', sha1: SHA1 });
  assert.deepEqual(factsOf(asSourceError(thrown, 'refused')), { code: 'source-gone', sha1: SHA1 });
  assert.equal(new SourceError('backend', 'nobody').code, 'no-backend');
  // The codes of browsers' own errors are numbers.
  assert.equal(asSourceError(new DOMException('', 'AbortError'), 'network').code, 'no-network');
});

test("the page around a view hands codes on, its own and a backend's", () => {
  const error = errorOf('[bucket-unusable] not read');
  assert.equal(error.message, 'not read');
  assert.equal(codedMessageOf(error), '[bucket-unusable] not read');
  assert.equal(codedMessageOf(new Error('not read')), 'not read');
});
