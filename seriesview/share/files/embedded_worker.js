// Before the worker in a single file: its first message brings the files that it would fetch.
{
  const files = new Promise((resolve) => {
    const take = (event) => {
      event.stopImmediatePropagation();
      removeEventListener('message', take);
      resolve(event.data);
    };
    addEventListener('message', take);
  });
  globalThis.fetch = async (address, options) => embeddedAnswer(await files, address, options);
}
