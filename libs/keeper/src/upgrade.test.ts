import { chmodSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBindir } from '@pgaf/postgres/binaries';
import { afterEach, expect, test } from 'vitest';
import { atRest, killPostmaster, newMonitor, newNode, until, type TestNode } from './testing/test-nodes.js';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** The installed binaries under another name, where a test can upgrade them. */
async function ownBinaries(): Promise<{ bindir: string; upgrade: (version: string, run: string) => void }> {
  const real = await findBindir();
  const bindir = mkdtempSync(join(tmpdir(), 'pgaf-bin-'));
  folders.push(bindir);
  for (const name of readdirSync(real)) symlinkSync(join(real, name), join(bindir, name));
  const upgrade = (version: string, run: string): void => {
    const script = `#!/bin/sh\n[ "$1" != --version ] || { echo 'postgres (PostgreSQL) ${version}'; exit; }\n${run}\n`;
    writeFileSync(join(bindir, 'postgres.new'), script);
    chmodSync(join(bindir, 'postgres.new'), 0o755);
    renameSync(join(bindir, 'postgres.new'), join(bindir, 'postgres'));
  };
  return { bindir, upgrade: (version, run) => upgrade(version, run.replace('REAL', join(real, 'postgres'))) };
}

function warnings({ monitor }: TestNode): string {
  return (monitor.node(1).report.facts.warnings ?? []).join();
}

test('an upgrade under a running Postgres is told until Postgres is restarted', async () => {
  const monitor = newMonitor();
  const { bindir, upgrade } = await ownBinaries();
  const node = await newNode(monitor, { bindir });
  await node.create();
  await atRest(monitor, { 1: 'single' });
  await until('the version is told', monitor, () => monitor.versions.get(1) !== undefined);
  const running = monitor.versions.get(1) ?? '';
  upgrade(`${Number.parseInt(running, 10)}.99 (test)`, 'exec REAL "$@"');
  await until('the upgrade is told', monitor, () => warnings(node).includes('.99 (test) is installed'));
  expect(warnings(node)).toBe(
    `Postgres ${running} runs, and ${Number.parseInt(running, 10)}.99 (test) is installed in ${bindir}: restart Postgres to take it`,
  );
  upgrade(running, 'exec REAL "$@"');
  await until('it is over', monitor, () => warnings(node) === '');
});

test('binaries of another major version are told before they are needed, and refused with what to do', async () => {
  const monitor = newMonitor();
  const { bindir, upgrade } = await ownBinaries();
  const node = await newNode(monitor, { bindir });
  await node.create();
  await atRest(monitor, { 1: 'single' });
  const complaint = `echo 'FATAL:  database files are incompatible with server' >&2; exit 1`;
  upgrade('99.1', complaint);
  await until('it is told', monitor, () =>
    warnings(node).includes('holds 99.1, which cannot start on data of'),
  );
  await killPostmaster(node);
  await until('the start is refused', monitor, () =>
    /^The data in .* is of PostgreSQL \d+, and .* holds 99\.1, which cannot start on it\.$/.test(
      node.keeper?.waitingFor ?? '',
    ),
  );
  await until('the node says that it is down', monitor, () => !monitor.node(1).report.postgresRunning);
  const real = monitor.versions.get(1) ?? '';
  upgrade(real, 'exec REAL "$@"');
  await until('it runs again', monitor, () => monitor.node(1).report.postgresRunning);
});
