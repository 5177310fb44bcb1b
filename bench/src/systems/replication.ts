import { connect } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import type { Client } from 'pg';
import type { SystemNode } from './system.js';

/** Runs the work on a connection of its own to one node, whatever its role is. */
export async function onNode<T>(
  node: Pick<SystemNode, 'port'>,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const conninfo = parseConnInfo(`postgres://postgres@127.0.0.1:${node.port}/postgres?sslmode=prefer`);
  const client = await connect(conninfo, {
    connectTimeoutMs: 2000,
    what: `the Postgres on port ${node.port}`,
  });
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

export interface Pair {
  readonly primary: SystemNode;
  readonly standby: SystemNode;
}

interface RoleRow {
  in_recovery: boolean;
  synchronous: boolean;
}

/** Who is primary and who its synchronous standby, as Postgres itself says; null while there is no such pair. */
export async function synchronousPair(nodes: readonly SystemNode[]): Promise<Pair | null> {
  const roles = await Promise.all(
    nodes.map((node) =>
      onNode(node, async (client) => {
        const { rows } = await client.query<RoleRow>(
          `SELECT pg_is_in_recovery() AS in_recovery,
                  EXISTS (SELECT FROM pg_stat_replication
                           WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum')) AS synchronous`,
        );
        return { node, row: rows[0] };
      }),
    ),
  );
  const primary = roles.find(({ row }) => row?.in_recovery === false && row.synchronous)?.node;
  const standby = roles.find(({ row }) => row?.in_recovery)?.node;
  return primary && standby ? { primary, standby } : null;
}
