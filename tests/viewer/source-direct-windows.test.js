import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createServer } from 'node:http';
import test from 'node:test';
import { setImmediate } from 'node:timers';

import { directWindows } from '../../seriesview/viewer/source/direct_windows.js';

/** @param {object} said @param {number[]} bytes */
function answerOf(said, bytes = []) {
  const text = Buffer.from(JSON.stringify(said));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text, Buffer.from(bytes)]);
}

/** @param {any} context @param {(request: any, response: any, body: any) => void} listener */
async function serverOf(context, listener) {
  const server = createServer(async (/** @type {any} */ request, /** @type {any} */ response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    listener(request, response, JSON.parse(Buffer.concat(pieces).toString()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${/** @type {any} */ (server.address()).port}/window`;
}

test('what is answered, and what is wrong with it', async (/** @type {any} */ context) => {
  const address = await serverOf(context, (request, response, body) => {
    assert.equal(request.method, 'POST');
    assert.equal(body.channelName, 'lab');
    const isGood = body.taskKwargs.columns > 0;
    const problem = { status: 'error', errorMessage: '[source-gone sha1=00ff] gone' };
    response.end(isGood ? answerOf({ status: 'finished', result: { columns: 1 } }, [1, 2]) : answerOf(problem));
  });
  const ask = directWindows({ address, channel: 'lab' });
  const found = await ask({ columns: 1 });
  assert.deepEqual(found?.result, { columns: 1 });
  assert.deepEqual([...new Uint8Array(found?.bytes ?? new ArrayBuffer(0))], [1, 2]);
  await assert.rejects(ask({ columns: 0 }), { kind: 'refused', code: 'source-gone', sha1: '00ff', message: 'gone' });
  assert.ok(await ask({ columns: 1 }));
});

for (const [status, isLater] of [
  [404, false],
  [405, false],
  [403, true],
  [429, true],
  [500, true],
  [0, true],
]) {
  test(`after ${status || 'a broken connection'} a task is asked${isLater ? ' for a while' : ''}`, async (/** @type {any} */ context) => {
    let now = 0;
    context.mock.method(performance, 'now', () => now);
    let number = 0;
    const address = await serverOf(context, (request, response) => {
      number += 1;
      if (number > 1) response.end(answerOf({ status: 'finished', result: {} }));
      else if (!status) request.socket.destroy();
      else response.writeHead(Number(status)).end('No.');
    });
    const ask = directWindows({ address, channel: 'lab' });
    assert.equal(await ask({}), null);
    assert.equal(await ask({}), null);
    assert.equal(number, 1);
    now = 6000;
    assert.equal((await ask({})) !== null, isLater);
  });
}

test('where its backend is not here a task is asked', async (/** @type {any} */ context) => {
  const address = await serverOf(context, (_, response) =>
    response.end(answerOf({ status: 'error', errorMessage: '[no-backend] none' })),
  );
  assert.equal(await directWindows({ address, channel: 'lab' })({}), null);
});

test('what is given up ends its request, and is no sign of trouble', async (/** @type {any} */ context) => {
  let ended = 0;
  let isHeld = true;
  /** @type {(value: any) => void} */
  let arrive = () => {};
  const arrived = new Promise((resolve) => (arrive = resolve));
  const address = await serverOf(context, (_, response) => {
    if (!isHeld) return response.end(answerOf({ status: 'finished', result: {} }));
    response.on('close', () => (ended += 1));
    arrive(true);
  });
  const ask = directWindows({ address, channel: 'lab' });
  const end = new AbortController();
  const asked = ask({}, end.signal);
  await arrived;
  end.abort(new Error('paged past'));
  await assert.rejects(asked, { message: 'paged past' });
  isHeld = false;
  assert.ok(await ask({}));
  while (!ended) await new Promise((resolve) => setImmediate(resolve));
});
