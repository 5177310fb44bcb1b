import { createServer } from 'node:net';
import { freePort } from '@pgaf/core/testing/free-ports';
import { expect, test } from 'vitest';
import { requireFreePort } from './free-port.js';

test.each(['127.0.0.1', '0.0.0.0'])(
  'a port that somebody has on %s is refused, and once it is free is not',
  async (host) => {
    const port = await freePort();
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(port, host, resolve));
    await expect(requireFreePort(port)).rejects.toMatchObject({
      code: 'port-in-use',
      exit: 1,
      message: `Port ${port} is in use.`,
      hint: expect.stringContaining('--pgport') as string,
    });
    await new Promise((resolve) => squatter.close(resolve));
    await requireFreePort(port);
    await requireFreePort(port);
  },
);
