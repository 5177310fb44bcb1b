import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasSuite, requireNoPassword } from '../../../docker/base/debian-mirror.mjs';

describe('a mirror of Debian', () => {
  let server: Server;
  let mirror = '';
  beforeAll(async () => {
    server = createServer(({ url = '' }, response) => {
      const status = url.includes('bookworm-security') ? 200 : url.includes('broken') ? 503 : 404;
      response.writeHead(status).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    mirror = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/debian`;
  });
  afterAll(() => server?.close());

  it('has a suite, or says that it has not', async () => {
    expect(await hasSuite(mirror, 'bookworm-security')).toBe(true);
    expect(await hasSuite(mirror, 'sid-security')).toBe(false);
  });

  it('is not taken to have none when it does not say', async () => {
    await expect(hasSuite(mirror, 'broken')).rejects.toThrow(/could not be asked for/);
    await expect(hasSuite('http://127.0.0.1:9/debian', 'sid')).rejects.toThrow(/could not be asked for/);
  });

  it('has no password in its address, which images would keep', () => {
    expect(() => requireNoPassword('http://name:secret@mirror.example/debian')).toThrow(/mirror\.example/);
    expect(() => requireNoPassword('http://name:secret@mirror.example/debian')).not.toThrow(/secret/);
    requireNoPassword('http://mirror.example/debian');
  });
});
