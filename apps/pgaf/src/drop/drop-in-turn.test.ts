import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import { freePort } from '@pgaf/core/testing/free-ports';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Sandbox, waitFor } from '../testing/run-pgaf.js';
import { OPEN, startSingleNode } from '../testing/single-node.js';

const sandbox = new Sandbox();
let monitorUri = '';
let primary: Client;

/** A standby gets no stream, however much it asks for one. */
const NO_REPLICATION = 'host replication all all reject';

const onMonitor = (...words: string[]): string[] => [...words, '--monitor', monitorUri];

async function order(...words: string[]): Promise<void> {
  const { status, stderr } = await sandbox.run(onMonitor(...words));
  if (status !== 0) throw new Error(`pgaf ${words.join(' ')} ended with ${status}:\n${stderr}`);
}

async function untilStates(wanted: RegExp): Promise<void> {
  let seen = '';
  const read = async () => (seen = (await sandbox.run(onMonitor('show', 'state'))).stdout);
  await waitFor(
    String(wanted),
    async () => wanted.test(await read()),
    60_000,
    () => seen,
  );
}

async function putHbaInForce(edit: (lines: string) => string): Promise<void> {
  const file = `${sandbox.path('first')}/pg_hba.conf`;
  writeFileSync(file, edit(readFileSync(file, 'utf8')));
  await primary.query('SELECT pg_reload_conf()');
}

beforeAll(async () => {
  const there = await startSingleNode(sandbox);
  monitorUri = there.monitorUri;
  primary = await connect(parseConnInfo(`postgres://postgres@127.0.0.1:${there.nodePort}/postgres`), {
    connectTimeoutMs: 5000,
  });
  sandbox.start([
    ...['create', 'postgres', '--pgdata', sandbox.path('second'), '--pgport', String(await freePort())],
    ...['--hostname', '127.0.0.1', '--name', 'second', '--run', ...OPEN, '--monitor', monitorUri],
  ]);
  await untilStates(/first .* primary \|\s+primary[^]*second .* secondary \|\s+secondary/);
}, 120_000);

afterAll(async () => {
  await primary?.end();
  await sandbox.dispose();
}, 60_000);

it('waits for a standby that is on its way to where it can take over', async () => {
  await order('enable', 'maintenance', '--name', 'second');
  await untilStates(/second .* maintenance \|\s+maintenance/);
  await putHbaInForce((lines) => `${NO_REPLICATION}\n${lines}`);
  await primary.query('SELECT pg_terminate_backend(pid) FROM pg_stat_replication');
  await order('disable', 'maintenance', '--name', 'second', '--wait', '0');

  const refused = await sandbox.run(onMonitor('drop', 'node', '--name', 'first', '--no-wait'));
  expect(refused.status).not.toBe(0);
  expect(refused.stderr).toMatch(/yet: nobody can take over from it\. That will be node \d+ "second"/);

  const dropping = sandbox.start(onMonitor('drop', 'node', '--name', 'first', '-vv'));
  let said = '';
  dropping.stderr?.on('data', (text: Buffer) => (said += text.toString()));
  const ended = new Promise((resolve) => dropping.once('exit', resolve));
  await waitFor(
    'a refusal that passes',
    () => said.includes('nobody can take over from it') || dropping.exitCode !== null,
    30_000,
    () => said,
  );
  await putHbaInForce((lines) => lines.replace(`${NO_REPLICATION}\n`, ''));
  expect(await ended, said).toBe(0);
  await untilStates(/second .* single \|\s+single/);
}, 120_000);
