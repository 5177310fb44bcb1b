import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import type { Peer } from '@pgaf/monitor-client/reports';

/** The node that a `primary_conninfo` leads to, by host and port; null for an empty or foreign one. */
export function nodeOfConninfo(conninfo: string, nodes: readonly Peer[]): Peer | null {
  if (conninfo.trim() === '') return null;
  try {
    const [target] = parseConnInfo(conninfo).hosts;
    return nodes.find((node) => node.host === target?.host && node.port === target.port) ?? null;
  } catch {
    return null;
  }
}
