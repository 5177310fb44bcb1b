import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { admitClients, clientsAreRejected, rejectClients } from './closed-hba.js';
import { hbaFile, writeHbaRules } from './hba.js';
import { reload } from './reload.js';
import { awaitStreaming, newPrimary, newStandby, superuser, within } from './testing/servers.js';
import pg from 'pg';

async function isLetIn(port: number, host: string): Promise<boolean> {
  const client = new pg.Client({ host, port, user: 'guest', database: 'postgres' });
  client.on('error', () => undefined);
  const connected = await client.connect().then(
    () => true,
    () => false,
  );
  await client.end().catch(() => undefined);
  return connected;
}

test('clients are rejected wherever they come from, standbys and the superuser here are not', async () => {
  const primary = await newPrimary();
  const { pgdata, client, server } = primary;
  await client.query('CREATE ROLE guest LOGIN');
  await writeHbaRules(pgdata, [
    { type: 'host', database: 'all', user: 'guest', address: '127.0.0.1', method: 'trust' },
    { type: 'host', database: 'replication', user: 'all', address: '127.0.0.1', method: 'trust' },
  ]);
  const before = await readFile(hbaFile(pgdata), 'utf8');
  await reload(client);
  await within(5000, async () => (await isLetIn(server.port, '127.0.0.1')) || undefined);

  await rejectClients(pgdata, superuser());
  expect(await rejectClients(pgdata, superuser())).toBe('unchanged');
  expect(clientsAreRejected(pgdata)).toBe(true);
  await reload(client);
  await within(5000, async () => !(await isLetIn(server.port, '127.0.0.1')) || undefined);
  expect(await isLetIn(server.port, server.socketDirectory)).toBe(false);
  await client.close();
  expect(await client.query('SELECT 1')).toHaveLength(1);
  await newStandby(primary);
  await awaitStreaming(primary);

  expect(await admitClients(pgdata)).toBe('changed');
  expect(await readFile(hbaFile(pgdata), 'utf8')).toBe(before);
  expect(await admitClients(pgdata)).toBe('unchanged');
});

test('the superuser goes on by the lines of the user, whatever their method', async () => {
  const { pgdata } = await newPrimary();
  const own = `local all all md5\nlocal app "${superuser()}" peer map=admins\nlocal replication all trust\nhost all all all md5\n`;
  await writeFile(hbaFile(pgdata), own);
  await rejectClients(pgdata, superuser());
  const lines = (await readFile(hbaFile(pgdata), 'utf8')).split('\n').slice(1, 5);
  expect(lines).toEqual([
    `local all "${superuser()}" md5`,
    `local app "${superuser()}" peer map=admins`,
    'local all all reject',
    'host all all all reject',
  ]);
});
