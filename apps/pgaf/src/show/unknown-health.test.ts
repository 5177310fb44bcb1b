import { readFileSync, writeFileSync } from 'node:fs';
import { freePort } from '@pgaf/core/testing/free-ports';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Sandbox, waitFor } from '../testing/run-pgaf.js';

const sandbox = new Sandbox();
const here = ['--pgdata', sandbox.path('monitor')];
const file = `${sandbox.path('config')}/pg_autoctl${sandbox.path('monitor')}/pg_autoctl.cfg`;
let uri = '';
let shown = '';

async function showsState(what: RegExp): Promise<void> {
  const matches = async () => what.test((shown = (await sandbox.run(['show', 'state', ...here])).stdout));
  await waitFor(`${what} in show state`, matches).catch((error: unknown) => {
    throw new Error(`last shown:\n${shown}`, { cause: error });
  });
}

async function reloadWith(sslmode: string): Promise<void> {
  const certificate = sandbox.path('monitor/server.crt');
  const text = readFileSync(file, 'utf8').replace(/^ca_file = .*\n/m, '');
  writeFileSync(file, text.replace(/^sslmode = .*$/m, `sslmode = ${sslmode}\nca_file = ${certificate}`));
  const reloaded = await sandbox.run(['reload', ...here]);
  expect(reloaded.status, reloaded.stderr).toBe(0);
}

/** A monitor with TLS, which asks for it without verifying, and a node without. */
beforeAll(async () => {
  const port = String(await freePort());
  uri = `postgres://autoctl_node@127.0.0.1:${port}/pg_auto_failover?sslmode=require`;
  const place = (name: string) => ['--pgdata', sandbox.path(name), '--hostname', '127.0.0.1'];
  const how = ['--auth', 'trust', '--run'];
  sandbox.start(['create', 'monitor', ...place('monitor'), '--pgport', port, ...how, '--ssl-self-signed']);
  const node = [...place('first'), '--pgport', String(await freePort()), '--name', 'first', '--monitor', uri];
  sandbox.start(['create', 'postgres', ...node, ...how, '--no-ssl']);
  await waitFor('the monitor', async () => (await sandbox.run(['show', 'state', ...here])).status === 0);
}, 90_000);

afterAll(() => sandbox.dispose(), 60_000);

it('is known of a node without TLS while the monitor verifies nobody', async () => {
  await showsState(/ read-write \|\s+single \|\s+single/);
}, 60_000);

it('is told with its reason where the monitor verifies, until it is known again', async () => {
  await reloadWith('verify-ca');
  await showsState(/^Node 1 "first": the monitor cannot tell its health: it does not speak TLS/m);
  await reloadWith('require');
  await showsState(/ read-write \|\s+single \|\s+single\s*$/);
}, 90_000);

it('is told when a node is created that the monitor could not recognise', async () => {
  const created = await sandbox.run([
    ...['create', 'postgres', '--pgdata', sandbox.path('second'), '--hostname', '127.0.0.1', '--no-ssl'],
    ...['--auth', 'trust', '--pgport', String(await freePort()), '--name', 'second', '--monitor'],
    `${uri.replace('require', 'verify-ca')}&sslrootcert=${sandbox.path('monitor/server.crt')}`,
  ]);
  expect(created.status, created.stderr).toBe(0);
  expect(created.stderr).toMatch(/WARN .*--no-ssl: a monitor of sslmode verify-ca recognises nodes by/);
}, 90_000);
