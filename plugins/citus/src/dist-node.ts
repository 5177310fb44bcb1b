/** A row of `pg_dist_node`, https://docs.citusdata.com/en/stable/develop/api_metadata.html#worker-node-table. */
export interface DistNode {
  readonly id: number;
  readonly group: number;
  readonly host: string;
  readonly port: number;
  readonly role: 'primary' | 'secondary';
  readonly cluster: string;
  readonly active: boolean;
}

export const DIST_NODES = `
SELECT nodeid AS id, groupid AS "group", nodename AS host, nodeport AS port, noderole::text AS role,
       nodecluster::text AS cluster, isactive AS active
  FROM pg_dist_node ORDER BY nodeid`;
