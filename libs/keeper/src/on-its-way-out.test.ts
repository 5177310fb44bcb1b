import { freezeAtRest } from '@pgaf/core/testing/freeze-at-rest';
import { pidOf } from '@pgaf/core/testing/pid-of';
import { withGoal } from '@pgaf/fsm/group';
import { childrenOf, roleOf } from '@pgaf/postgres/children';
import { findPostmaster } from '@pgaf/postgres/find-postmaster';
import { freezeTurnedAway } from '@pgaf/postgres/testing/turned-away';
import type { State } from '@pgaf/core/states';
import { expect, test } from 'vitest';
import type { RuleMonitor } from './testing/rule-monitor.js';
import { atRest, newMonitor, newNode, twoNodes, until, type TestNode } from './testing/test-nodes.js';

interface Lingering {
  readonly pid: number;
  /** Lets it end. */
  readonly release: () => void;
}

/** Has a primary shut down whose postmaster does not end before `release`: it waits for a client that it turns away. */
async function shutDownAndLinger(monitor: RuleMonitor, node: TestNode): Promise<Lingering> {
  const pid = (await findPostmaster(node.config.pgdata))?.pid ?? 0;
  const [checkpointer] = await node.sql.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`,
  );
  const titles = (): string[] => childrenOf(pid).map(({ title }) => title);
  await freezeAtRest(pidOf(checkpointer));
  monitor.order((group) => withGoal(group, node.id, 'draining'));
  // From then on it waits for the checkpointer alone, and takes nobody in.
  const outlives = (title: string): boolean => /^(checkpointer|logger|walsender)\b/.test(roleOf(title) ?? '');
  await until('nobody writes any more', monitor, () => titles().every(outlives));
  const { release } = await freezeTurnedAway(pid, node.config.port);
  process.kill(pidOf(checkpointer), 'SIGCONT');
  return { pid, release };
}

/** A handover that begins with its outage: what comes before needs the checkpointer. */
function stopAtOnce(node: TestNode, from: State): void {
  const key = `${from}->draining` as const;
  const edge = node.edges.get(key);
  if (!edge) throw new Error(`no edge ${key}`);
  const steps = edge.steps.filter(({ do: what }) => what === 'stopPostgres' || what === 'recordStop');
  node.edges = new Map(node.edges).set(key, { ...edge, steps });
}

test('a primary is succeeded when it has shut down, and follows when its postmaster has ended', async () => {
  const { monitor, first } = await twoNodes();
  await first.end('handOff');
  stopAtOnce(first, 'primary');
  first.run();
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  const lingering = await shutDownAndLinger(monitor, first);
  try {
    await until('node 2 takes writes', monitor, () => monitor.node(2).reported === 'wait_primary');
    expect((await findPostmaster(first.config.pgdata))?.pid).toBe(lingering.pid);
  } finally {
    lingering.release();
  }
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
  expect(first.lines.join('')).not.toMatch(/WARN|ERROR/);
});

test('a primary that is to open again has its postmaster end first', async () => {
  const monitor = newMonitor();
  const node = await newNode(monitor);
  stopAtOnce(node, 'single');
  await node.create();
  await atRest(monitor, { 1: 'single' });
  const lingering = await shutDownAndLinger(monitor, node);
  try {
    const before = node.lines.length;
    const begins = (line: string): boolean => line.includes('Step startPostgres begins');
    await until('it begins to open', monitor, () => node.lines.slice(before).some(begins));
    expect((await findPostmaster(node.config.pgdata))?.pid).toBe(lingering.pid);
  } finally {
    lingering.release();
  }
  await atRest(monitor, { 1: 'single' });
  expect((await findPostmaster(node.config.pgdata))?.pid).not.toBe(lingering.pid);
  expect(node.lines.join('')).not.toContain('did not start');
});
