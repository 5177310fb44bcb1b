import { execFileSync } from 'node:child_process';
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  rmdirSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresProcessesOf, sendSignal, type ProcessFacts } from '@pgaf/postgres/processes';
import { Formation } from '@pgaf/testing/formation';
import { postgresOwner } from '@pgaf/testing/owner';
import type { Writer } from '@pgaf/testing/writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whileWriting } from './while-writing.js';

const owner = postgresOwner();

function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: 'pipe' });
}

/** A file system that can be frozen, on a file. */
function mount(image: string, path: string, bytes: number): void {
  mkdirSync(path, { recursive: true });
  writeFileSync(image, '');
  truncateSync(image, bytes);
  run('mkfs.ext4', '-q', '-F', image);
  run('mount', '-o', 'loop', image, path);
  rmdirSync(join(path, 'lost+found'));
  if (owner) chownSync(path, owner.uid, owner.gid);
}

/** Only root may mount, and not in every container. */
function canFreezeDisks(): boolean {
  if (owner === null) return false;
  const directory = mkdtempSync(join(tmpdir(), 'pgaf-probe-'));
  const path = join(directory, 'disk');
  try {
    mount(join(directory, 'image'), path, 16 * 1024 * 1024);
    run('fsfreeze', '--freeze', path);
    run('fsfreeze', '--unfreeze', path);
    run('umount', path);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Waits in the kernel for a disk: no signal ends it before that answers. */
function waitsForDisk({ pid }: ProcessFacts): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('D');
  } catch {
    return false;
  }
}

describe.runIf(canFreezeDisks())('a primary whose disk hangs', () => {
  let formation: Formation;
  let pgdata: string;

  beforeAll(async () => {
    formation = await Formation.layOut({ nodes: 2 });
    pgdata = formation.node(1).host.pgdata;
    mount(join(formation.directory, 'image'), pgdata, 1024 * 1024 * 1024);
    await formation.startMonitor();
    for (const number of [1, 2]) await formation.startNode(number);
    await formation.waitUntilStable();
  });

  afterAll(async () => {
    await formation.node(1).host.killEverything();
    run('umount', pgdata);
    await formation.dispose();
  });

  /** What node 1 has reported last under this name. */
  async function says(fact: string): Promise<unknown> {
    const [row] = await formation.probe.query<{ said: unknown }>(
      `SELECT facts -> $1 AS said FROM pgautofailover.node WHERE nodename = 'node_1'`,
      [fact],
    );
    return row?.said;
  }

  /** Returns once the new one has reported. */
  async function startKeeperAnew(): Promise<void> {
    const member = formation.node(1);
    member.service?.signal('SIGKILL');
    await member.service?.exited;
    await formation.restart(member);
    await formation.waitUntilReported();
  }

  it('is replaced while its processes cannot end, and follows when they have', async () => {
    const scenario = async (writer: Writer): Promise<void> => {
      expect((await formation.primary()).host.pgdata).toBe(pgdata);
      const stuck = (): number => postgresProcessesOf(pgdata).filter(waitsForDisk).length;
      run('fsfreeze', '--freeze', pgdata);
      try {
        await formation.wait('a commit that waits for the disk', () => Promise.resolve(stuck() > 0));
        // As for one whose reads hang, too.
        for (const one of postgresProcessesOf(pgdata)) sendSignal(one, 'SIGSTOP');
        await formation.waitForState('node_2', 'wait_primary');
        await writer.untilWriting();
        expect(stuck()).toBeGreaterThan(0);
        await startKeeperAnew();
        expect(stuck()).toBeGreaterThan(0);
        expect(await says('doomed'), 'that of its next keeper').toBe(true);
      } finally {
        run('fsfreeze', '--unfreeze', pgdata);
      }
    };
    // Nobody closes the connection of a client whose backend cannot end.
    await whileWriting(formation, scenario, { answerWithinMs: 5000 });
    expect((await formation.primary()).host.name).toBe('node_2');
  });
});
