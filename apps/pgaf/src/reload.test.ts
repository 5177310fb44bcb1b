import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '@pgaf/core/testing/free-ports';
import { errorsOf, Sandbox, waitFor } from './testing/run-pgaf.js';

const sandbox = new Sandbox();
const env: Record<string, string> = {};
const at = ['--pgdata', sandbox.path('one')];
const file = `${sandbox.path('config')}/pg_autoctl${sandbox.path('one')}/pg_autoctl.cfg`;
let log = '';
let servicePid = 0;
let monitorPort = '';

const state = async (): Promise<string> => (await sandbox.run(['show', 'state'], env)).stdout;
const logged = (text: string | RegExp) => (): boolean =>
  typeof text === 'string' ? log.includes(text) : text.test(log);

async function reloadWith(change: (text: string) => string): Promise<void> {
  writeFileSync(file, change(readFileSync(file, 'utf8')));
  expect((await sandbox.run(['reload', ...at])).status).toBe(0);
}

beforeAll(async () => {
  monitorPort = String(await freePort());
  env['PG_AUTOCTL_MONITOR'] =
    `postgres://autoctl_node@127.0.0.1:${monitorPort}/pg_auto_failover?sslmode=prefer`;
  const place = ['--pgport', monitorPort, '--hostname', '127.0.0.1', '--auth', 'trust', '--no-ssl', '--run'];
  sandbox.start(['create', 'monitor', '--pgdata', sandbox.path('monitor'), ...place]);
  await waitFor('the monitor', async () => (await sandbox.run(['show', 'state'], env)).status === 0);
  const node = ['--pgport', String(await freePort()), '--hostname', '127.0.0.1', '--name', 'one'];
  const service = sandbox.start(
    ['create', 'postgres', ...at, ...node, '--auth', 'trust', '--no-ssl', '--run'],
    env,
  );
  servicePid = service.pid ?? 0;
  service.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
  await waitFor('the node', async () => / single \|\s+single/.test(await state()));
}, 180_000);

afterAll(() => sandbox.dispose());

it('takes a new name and a new host to the monitor', async () => {
  await reloadWith((text) =>
    text.replace(/^name = .*$/m, 'name = uno').replace(/^hostname = .*$/m, 'hostname = localhost'),
  );
  await waitFor('the new name and host', async () => / uno \|.* localhost:\d+ \|/.test(await state()));
  await waitFor('the log', logged(/pg_autoctl\.name is to be uno \(was one\) when the monitor takes it/));
}, 120_000);

it('puts a bound of slots into force', async () => {
  await reloadWith((text) => text.replace('[replication]', '[replication]\nmax_slot_wal_keep_size = 3GB'));
  const conf = `${sandbox.path('one')}/postgresql-auto-failover.conf`;
  await waitFor('the setting', () => readFileSync(conf, 'utf8').includes("max_slot_wal_keep_size = '3GB'"));
}, 120_000);

it('names what waits for a restart', async () => {
  await reloadWith((text) => text.replace(/^port = .*$/m, 'port = 1'));
  await waitFor('the log', logged(/postgresql\.port stays \d+ until a restart \(the file says 1\)/));
}, 120_000);

it('goes over to another address of the monitor', async () => {
  await reloadWith((text) => text.replace(`@127.0.0.1:${monitorPort}`, `@localhost:${monitorPort}`));
  await waitFor('the log', logged('pg_autoctl.monitor is now'));
  // The old session would have carried the next name as well; this one can only come over the new link.
  await reloadWith((text) => text.replace(/^name = .*$/m, 'name = due'));
  await waitFor('a name by the new session', async () => / due \|/.test(await state()));
}, 120_000);

it('keeps what is in force when the file is wrong, and says where', async () => {
  const before = readFileSync(file, 'utf8');
  const line = before.trimEnd().split('\n').length + 2;
  appendFileSync(file, '\n[timeout]\nnonsense = 1\n');
  process.kill(servicePid, 'SIGHUP');
  await waitFor('the error', logged(new RegExp(`the one from before stays: .*pg_autoctl\\.cfg:${line + 1}`)));
  writeFileSync(file, before.replace('max_slot_wal_keep_size = 3GB', 'max_slot_wal_keep_size = much'));
  process.kill(servicePid, 'SIGHUP');
  await waitFor('the error', logged('is \\"much\\", which is no size'));
  writeFileSync(file, before);
  expect((await sandbox.run(['status', ...at])).status).toBe(0);
  await reloadWith(() => before);
  await waitFor('the log', logged('Reloaded; no setting has changed'));
}, 120_000);

it.each([
  ['maximum_backup_rate = 100M', 'maximum_backup_rate = lots', /"lots", which is no rate/],
  ['max_slot_wal_keep_size = 3GB', 'max_slot_wal_keep_size = much', /"much", which is no size/],
  [
    'network_partition_timeout = 4',
    'network_partition_timeout = 2',
    /"2" .*timeout.network_partition_timeout.*of at least 3/,
  ],
  ['network_partition_timeout = 4', 'network_partition_timeout = soon', /pg_autoctl\.cfg:\d+: "soon"/],
])('refuses %s turned into %s where it was typed, and tells the service nothing', async (good, bad, said) => {
  const before = readFileSync(file, 'utf8');
  const length = log.length;
  writeFileSync(file, before.replace(good, bad));
  const refused = await sandbox.run(['reload', ...at]);
  writeFileSync(file, before);
  expect(refused.status).toBe(2);
  expect(errorsOf(refused.stderr)[0]?.msg).toMatch(said);
  expect(errorsOf(refused.stderr)[0]?.hint).toMatch(/\w/);
  await reloadWith(() => before);
  await waitFor('the log', () => log.slice(length).includes('Reloaded'));
  expect(log.slice(length)).toContain('Reloaded; no setting has changed');
  expect(log.slice(length)).not.toMatch(/not reloaded/);
});

it('tells of a name that the monitor does not take, and never says that it is in force', async () => {
  const taken = ['--pgdata', sandbox.path('two'), '--name', 'taken', '--hostname', '127.0.0.1'];
  const second = ['create', 'postgres', ...taken, '--auth', 'trust', '--no-ssl'];
  sandbox.start([...second, '--pgport', String(await freePort()), '--run'], env);
  await waitFor('another node', async () => /^ *taken \|/m.test(await state()));
  const length = log.length;
  await reloadWith((text) => text.replace(/^name = .*$/m, 'name = taken'));
  await waitFor('the refusal', () => /does not take the name \\"taken\\"/.test(log.slice(length)));
  expect(log.slice(length)).not.toMatch(/name is now|knows this node as \\"taken/);
  await reloadWith((text) => text.replace(/^name = .*$/m, 'name = due'));
  expect(await state()).toMatch(/ due \|/);
}, 120_000);
