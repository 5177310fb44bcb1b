import { canTakeWrites } from '@pgaf/core/states';
import type { FormationView, GroupView, NodeView } from '@pgaf/plugin-api';
import type { DistNode } from './dist-node.js';
import { COORDINATOR_GROUP } from './placement.js';

/** A node as it is to stand in `pg_dist_node`. */
export interface WantedNode {
  readonly group: number;
  readonly host: string;
  readonly port: number;
  readonly role: 'primary' | 'secondary';
  readonly cluster: string;
}

/**
 * One change of `pg_dist_node`. An update for which no failover accounts is a `drift`. To park a row is to give it an
 * address that nobody has, since the one it stands at is to be another row’s.
 */
export type Edit =
  | { readonly do: 'park'; readonly row: DistNode }
  | { readonly do: 'update'; readonly row: DistNode; readonly node: WantedNode; readonly drift: boolean }
  | { readonly do: 'add'; readonly node: WantedNode }
  | { readonly do: 'activate'; readonly row: DistNode }
  | { readonly do: 'remove'; readonly row: DistNode };

/** What moves a row: it concerns the coordinator alone, whoever is away. */
export type Move = Extract<Edit, { do: 'park' | 'update' }>;
export type OtherEdit = Exclude<Edit, Move>;

/** States in which a read replica answers reads. */
const SERVES_READS: ReadonlySet<string> = new Set(['secondary', 'catchingup', 'join_secondary']);

/** The word of a worker that its Postgres is there to be added, before it is told that it may take writes. */
export const READY = 'ready';

/**
 * The node that takes the group's writes now, or is about to for the first time; null while there is none. Nodes of
 * which the group has none are left as they are: it is in the middle of a failover, or the monitor has yet to learn from
 * its nodes who it was.
 */
export function primaryOf({ leader, nodes, restored }: GroupView): NodeView | null {
  if (restored) return null;
  const node = nodes.find(({ id }) => id === leader);
  if (!node || node.goal === 'dropped') return null;
  return canTakeWrites(node.reported) || node.said?.[READY] === true ? node : null;
}

/**
 * What brings `pg_dist_node` in line with the formation: moves first, which clients wait for, by the ids of their rows. A
 * group's row is kept whatever it says, since the shards hang on the group; and so is every row while the monitor knows of
 * some group from a backup alone.
 */
export function planEdits(formation: FormationView, rows: readonly DistNode[]): readonly Edit[] {
  const addresses = new Set(
    formation.groups.flatMap(({ group, nodes }) => nodes.map((node) => addressIn(group, node))),
  );
  const kept = new Set<DistNode>();
  const updates: Extract<Edit, { do: 'update' }>[] = [];
  const added: WantedNode[] = [];
  const activations: Edit[] = [];
  for (const node of wantedNodes(formation)) {
    const row = rowOf(node, rows, kept);
    if (!row) {
      added.push(node);
      continue;
    }
    kept.add(row);
    if (row.host !== node.host || row.port !== node.port)
      updates.push({ do: 'update', row, node, drift: !addresses.has(addressIn(row.group, row)) });
    if (!row.active) activations.push({ do: 'activate', row: { ...row, host: node.host, port: node.port } });
  }
  const isDoubted = formation.groups.some(({ restored }) => restored);
  const removed = rows.filter((row) => !isDoubted && !kept.has(row) && !isOfFormation(row, formation));
  const isInTheWay = (row: DistNode) =>
    added.some((node) => isSamePlace(row, node)) ||
    updates.some((update) => update.row !== row && isSamePlace(row, update.node));
  const parked = rows.filter(isInTheWay);
  return [
    ...parked.map((row): Edit => ({ do: 'park', row })),
    ...updates.sort((a, b) => a.row.id - b.row.id),
    ...removed.map((row): Edit => ({ do: 'remove', row })),
    ...added.map((node): Edit => ({ do: 'add', node })),
    ...activations,
  ];
}

export function movesOf(edits: readonly Edit[]): Move[] {
  return edits.filter((edit): edit is Move => edit.do === 'park' || edit.do === 'update');
}

/** The row at an address of its own that leads nowhere, https://www.rfc-editor.org/rfc/rfc6761#section-6.4. */
export function atNoPlace(row: DistNode): DistNode {
  return { ...row, host: `row-${row.id}.invalid`, port: 1 };
}

/** The coordinator first: workers are told of it when they are added. */
function wantedNodes({ groups }: FormationView): WantedNode[] {
  return [...groups]
    .sort((a, b) => a.group - b.group)
    .flatMap((group) => {
      const primary = primaryOf(group);
      const replicas = group.nodes.filter(
        (node) => node.cluster !== 'default' && node.goal !== 'dropped' && SERVES_READS.has(node.reported),
      );
      return [
        ...(primary ? [wanted(group.group, primary, 'primary', 'default')] : []),
        ...replicas.map((node) => wanted(group.group, node, 'secondary', node.cluster)),
      ];
    });
}

function wanted(
  group: number,
  { host, port }: NodeView,
  role: WantedNode['role'],
  cluster: string,
): WantedNode {
  return { group, host, port, role, cluster };
}

/** The row that stands for the node: by its address, else the one of its group that nobody else has. */
function rowOf(node: WantedNode, rows: readonly DistNode[], kept: ReadonlySet<DistNode>): DistNode | null {
  const fitting = rows.filter(
    (row) =>
      row.group === node.group && row.role === node.role && !kept.has(row) && row.cluster === node.cluster,
  );
  const exact = fitting.find(({ host, port }) => host === node.host && port === node.port);
  return exact ?? (node.role === 'primary' ? (fitting[0] ?? null) : null);
}

/** Some node of the formation is what the row stands for, ready or not: a group that fails over keeps its row. */
function isOfFormation(row: DistNode, { groups }: FormationView): boolean {
  const nodes = groups.find(({ group }) => group === row.group)?.nodes ?? [];
  const staying = nodes.filter(({ goal }) => goal !== 'dropped');
  if (row.role === 'primary') return staying.length > 0 && row.cluster === 'default';
  // Standbys that may take over have no row: it would be in the way when they do.
  return (
    row.cluster !== 'default' &&
    staying.some((node) => node.cluster === row.cluster && isSamePlace(row, node))
  );
}

interface Place {
  readonly host: string;
  readonly port: number;
}

function isSamePlace(one: Place, other: Place): boolean {
  return one.host === other.host && one.port === other.port;
}

function addressIn(group: number, { host, port }: Place): string {
  return `${group} ${host}:${port}`;
}

/** What an edit does, for people. */
export function sentenceOf(edit: Edit): string {
  switch (edit.do) {
    case 'park':
      return `The row of group ${edit.row.group} in pg_dist_node made way at ${place(edit.row)}, which is another node’s`;
    case 'update':
      return `Group ${edit.row.group} is at ${place(edit.node)} in pg_dist_node now, and was at ${place(edit.row)}`;
    case 'add':
      return edit.node.group === COORDINATOR_GROUP && edit.node.role === 'primary'
        ? `The coordinator was added to pg_dist_node as ${place(edit.node)}`
        : `Group ${edit.node.group} was added to pg_dist_node as ${edit.node.role} ${place(edit.node)}`;
    case 'activate':
      return `Group ${edit.row.group} was activated in pg_dist_node at ${place(edit.row)}`;
    case 'remove':
      return `${place(edit.row)} of group ${edit.row.group} was removed from pg_dist_node`;
  }
}

function place({ host, port }: Place): string {
  return `${host}:${port}`;
}
