import type { Json } from '@pgaf/core/json';
import type { FormationView, KeeperContext, NodeView } from '@pgaf/plugin-api';

/** The word of a node that others reach through a pooler on its host, at this port. */
const PROXY_PORT = 'proxyPort';

/** A node in front of which a pooler stands, as `pg_dist_poolinfo` has it. */
interface Pool {
  readonly id: number;
  readonly pool: string;
}

/** Wanted and present pools that differ; null where there is to be none, or is none. */
const DIFFERENT = `
WITH wanted AS (SELECT * FROM jsonb_to_recordset($1::jsonb) AS pools(id int, pool text)),
     there AS (SELECT nodeid AS id, poolinfo AS pool FROM pg_dist_poolinfo)
SELECT id, wanted.pool AS wanted FROM wanted FULL JOIN there USING (id)
 WHERE wanted.pool IS DISTINCT FROM there.pool ORDER BY id`;

/** At no moment the coordinator goes past a pooler that there was. */
const SET_POOL = `
INSERT INTO pg_dist_poolinfo VALUES ($1, $2) ON CONFLICT (nodeid) DO UPDATE SET poolinfo = excluded.poolinfo`;

/** The pooler of the configuration file, or none. */
export function sayProxyPort({ settings, say }: Pick<KeeperContext, 'settings' | 'say'>): void {
  const port = Number(settings['proxyport'] ?? 0);
  say(PROXY_PORT, port > 0 ? port : null);
}

/** Citus connects to a node through its pooler where it has one. */
export async function bringPoolsInLine({ sql, formation }: KeeperContext): Promise<void> {
  const rows = await sql.query<{ id: number; host: string; port: number }>(
    'SELECT nodeid AS id, nodename AS host, nodeport AS port FROM pg_dist_node ORDER BY nodeid',
  );
  const pools = wantedPools(rows, formation);
  const different = await sql.query<{ id: number; wanted: string | null }>(DIFFERENT, [
    JSON.stringify(pools),
  ]);
  for (const { id, wanted } of different) {
    if (wanted === null) await sql.query('DELETE FROM pg_dist_poolinfo WHERE nodeid = $1', [id]);
    else await sql.query(SET_POOL, [id, wanted]);
  }
}

/** Of the rows of `pg_dist_node` those whose node says that it has a pooler. */
export function wantedPools(
  rows: readonly { readonly id: number; readonly host: string; readonly port: number }[],
  { groups }: Pick<FormationView, 'groups'>,
): Pool[] {
  const nodes = groups.flatMap((group) => group.nodes);
  return rows.flatMap(({ id, host, port }) => {
    const node = nodes.find((one) => one.host === host && one.port === port);
    const proxyPort = node ? proxyPortOf(node) : null;
    return proxyPort === null ? [] : [{ id, pool: `host=${host} port=${proxyPort}` }];
  });
}

/** At which port of its host others reach the node through a pooler; null where there is none. */
export function proxyPortOf({ said }: NodeView): number | null {
  const port: Json | undefined = said?.[PROXY_PORT];
  return typeof port === 'number' ? port : null;
}
