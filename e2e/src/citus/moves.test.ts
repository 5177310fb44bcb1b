import { until } from '@pgaf/testing/deadline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CitusServer, CoordinatorPart, groupOf, nodeAt } from './citus-coordinator.js';
import { citusVersion } from './real-citus.js';
import { holdUpCommits } from './waiting-commits.js';

const version = await citusVersion();
const DEADLINE_MS = 30_000;

describe.skipIf(version === null)('pg_dist_node', () => {
  let coordinator: CitusServer;
  let workers: readonly CitusServer[];
  let part: CoordinatorPart;
  let letCommitsGo: () => Promise<void>;
  beforeAll(async () => {
    [coordinator, ...workers] = await CitusServer.startWithWorkers();
  });
  afterAll(async () => {
    for (const server of [coordinator, ...(workers ?? [])]) await server?.stop();
  });
  beforeEach(async () => {
    part = new CoordinatorPart(coordinator);
    part.groups = formation('127.0.0.1', '127.0.0.1');
    await untilDone();
    expect(await places()).toHaveLength(3);
    part.told.length = 0;
    letCommitsGo = () => Promise.resolve();
  });
  afterEach(async () => {
    await letCommitsGo();
    await part.end();
  });

  /** What goes to a worker is tried again until Citus has told it of the move before. */
  const untilDone = async (): Promise<void> => {
    let outcome = '';
    const seen = () => `${part.logged.join('\n')}\n${outcome}`;
    await until({ what: 'all in line', deadlineMs: DEADLINE_MS, seen }, async () => {
      outcome = await part.reconcile();
      return outcome === 'done';
    });
  };
  const portOf = (group: number): number => workers[group - 1]?.port ?? 0;
  /** Groups 1 and 2 with their primaries on these hosts, which are two names of one. */
  const formation = (one: string, two: string) => [
    groupOf(0, 1, nodeAt(1, coordinator.port)),
    ...[one, two].map((host, i) => {
      const [group, id] = [i + 1, 2 * (i + 1) + 1];
      const isFirst = host === '127.0.0.1';
      const gone = { reported: 'demoted', goal: 'demoted' } as const;
      return groupOf(
        group,
        isFirst ? id : id + 1,
        nodeAt(id, portOf(group), isFirst ? {} : gone),
        nodeAt(id + 1, portOf(group), isFirst ? { host: 'localhost', ...gone } : { host }),
      );
    }),
  ];
  const places = async (): Promise<string[]> => {
    const rows = await coordinator.sql.query<{ place: string }>(
      `SELECT groupid || ' ' || nodename || ':' || nodeport AS place FROM pg_dist_node ORDER BY groupid, nodeid`,
    );
    return rows.map(({ place }) => place);
  };
  /** A group has failed over, and its move waits for a commit that waits for a standby. */
  const moveThatWaits = async (): Promise<{ readonly ended: Promise<string> }> => {
    letCommitsGo = await holdUpCommits(coordinator);
    part.groups = formation('localhost', '127.0.0.1');
    const ended = part.reconcile();
    await until(
      { what: 'the move to wait', deadlineMs: DEADLINE_MS, seen: () => part.logged.join('\n') },
      () => part.logged.some((line) => line.includes('which wait for a standby')),
    );
    return { ended };
  };
  const home = () => `0 127.0.0.1:${coordinator.port}`;

  it('has a standby in the way of nobody', async () => {
    await coordinator.sql.query(`SELECT citus_add_secondary_node('localhost', $1, '127.0.0.1', $1)`, [
      portOf(1),
    ]);
    part.groups = formation('localhost', 'localhost');
    await untilDone();
    expect(await places()).toEqual([home(), `1 localhost:${portOf(1)}`, `2 localhost:${portOf(2)}`]);
    expect(part.told).toContain(
      `The row of group 1 in pg_dist_node made way at localhost:${portOf(1)}, which is another node’s`,
    );
  });

  it('has groups that changed places by hand where they belong', async () => {
    const moveTo = (group: number, port: number) =>
      coordinator.sql.query(
        `SELECT citus_update_node(nodeid, '127.0.0.1', $2) FROM pg_dist_node WHERE groupid = $1`,
        [group, port],
      );
    await moveTo(1, 1);
    await moveTo(2, portOf(1));
    await moveTo(1, portOf(2));
    expect(await part.reconcile()).toBe('done');
    expect(await places()).toEqual([home(), `1 127.0.0.1:${portOf(1)}`, `2 127.0.0.1:${portOf(2)}`]);
  });

  it('has the other groups moved when one cannot be', async () => {
    // No text of Postgres has a zero byte.
    part.groups = formation('a\0', 'localhost');
    expect(await part.reconcile()).toMatch(/^Group 1 is at .* is yet to be done: .*invalid byte sequence/s);
    expect(await places()).toEqual([home(), `1 127.0.0.1:${portOf(1)}`, `2 localhost:${portOf(2)}`]);
  });

  it('has groups where they are when a move has waited for commits, not where they were before', async () => {
    const { ended } = await moveThatWaits();
    part.groups = formation('127.0.0.1', 'localhost');
    await letCommitsGo();
    expect(await ended).toBe('done');
    expect(await places()).toEqual([home(), `1 127.0.0.1:${portOf(1)}`, `2 localhost:${portOf(2)}`]);
  });

  it('stays as it is when the keeper ends while a move waits for commits', async () => {
    const { ended } = await moveThatWaits();
    await part.end();
    let outcome: string | null = null;
    void ended.then((reason) => (outcome = reason));
    // The commit waits still.
    await until({ what: 'the end of the wait', deadlineMs: DEADLINE_MS }, () => outcome);
    expect(outcome).toBe('the coordinator’s keeper ends');
    expect(await places()).toEqual([home(), `1 127.0.0.1:${portOf(1)}`, `2 127.0.0.1:${portOf(2)}`]);
  });

  it.each<[string, () => void]>([
    [
      'another node leads the coordinator',
      () => {
        const [, ...others] = formation('localhost', '127.0.0.1');
        const before = nodeAt(1, coordinator.port, { goal: 'demoted' });
        part.groups = [groupOf(0, 2, before, nodeAt(2, 1)), ...others];
      },
    ],
    ['the monitor is away', () => (part.answer = () => Promise.reject(new Error('it is away')))],
    ['the monitor is frozen', () => (part.answer = () => new Promise(() => undefined))],
  ])('stays as it is when %s after a move has waited for commits', async (_, change) => {
    const { ended } = await moveThatWaits();
    change();
    await letCommitsGo();
    expect(await ended).toMatch(/^(this node is not the coordinator any more|the monitor does not say)/);
    expect(await places()).toEqual([home(), `1 127.0.0.1:${portOf(1)}`, `2 127.0.0.1:${portOf(2)}`]);
  });
});
