import type { FormationView, NodeView } from '@pgaf/plugin-api';
import { describe, expect, it } from 'vitest';
import type { DistNode } from './dist-node.js';
import { planEdits, sentenceOf } from './plan-edits.js';

const node = (id: number, change: Partial<NodeView> = {}): NodeView => ({
  ...{ id, name: `n${id}`, host: `h${id}`, port: 5432, role: 'worker', cluster: 'default' },
  ...{ reported: 'secondary', goal: 'secondary', said: {} },
  ...change,
});
const primary = (id: number, change: Partial<NodeView> = {}): NodeView =>
  node(id, { reported: 'primary', goal: 'primary', ...change });
const group = (number: number, leader: number | null, ...nodes: NodeView[]) => ({
  ...{ group: number, epoch: 1, leader, memory: {}, restored: false },
  nodes,
});
const formation = (...groups: FormationView['groups']): FormationView => ({
  ...{ formation: 'default', kind: 'citus', dbname: 'citus' },
  groups,
});
const row = (id: number, inGroup: number, host: string, change: Partial<DistNode> = {}): DistNode => ({
  ...{ id, group: inGroup, host, port: 5432, role: 'primary', cluster: 'default', active: true },
  ...change,
});
/** Coordinator h1, h2; workers h3, h4 and h5, h6. */
const whole = formation(
  group(0, 1, primary(1), node(2)),
  group(1, 3, primary(3), node(4)),
  group(2, 5, primary(5), node(6)),
);
const rows = [row(1, 0, 'h1'), row(2, 1, 'h3'), row(3, 2, 'h5')];
const plan = (view: FormationView, there: readonly DistNode[]) => planEdits(view, there).map(sentenceOf);

