import type { Formation, Member } from '@pgaf/testing/formation';
import type { Client } from 'pg';
import { onCitusNode, placeOf } from '../citus-formation.js';

/** Who waits longer for a row or a shard waits for a pause that nobody ends. */
const ANSWER_WITHIN = '3s';

const PREPARED = `SELECT format('prepared transaction %s', gid) AS left FROM pg_prepared_xacts`;

/** Sessions of clients that have begun a transaction and do nothing. */
const IDLE = `
SELECT format('session %s of %s is %s: %s', pid, coalesce(application_name, ''), state, query) AS left
  FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend' AND state LIKE 'idle in transaction%'`;

/** Locks that hold up who only reads or writes, on tables of ours and on Citus’ own. */
const LOCKS = `
SELECT format('%s on %s of process %s', mode, relation::regclass, pid) AS left
  FROM pg_locks
 WHERE locktype = 'relation' AND granted AND mode IN ('ExclusiveLock', 'AccessExclusiveLock')
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/** None of them changes a row; each takes the locks of one that does, on every shard and every copy. */
const WRITES = ['DELETE FROM load_rows WHERE id = -1', 'UPDATE load_kinds SET used = used WHERE id = 1'];

const NODES = `
SELECT format('%s %s:%s %s %s', groupid, nodename, nodeport, noderole,
              CASE WHEN isactive AND hasmetadata AND metadatasynced THEN 'in use' ELSE 'not in use' END) AS row
  FROM pg_dist_node ORDER BY groupid, nodename, nodeport`;

const SUMS = [
  `SELECT count(*) || ' rows with the sum ' || coalesce(sum(id), 0) AS sum FROM load_rows`,
  `SELECT sum(used) || ' uses' AS sum FROM load_kinds`,
];

/** What a formation at rest, without clients, should not have: one sentence each. */
export async function whatIsLeft(formation: Formation): Promise<string[]> {
  const states = await formation.states();
  const primaries = states.filter(({ goal }) => goal === 'primary');
  const expected = primaries
    .toSorted((a, b) => a.group - b.group)
    .map(({ group, name }) => `${group} ${placeOf(formation.named(name))} primary in use`)
    .join('; ');
  const members = formation.nodes;
  const isPrimary = (member: Member): boolean => primaries.some(({ name }) => name === member.host.name);
  const looks = await Promise.all(
    members.map(async (member) => {
      const look = (client: Client) => lookAt(client, isPrimary(member), expected);
      const { left, sums } = await onCitusNode(member, look).catch((error: unknown) => ({
        left: [error instanceof Error ? error.message : String(error)],
        sums: null,
      }));
      return { name: member.host.name, left, sums };
    }),
  );
  const all = new Set(looks.flatMap(({ sums }) => sums ?? []));
  return [
    ...(primaries.length * 2 === members.length ? [] : [`${primaries.length} primaries`]),
    ...looks.flatMap(({ name, left }) => left.map((sentence) => `${name}: ${sentence}`)),
    ...(all.size > 1 ? looks.map(({ name, sums }) => `${name} reads ${sums ?? 'nothing'}`) : []),
  ];
}

async function lookAt(
  client: Client,
  isPrimary: boolean,
  expected: string,
): Promise<{ readonly left: string[]; readonly sums: string | null }> {
  await client.query(`SET statement_timeout = '${ANSWER_WITHIN}'`);
  const list = async (query: string): Promise<string[]> =>
    (await client.query<{ left: string }>(query)).rows.map(({ left }) => left);
  const left = [...(await list(PREPARED)), ...(await list(IDLE)), ...(await list(LOCKS))];
  const rows = (await client.query<{ row: string }>(NODES)).rows.map(({ row }) => row).join('; ');
  if (rows !== expected) left.push(`pg_dist_node has ${rows}; expected: ${expected}`);
  for (const write of isPrimary ? WRITES : []) {
    await client.query(write).catch((error: Error) => left.push(`${write}: ${error.message}`));
  }
  const sums: string[] = [];
  for (const query of SUMS) {
    const { rows: found } = await client.query<{ sum: string }>(query);
    sums.push(...found.map(({ sum }) => sum));
  }
  return { left, sums: sums.join(', ') };
}
