import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { STAGING } from '@pgaf/postgres/data-directory';
import { stagedData } from '@pgaf/postgres/fill-directory';
import { programsWith } from '@pgaf/postgres/processes';
import { expect, onTestFinished, test } from 'vitest';
import {
  atRest,
  killNode,
  newMonitor,
  newNode,
  twoNodes,
  until,
  type TestNode,
} from './testing/test-nodes.js';

/** As what a keeper has started that was killed since. */
function leaveAtWork(node: TestNode, program: string, args: readonly string[]): ChildProcess {
  const child = spawn(join(node.config.bindir, program), args, { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function hasEnded(child: ChildProcess): Promise<boolean> {
  return child.exitCode !== null || child.signalCode !== null;
}

test('a keeper that is told to end while it copies ends at once, and the next one copies', async () => {
  const monitor = newMonitor();
  const first = await newNode(monitor);
  await first.create();
  await atRest(monitor, { 1: 'single' });
  const second = await newNode(monitor, { maximumBackupRate: '1M' });
  await second.create();
  const { pgdata } = second.config;
  await until('node 2 copies', monitor, () =>
    Boolean(monitor.node(2).report.facts.waitingFor?.startsWith('copying, ')),
  );
  const told = performance.now();
  await second.end('orderly');
  expect(performance.now() - told).toBeLessThan(5000);
  expect(programsWith('pg_basebackup', `--pgdata=${stagedData(pgdata)}`)).toEqual([]);
  Object.assign(second.config, { maximumBackupRate: '100M' });
  second.run();
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
});

test('a base backup that a killed keeper left at work is ended before its files are taken away', async () => {
  const { monitor, first, second } = await twoNodes();
  await second.end('orderly');
  await atRest(monitor, { 1: 'wait_primary' });
  const { pgdata } = second.config;
  await mkdir(join(pgdata, STAGING), { mode: 0o700 });
  const orphan = leaveAtWork(second, 'pg_basebackup', [
    `--pgdata=${stagedData(pgdata)}`,
    `--dbname=host=127.0.0.1 port=${first.config.port} user=pgautofailover_replicator`,
    '--max-rate=1M',
    '--checkpoint=fast',
  ]);
  await until('it writes', monitor, () => existsSync(join(stagedData(pgdata), 'base')));
  // It would end by itself at the next file that it cannot make, or it would not.
  orphan.kill('SIGSTOP');
  second.run();
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  await until('it has ended', monitor, () => hasEnded(orphan), 5000);
  expect(existsSync(join(pgdata, STAGING))).toBe(false);
});

test('a rewind that a killed keeper left at work is ended before the data are copied anew', async () => {
  const { monitor, second } = await twoNodes();
  await second.end('orderly');
  await atRest(monitor, { 1: 'wait_primary' });
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { pgdata, statePath } = second.config;
  const { port } = silent.address() as AddressInfo;
  const orphan = leaveAtWork(second, 'pg_rewind', [
    `--target-pgdata=${pgdata}`,
    `--source-server=host=127.0.0.1 port=${port} dbname=postgres`,
  ]);
  await writeFile(`${statePath}.rewind`, `${pgdata}\n`);
  await until(
    'it is at work',
    monitor,
    () => programsWith('pg_rewind', `--target-pgdata=${pgdata}`).length === 1,
  );
  second.run();
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  await until('it has ended', monitor, () => hasEnded(orphan), 5000);
  silent.close();
});

test('what a rewind that was cut off has left is not opened for writes', async () => {
  const { monitor, first, second } = await twoNodes();
  await second.end('orderly');
  await killNode(first);
  await writeFile(`${first.config.statePath}.rewind`, `${first.config.pgdata}\n`);
  monitor.order((group) => ({
    ...group,
    nodes: group.nodes.filter(({ id }) => id === 1).map((node) => ({ ...node, goal: 'single' as const })),
  }));
  first.run();
  await until('node 1 to say why it does not open', monitor, () =>
    Boolean(monitor.node(1).report.facts.waitingFor?.startsWith('pg_rewind was cut off here')),
  );
  await until('it is not counted on', monitor, () => !monitor.node(1).report.postgresRunning);
  expect(first.lines.join(''), 'no other attempt mends them').not.toContain('Postgres did not start');
});

test('what a rewind that was cut off has left promises nothing, and is not waited for', async () => {
  const { monitor, first, second } = await twoNodes();
  await killNode(second);
  await first.end('handOff');
  await writeFile(`${second.config.statePath}.rewind`, `${second.config.pgdata}\n`);
  monitor.order((group) => ({
    ...group,
    leader: null,
    nodes: group.nodes.filter(({ id }) => id === 2).map((node) => ({ ...node, goal: 'report_lsn' as const })),
  }));
  second.run();
  await until('node 2 to say why it does not promise', monitor, () =>
    Boolean(monitor.node(2).report.facts.waitingFor?.startsWith('pg_rewind was cut off here')),
  );
  // Postgres that is down has twenty seconds to come back otherwise.
  await until('it is not counted on', monitor, () => !monitor.node(2).report.postgresRunning, 5000);
  expect(monitor.node(2).report.facts.promise).toBeUndefined();
  expect(monitor.node(2).report.facts.promising).toBeUndefined();
});
