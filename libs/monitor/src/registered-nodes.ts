import type { PartitionPolicy } from '@pgaf/core/partition-policy';
import type { NodeSnapshot } from '@pgaf/plugin-api/snapshot';
import type { Client } from 'pg';

/** A node as registration sees it: who it is and where it stands. */
export interface ExistingNode extends Omit<NodeSnapshot, 'report' | 'seen'> {
  readonly formation: string;
  readonly group: number;
  /** Reports counted; 0 until its keeper's first. */
  readonly serial: number;
}

export interface FormationRow {
  readonly formationid: string;
  readonly kind: string;
  readonly dbname: string;
  readonly opt_secondary: boolean;
  readonly number_sync_standbys: number;
  readonly partition_policy: PartitionPolicy;
  readonly nodes: number;
  readonly now: number;
}

export async function loadFormation(client: Client, id: string): Promise<FormationRow | null> {
  const { rows } = await client.query<FormationRow>(
    `SELECT f.formationid, f.kind, f.dbname::text, f.opt_secondary, f.number_sync_standbys,
            f.partition_policy,
            (SELECT count(*)::int FROM pgautofailover.node n WHERE n.formationid = f.formationid) AS nodes,
            (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now
     FROM pgautofailover.formation f WHERE f.formationid = $1`,
    [id],
  );
  return rows[0] ?? null;
}

/** The node that has the wanted host and port, id or name already; the one at the same place first. */
export async function conflictingNode(
  client: Client,
  formation: string,
  wanted: {
    readonly host: string;
    readonly port: number;
    readonly name: string;
    readonly nodeId: number | null;
  },
): Promise<ExistingNode | null> {
  const { rows } = await client.query<ExistingNode>(
    `SELECT nodeid::float8 AS id, formationid AS formation, groupid AS "group", nodename AS name, nodehost AS host,
            nodeport AS port, role, nodecluster AS cluster, reportedstate AS reported, goalstate AS goal,
            candidatepriority AS "candidatePriority", replicationquorum AS quorum, paused, reportserial::float8 AS serial
     FROM pgautofailover.node
     WHERE nodehost = $1 AND nodeport = $2 OR formationid = $3 AND nodename = $4 OR nodeid = $5
     ORDER BY nodehost = $1 AND nodeport = $2 DESC, nodeid LIMIT 1`,
    [wanted.host, wanted.port, formation, wanted.name, wanted.nodeId],
  );
  return rows[0] ?? null;
}

/** The system identifier of the group, when it is known and not this one; 0 stands for not known yet. */
export async function otherSystemIdentifier(
  client: Client,
  formation: string,
  group: number,
  sysidentifier: bigint,
): Promise<string | null> {
  if (sysidentifier === 0n) return null;
  const { rows } = await client.query<{ other: string }>(
    `SELECT sysidentifier::text AS other FROM pgautofailover.node
     WHERE formationid = $1 AND groupid = $2 AND sysidentifier <> $3 LIMIT 1`,
    [formation, group, String(sysidentifier)],
  );
  return rows[0]?.other ?? null;
}

export async function nextNodeId(client: Client): Promise<number> {
  const { rows } = await client.query<{ id: number }>(
    `SELECT nextval('pgautofailover.node_nodeid_seq')::float8 AS id`,
  );
  return rows[0]?.id ?? Number.NaN;
}

/** Adds the row, announces it, and keeps the sequence ahead of ids that were asked for. */
export async function insertNode(
  client: Client,
  node: ExistingNode & { readonly sysidentifier: bigint; readonly region: string },
): Promise<void> {
  await client.query(
    `INSERT INTO pgautofailover.node
       (formationid, nodeid, groupid, nodename, nodehost, nodeport, sysidentifier, goalstate, reportedstate,
        candidatepriority, replicationquorum, nodecluster, region, role)
     VALUES ($1, $2, $3, $4, $5, $6, nullif($7::bigint, 0), $8, $9, $10, $11, $12, $13, $14)`,
    [
      node.formation,
      node.id,
      node.group,
      node.name,
      node.host,
      node.port,
      String(node.sysidentifier),
      node.goal,
      node.reported,
      node.candidatePriority,
      node.quorum,
      node.cluster,
      node.region,
      node.role,
    ],
  );
  await client.query(
    `SELECT setval('pgautofailover.node_nodeid_seq', greatest($1, last_value), true)
     FROM pgautofailover.node_nodeid_seq WHERE last_value < $1`,
    [node.id],
  );
  await client.query(
    `SELECT pgautofailover_private.announce(n, format(
       'Registering %s to formation "%s" with replication quorum %s and candidate priority %s',
       pgautofailover_private.designation(n), n.formationid, n.replicationquorum, n.candidatepriority))
     FROM pgautofailover.node n WHERE n.nodeid = $1`,
    [node.id],
  );
}
