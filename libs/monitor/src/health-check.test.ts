import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ensureSelfSignedCertificate } from '@pgaf/postgres/certificates';
import { writeHbaRules } from '@pgaf/postgres/hba';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '@pgaf/core/testing/free-ports';
import { checkHealth } from './health-check.js';
import { healthTls } from './health-tls.js';
import { logInPlain, startupMessage } from './plain-login.js';
import { writeMonitorFiles } from './create.js';
import { TestMonitor } from './testing/test-monitor.js';

const POLL = { timeout: 20_000 };
let monitor: TestMonitor;
let node: { host: string; port: number };

beforeAll(async () => {
  monitor = await TestMonitor.create();
  node = { host: '127.0.0.1', port: monitor.options.port };
});

afterAll(async () => {
  await monitor?.destroy();
});

test('a Postgres that turns the role away is bad and not refused', async () => {
  expect(await checkHealth(node, 'plain', 1000)).toMatchObject({ health: 'bad', refused: false });
});

test('a session that is established is good', async () => {
  const root = await monitor.connectAsSuperuser();
  await root.query('CREATE ROLE pgautofailover_monitor LOGIN');
  await writeHbaRules(monitor.options.pgdata, [
    { type: 'host', database: 'all', user: 'pgautofailover_monitor', address: '127.0.0.1', method: 'trust' },
  ]);
  await root.query('SELECT pg_reload_conf()');
  await expect.poll(() => checkHealth(node, 'plain', 1000), POLL).toMatchObject({ health: 'good' });
  expect(await checkHealth(node, 'plain', 1000)).toMatchObject({ health: 'good' });
});

test('a server that asks for a password is given it', async () => {
  const root = await monitor.connectAsSuperuser();
  await root.query(`ALTER ROLE pgautofailover_monitor PASSWORD 'pgautofailover_monitor'`);
  const role = { database: 'all', user: 'pgautofailover_monitor', address: '127.0.0.1' };
  const rule = { type: 'host', ...role } as const;
  await writeHbaRules(monitor.options.pgdata, [{ ...rule, method: 'scram-sha-256' }]);
  await root.query('SELECT pg_reload_conf()');
  const asks = async () => logInPlain(node.host, node.port, startupMessage({ user: role.user })).answer;
  await expect.poll(asks, POLL).toEqual({ tag: 'question' });
  expect(await checkHealth(node, 'plain', 5000)).toMatchObject({ health: 'good' });
  await writeHbaRules(monitor.options.pgdata, [{ ...rule, method: 'trust' }]);
  await root.query('SELECT pg_reload_conf()');
  await expect.poll(asks, POLL).not.toEqual({ tag: 'question' });
});

test.each(['HTTP/1.1 400 Bad Request\r\n\r\n', 'R\0\0\0\x04', 'E\0\0\0\0', 'R'])(
  'what does not speak as Postgres does is bad: %j',
  async (words) => {
    const server = createServer((socket) => socket.on('error', () => undefined).end(words));
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const check = await checkHealth({ host: '127.0.0.1', port }, 'plain', 5000);
    expect(check).toMatchObject({ health: 'bad', reason: expect.not.stringContaining('in time') });
    server.close();
  },
);

test('a role that is out of connections says that Postgres is alive', async () => {
  const root = await monitor.connectAsSuperuser();
  await root.query('ALTER ROLE pgautofailover_monitor CONNECTION LIMIT 0');
  expect(await checkHealth(node, 'plain', 1000)).toMatchObject({ health: 'good', refused: false });
  await root.query('ALTER ROLE pgautofailover_monitor CONNECTION LIMIT 1');
});

test('a host that answers with a reset is refused', async () => {
  const check = await checkHealth({ host: '127.0.0.1', port: await freePort() }, 'plain', 1000);
  expect(check).toMatchObject({ health: 'bad', refused: true });
});

