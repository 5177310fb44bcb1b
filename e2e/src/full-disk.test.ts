import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Formation } from '@pgaf/testing/formation';
import { postgresOwner } from '@pgaf/testing/owner';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whileWriting } from './while-writing.js';

const owner = postgresOwner();
/** So often within minutes a service is started again that fails for a reason of its own. */
const RESTARTS = 6;

function mount(path: string, size: string): void {
  mkdirSync(path, { recursive: true });
  const options = `size=${size},mode=0700,uid=${owner?.uid},gid=${owner?.gid}`;
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'pipe' });
}

/** Only root may mount, and not in every container. */
function canMount(): boolean {
  if (owner === null) return false;
  const path = mkdtempSync(join(tmpdir(), 'pgaf-probe-'));
  try {
    mount(path, '1M');
    execFileSync('umount', [path]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(path, { recursive: true });
  }
}

describe.runIf(canMount())('a monitor whose disk is full', () => {
  let formation: Formation;
  let pgdata: string;

  beforeAll(async () => {
    formation = await Formation.layOut({ nodes: 2 });
    pgdata = formation.monitor.host.pgdata;
    mount(pgdata, '160M');
    await formation.startMonitor();
    for (const number of [1, 2]) await formation.startNode(number);
    await formation.waitUntilStable();
  });

  afterAll(async () => {
    await formation.monitor.host.killEverything();
    execFileSync('umount', [pgdata]);
    await formation.dispose();
  });

  const ballast = (): string => join(pgdata, 'ballast');

  /** Leaves no room at all. */
  function fill(): void {
    const { bavail, bsize } = statfsSync(pgdata);
    writeFileSync(ballast(), Buffer.alloc(bavail * bsize));
  }

  /** Writes WAL until there is no room for more of it, which ends Postgres. */
  function fillWal(): void {
    const [, , , port = '', socketDirectory = ''] = readFileSync(
      join(pgdata, 'postmaster.pid'),
      'utf8',
    ).split('\n');
    const place = ['-h', socketDirectory, '-p', port, '-d', 'pg_auto_failover', '-U', 'postgres'];
    const message = "SELECT pg_logical_emit_message(true, 'filler', repeat('x', 4000000))";
    expect(() => {
      for (let i = 0; i < 40; i++) {
        execFileSync('psql', ['-XAtq', ...place, '-c', message], {
          stdio: 'pipe',
          cwd: '/',
          ...(owner && { uid: owner.uid, gid: owner.gid }),
        });
      }
    }).toThrow();
  }

  /** How often the service has said that there is no room. */
  function timesSaid(): number {
    const log = readFileSync(formation.monitor.service?.logFile ?? '', 'utf8');
    return log.split('\n').filter((line) => line.includes('are free on the file system of')).length;
  }

  it('says so, fails nothing over, and goes on when there is room', async () => {
    const before = await formation.states();
    const { outage } = await whileWriting(formation, async (writer) => {
      fill();
      fillWal();
      // More often than a Postgres that fails for another reason is started.
      await formation.wait(
        'the service to try on',
        () => Promise.resolve(timesSaid() > RESTARTS),
        formation.monitor,
        120_000,
      );
      const status = await formation.onMonitor(['status']);
      expect(status.status).toBe(5);
      expect(status.stderr).toMatch(/waiting: Postgres of the monitor does not run, and .* are free on /);
      await writer.untilWriting();
      rmSync(ballast());
      await formation.waitForMonitor();
    });
    expect(outage.ms).toBeLessThan(5000);
    const after = await formation.states();
    expect(after.map(({ name, goal, tli }) => [name, goal, tli])).toEqual(
      before.map(({ name, goal, tli }) => [name, goal, tli]),
    );
  }, 240_000);
});
