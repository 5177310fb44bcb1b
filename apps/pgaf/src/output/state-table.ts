import { hostAndPort } from '@pgaf/core/host-and-port';
import { connectionOf, isState } from '@pgaf/core/states';
import type { NodeLabel } from './node-label.js';
import { formatTable, type Column } from './text-table.js';

/** A row of the monitor's `current_state()`. */
export interface StateRow {
  readonly formation_kind: string;
  readonly nodename: string;
  readonly nodehost: string;
  readonly nodeport: number;
  readonly group_id: number;
  readonly node_id: number;
  readonly current_group_state: string;
  readonly assigned_group_state: string;
  readonly reported_tli: number;
  /** As Postgres prints it. */
  readonly reported_lsn: string;
  /** 1 good, 0 bad, -1 not known yet. */
  readonly health: number;
}

const COLUMNS: readonly Column[] = [
  { title: 'Name', width: 4 },
  { title: 'Node', width: 5 },
  { title: 'Host:Port', width: 10 },
  { title: 'TLI: LSN', width: 14 },
  { title: 'Connection', width: 12 },
  { title: 'Reported State', width: 19 },
  { title: 'Assigned State', width: 19 },
];

const HEALTH_MARK: Readonly<Record<number, string>> = { 1: '', 0: ' !', [-1]: ' ?' };

/**
 * The table of `show state`. A formation whose kind has one group shows a node's id alone, others
 * `<group>/<id>`.
 */
export function stateTable(rows: readonly StateRow[], nodeLabel: NodeLabel): string {
  return formatTable(
    COLUMNS,
    rows.map((row) => [
      row.nodename,
      nodeLabel(row.group_id, row.node_id),
      hostAndPort(row.nodehost, row.nodeport),
      `${String(row.reported_tli).padStart(3)}: ${row.reported_lsn}`,
      connectionCell(row.current_group_state, row.health),
      row.current_group_state,
      row.assigned_group_state,
    ]),
  );
}

function connectionCell(reported: string, health: number): string {
  const connection = isState(reported) ? connectionOf(reported) : 'none';
  return connection + (HEALTH_MARK[health] ?? '');
}
