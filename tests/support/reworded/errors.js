/** @file Imported before a test, it has every error that is thrown after it speak in capitals. */

globalThis.Error = new Proxy(Error, {
  construct(target, [message, ...more], newTarget) {
    const words = typeof message === 'string' ? [message.toUpperCase()] : [];
    return Reflect.construct(target, [...words, ...more], newTarget);
  },
});
