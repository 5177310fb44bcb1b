import { until } from '@pgaf/testing/deadline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CitusServer, CoordinatorPart, groupOf, nodeAt } from './citus-coordinator.js';
import { citusVersion } from './real-citus.js';

const version = await citusVersion();
const DEADLINE_MS = 30_000;

describe.skipIf(version === null)('pg_dist_node', () => {
  let coordinator: CitusServer;
  let workers: readonly CitusServer[];
  let part: CoordinatorPart;
  beforeAll(async () => {
    [coordinator, ...workers] = await CitusServer.startWithWorkers();
  });
  afterAll(async () => {
    for (const server of [coordinator, ...(workers ?? [])]) await server?.stop();
  });
  beforeEach(async () => {
    part = new CoordinatorPart(coordinator);
    part.groups = formation('127.0.0.1', '127.0.0.1');
    await until(
      { what: 'all in line', deadlineMs: DEADLINE_MS, seen: () => part.logged.join('\n') },
      async () => {
        return (await part.reconcile()) === 'done' && (await places()).length === 3;
      },
    );
    part.told.length = 0;
  });
  afterEach(() => part.end());

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
  const home = () => `0 127.0.0.1:${coordinator.port}`;

  it('has a standby in the way of nobody', async () => {
    await coordinator.sql.query(`SELECT citus_add_secondary_node('localhost', $1, '127.0.0.1', $1)`, [
      portOf(1),
    ]);
    part.groups = formation('localhost', 'localhost');
    expect(await part.reconcile()).toBe('done');
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
});