describe('the edits of pg_dist_node', () => {
  it('are none where all is in line, standbys not being in it', () => {
    expect(planEdits(whole, rows)).toEqual([]);
  });

  it('make it from nothing, the coordinator first', () => {
    expect(plan(whole, [])).toEqual([
      'The coordinator was added to pg_dist_node as h1:5432',
      'Group 1 was added to pg_dist_node as primary h3:5432',
      'Group 2 was added to pg_dist_node as primary h5:5432',
    ]);
  });

  it('move every group that has failed over, by the ids of their rows, and call none of it a drift', () => {
    const failed = formation(
      group(0, 2, node(1), primary(2)),
      group(1, 4, node(3), primary(4, { reported: 'wait_primary', goal: 'wait_primary' })),
      group(2, 6, node(5), primary(6)),
    );
    const edits = planEdits(failed, [row(9, 1, 'h3'), row(1, 0, 'h1'), row(3, 2, 'h5')]);
    expect(
      edits.map((edit) => (edit.do === 'update' ? [edit.row.id, edit.node.host, edit.drift] : edit)),
    ).toEqual([
      [1, 'h2', false],
      [3, 'h6', false],
      [9, 'h4', false],
    ]);
  });

  it('leave a group alone that nobody takes writes in', () => {
    const between = formation(
      group(0, 1, primary(1)),
      group(1, 4, node(3, { reported: 'demoted' }), node(4, { goal: 'wait_primary' })),
      group(2, null, node(5), node(6)),
    );
    expect(planEdits(between, rows)).toEqual([]);
  });

  it('repair what somebody changed, added or removed by hand', () => {
    const drifted = [row(1, 0, 'h1'), row(2, 1, 'elsewhere'), row(7, 8, 'unknown')];
    const edits = planEdits(whole, drifted);
    expect(edits[0]).toMatchObject({ do: 'update', drift: true });
    expect(edits.map(sentenceOf)).toEqual([
      'Group 1 is at h3:5432 in pg_dist_node now, and was at elsewhere:5432',
      'unknown:5432 of group 8 was removed from pg_dist_node',
      'Group 2 was added to pg_dist_node as primary h5:5432',
    ]);
  });

  it('let nobody stand where a node is to be: a standby, an unknown group, one that is to be added', () => {
    const failed = formation(
      group(0, 1, primary(1)),
      group(1, 4, node(3), primary(4)),
      group(3, 8, primary(8)),
    );
    const there = [
      ...[row(1, 0, 'h1'), row(2, 1, 'h3'), row(5, 1, 'h4', { role: 'secondary' }), row(7, 9, 'h8')],
    ];
    expect(plan(failed, there)).toEqual([
      'The row of group 1 in pg_dist_node made way at h4:5432, which is another node’s',
      'The row of group 9 in pg_dist_node made way at h8:5432, which is another node’s',
      'Group 1 is at h4:5432 in pg_dist_node now, and was at h3:5432',
      'h4:5432 of group 1 was removed from pg_dist_node',
      'h8:5432 of group 9 was removed from pg_dist_node',
      'Group 3 was added to pg_dist_node as primary h8:5432',
    ]);
  });

  it('change places', () => {
    expect(plan(whole, [row(1, 0, 'h1'), row(2, 1, 'h5'), row(3, 2, 'h3')])).toEqual([
      'The row of group 1 in pg_dist_node made way at h5:5432, which is another node’s',
      'The row of group 2 in pg_dist_node made way at h3:5432, which is another node’s',
      'Group 1 is at h3:5432 in pg_dist_node now, and was at h5:5432',
      'Group 2 is at h5:5432 in pg_dist_node now, and was at h3:5432',
    ]);
  });

  it('move and remove nothing that the monitor knows from a backup alone', () => {
    const [coordinator, one, two] = whole.groups;
    if (!coordinator || !one || !two) throw new Error('three groups');
    const restored = formation(coordinator, { ...one, restored: true }, two);
    const since = [row(1, 0, 'h1'), row(2, 1, 'h4'), row(3, 2, 'h6'), row(4, 3, 'h9')];
    expect(plan(restored, since)).toEqual(['Group 2 is at h5:5432 in pg_dist_node now, and was at h6:5432']);
  });

  it('activate what is not active', () => {
    expect(plan(whole, [row(1, 0, 'h1'), row(2, 1, 'h3', { active: false }), row(3, 2, 'h5')])).toEqual([
      'Group 1 was activated in pg_dist_node at h3:5432',
    ]);
  });

  it('remove a group whose nodes are gone, not one that has lost some', () => {
    const left = formation(
      group(0, 1, primary(1)),
      group(1, 3, primary(3)),
      group(2, null, node(5, { goal: 'dropped' })),
    );
    expect(plan(left, rows)).toEqual(['h5:5432 of group 2 was removed from pg_dist_node']);
    expect(
      plan(formation(group(0, 1, primary(1)), group(1, null, node(4)), group(2, 5, primary(5))), rows),
    ).toEqual([]);
  });

  it('add a worker that says it is there before it takes writes', () => {
    const fresh = formation(
      group(0, 1, primary(1)),
      group(1, 3, node(3, { reported: 'init', goal: 'single' })),
    );
    expect(planEdits(fresh, [row(1, 0, 'h1')])).toEqual([]);
    const ready = formation(
      group(0, 1, primary(1)),
      group(1, 3, node(3, { reported: 'init', goal: 'single', said: { ready: true } })),
    );
    expect(plan(ready, [row(1, 0, 'h1')])).toEqual(['Group 1 was added to pg_dist_node as primary h3:5432']);
  });

  it('have a row for each read replica, and none for one that is gone', () => {
    const replica = node(7, { cluster: 'readers' });
    const replicated = formation(group(0, 1, primary(1)), group(1, 3, primary(3), node(4), replica));
    const there = [row(1, 0, 'h1'), row(2, 1, 'h3')];
    expect(plan(replicated, there)).toEqual(['Group 1 was added to pg_dist_node as secondary h7:5432']);
    const known = [...there, row(4, 1, 'h7', { role: 'secondary', cluster: 'readers' })];
    expect(planEdits(replicated, known)).toEqual([]);
    expect(plan(formation(group(0, 1, primary(1)), group(1, 3, primary(3), node(4))), known)).toEqual([
      'h7:5432 of group 1 was removed from pg_dist_node',
    ]);
  });
});
