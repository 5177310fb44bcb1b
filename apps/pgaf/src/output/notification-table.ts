import { hostAndPort } from '@pgaf/core/host-and-port';
import type { NodeLabel } from './node-label.js';
import { formatHeader, formatRow, widthsOf, type Column } from './text-table.js';

/** What a notification on the channel `state` says of one node. */
export interface StateNews {
  readonly groupId: number;
  readonly nodeId: number;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly reportedState: string;
  readonly goalState: string;
}

const COLUMNS: readonly Column[] = [
  { title: 'Time', width: 8 },
  { title: 'Name', width: 5 },
  { title: 'Node', width: 5 },
  { title: 'Host:Port', width: 10 },
  { title: 'Current State', width: 19 },
  { title: 'Assigned State', width: 19 },
];

/** The table that grows while a command waits: a header now, and a line for each notification. */
export interface NotificationTable {
  readonly header: readonly string[];
  row(at: Date, news: StateNews): string;
}

/** @param nodes The nodes that are known before the first line; they set the widths. */
export function notificationTable(
  nodes: readonly {
    readonly name: string;
    readonly host: string;
    readonly port: number;
    readonly group: number;
    readonly id: number;
  }[],
  label: NodeLabel,
): NotificationTable {
  const widths = widthsOf(
    COLUMNS,
    nodes.map((node) => ['', node.name, label(node.group, node.id), hostAndPort(node.host, node.port)]),
  );
  return {
    header: formatHeader(COLUMNS, widths),
    row: (at, news) =>
      formatRow(COLUMNS, widths, [
        clock(at),
        news.name,
        label(news.groupId, news.nodeId),
        hostAndPort(news.host, news.port),
        news.reportedState,
        news.goalState,
      ]),
  };
}

/** HH:MM:SS, local time. */
export function clock(at: Date): string {
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}