test('a host that says nothing is not refused', async () => {
  const silent = createServer();
  const port = await freePort();
  await new Promise<void>((resolve) => silent.listen(port, '127.0.0.1', resolve));
  const check = await checkHealth({ host: '127.0.0.1', port }, 'plain', 200);
  expect(check).toMatchObject({ health: 'bad', refused: false, reason: 'no answer in time' });
  silent.close();
});

test('where only TLS is let in, the other encryption is worth a try', async () => {
  const { pgdata } = monitor.options;
  expect(await checkHealth(node, 'tls', 1000)).toMatchObject({ health: 'bad', tryOtherEncryption: true });
  const { certFile, keyFile } = await ensureSelfSignedCertificate(pgdata, 'localhost');
  await writeMonitorFiles({ ...monitor.options, ssl: { certFile, keyFile } });
  const hba = join(pgdata, 'pg_hba.conf');
  const rules = await readFile(hba, 'utf8');
  await writeFile(
    hba,
    'hostssl all pgautofailover_monitor all trust\nhost all pgautofailover_monitor all reject\n',
  );
  await appendFile(hba, rules);
  await monitor.restartPostgres();
  expect(await checkHealth(node, 'plain', 1000)).toMatchObject({ health: 'bad', tryOtherEncryption: true });
  expect(await checkHealth(node, 'tls', 1000)).toMatchObject({ health: 'good' });
});

test('a node that cannot be recognised is neither good nor bad', async () => {
  const { pgdata, socketDirectory } = monitor.options;
  const own = join(pgdata, 'server.crt');
  const check = async (sslmode: string, caFile: string) => {
    const tls = await healthTls({ sslmode, caFile, crlFile: null });
    if (typeof tls === 'string') throw new Error(`${sslmode} asks for nothing`);
    return checkHealth(node, { required: tls }, 1000);
  };
  expect(await check('verify-ca', own)).toMatchObject({ health: 'good' });
  expect(await check('verify-full', own)).toMatchObject({
    health: 'unknown',
    reason: 'the certificate is for CN=localhost, not for 127.0.0.1',
  });
  const { certFile: stranger } = await ensureSelfSignedCertificate(socketDirectory, 'stranger');
  expect(await check('verify-ca', stranger)).toMatchObject({
    health: 'unknown',
    reason: expect.stringContaining('not signed by an authority'),
  });
  await writeMonitorFiles(monitor.options);
  await monitor.restartPostgres();
  expect(await check('verify-ca', own)).toMatchObject({
    health: 'unknown',
    reason: expect.stringContaining('TLS'),
  });
  expect(await checkHealth(node, 'tls', 1000)).toMatchObject({ health: 'bad', tryOtherEncryption: true });
  const asks = (sslmode: string) => healthTls({ sslmode, caFile: own, crlFile: null });
  expect(await asks('prefer')).toBe('plain first');
  expect(await asks('require')).toBe('tls first');
});

test('a monitor without file descriptors has seen nothing', async () => {
  // Started before, as nothing can be started then.
  const shell = spawn('sh', { stdio: ['pipe', 'pipe', 'inherit'] });
  const limit = async (files: number) => {
    shell.stdin.write(`prlimit --pid ${process.pid} --nofile=${files}: && echo done\n`);
    await once(shell.stdout, 'data');
  };
  const before = Number(/Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
  await limit(3);
  const check = await checkHealth(node, 'plain', 1000).finally(() => limit(before));
  expect(check).toMatchObject({ health: 'unknown', refused: false });
  shell.stdin.end();
});

test('a monitor that was held up itself has seen nothing', async () => {
  const silent = createServer();
  const port = await freePort();
  await new Promise<void>((resolve) => silent.listen(port, '127.0.0.1', resolve));
  const check = checkHealth({ host: '127.0.0.1', port }, 'plain', 100);
  const until = performance.now() + 600;
  while (performance.now() < until);
  expect(await check).toMatchObject({ health: 'unknown', refused: false });
  silent.close();
});
