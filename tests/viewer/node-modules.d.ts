/** Node's own modules, which tests import: untyped, so that node's globals do not hide those of browsers. */
declare module 'node:*';

declare const process: { env: Record<string, string | undefined> };
