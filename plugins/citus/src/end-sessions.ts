import { hostAndPort } from '@pgaf/core/host-and-port';
import type { KeeperContext } from '@pgaf/plugin-api';
import { addressesOf } from './addresses-of.js';
import { replacedNodes, type ReplacedNode } from './replaced-places.js';

/**
 * Sessions of Citus name in their title the process that began them: the row of its node in `pg_dist_node`, which all
 * nodes of a group have in common, times ten to the tenth, and its number there. A commit that waits for a standby is let
 * go on: it ends with the answer, and would be seen by others before it is safe.
 */
const END_SESSIONS = `
WITH begun AS (
  SELECT pid, substring(application_name FROM '^citus_[a-z_]+ gpid=([0-9]{1,18})$')::bigint / 10000000000 AS by_node
    FROM pg_stat_activity
   WHERE datname = current_database() AND client_addr = ANY ($2::inet[])
     AND wait_event IS DISTINCT FROM 'SyncRep')
SELECT pg_terminate_backend(pid) FROM begun
 WHERE by_node IN (SELECT nodeid FROM pg_dist_node WHERE groupid = $1)`;

/**
 * Ends the sessions here of nodes that were replaced and are silent: their transactions hold rows and locks that others
 * wait for. The kernel of a frozen host says that they are well for as long as it is frozen, and nobody is to go on with
 * them when it wakes.
 * @returns How many there were.
 */
export async function endSessionsOfReplaced(
  context: Pick<KeeperContext, 'sql' | 'log' | 'node' | 'formation'>,
): Promise<number> {
  const { formation, node } = context;
  const own = formation.groups.find(({ nodes }) => nodes.some(({ id }) => id === node.id));
  if (!own) return 0;
  const ended = replacedNodes(formation, own.group).map((replaced) => endSessionsOf(replaced, context));
  return (await Promise.all(ended)).reduce((sum, count) => sum + count, 0);
}

async function endSessionsOf(
  { group, node, others }: ReplacedNode,
  { sql, log }: Pick<KeeperContext, 'sql' | 'log'>,
): Promise<number> {
  // Whose sessions they are cannot be told where another node of the group has the same address.
  const [addresses, ...taken] = await Promise.all([node, ...others].map(({ host }) => addressesOf(host)));
  const alone = (addresses ?? []).filter((address) => !taken.flat().includes(address));
  if (alone.length === 0) return 0;
  const { length } = await sql.query(END_SESSIONS, [group, alone]);
  if (length > 0)
    log(`Ended ${length} sessions of ${hostAndPort(node.host, node.port)}, replaced and silent`);
  return length;
}
