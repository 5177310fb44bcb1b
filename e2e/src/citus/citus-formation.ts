import { connect } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import { Formation, type FormationOptions, type Member } from '@pgaf/testing/formation';
import type { Client } from 'pg';

const CONNECT_TIMEOUT_MS = 2000;
/** Of many nodes that are made at once. */
const STABLE_DEADLINE_MS = 120_000;

/** Where a formation is made, and with what. */
export type CitusOptions = Pick<
  FormationOptions,
  'directory' | 'pgctl' | 'logging' | 'network' | 'containers'
>;

/** A coordinator pair, nodes 1 and 2, and pairs of workers in the groups from 1 on; then further nodes. */
export async function layOutCitus(
  workerGroups: number,
  more = 0,
  options: CitusOptions = {},
): Promise<Formation> {
  const formation = await Formation.layOut({ ...options, nodes: 2 + 2 * workerGroups + more });
  try {
    await formation.startMonitor();
    return formation;
  } catch (error) {
    await formation.dispose();
    throw error;
  }
}

/** All pairs of `layOutCitus`, stable and known to Citus: first the primaries, at once, then their standbys. */
export async function startCitusPairs(formation: Formation): Promise<void> {
  const numbers = formation.nodes.map((_, i) => i + 1);
  const firsts = numbers.filter((number) => number % 2 === 1);
  const seconds = numbers.filter((number) => number % 2 === 0);
  for (const some of [firsts, seconds])
    await Promise.all(some.map((number) => startCitusNode(formation, number)));
  await formation.waitUntilStable(STABLE_DEADLINE_MS);
  await formation.wait('the coordinator to send queries to each group', async () => {
    return Object.keys(await activeWorkers(formation)).length === firsts.length;
  });
}

/** Starts a node of `layOutCitus`, the first of each group before its second. */
export async function startCitusNode(
  formation: Formation,
  number: number,
  flags: readonly string[] = [],
): Promise<void> {
  const group = groupOfNode(formation, number);
  if (group === 0) await formation.startNode(number, 'coordinator', flags);
  else await formation.startNode(number, 'worker', ['--group', String(group), ...flags]);
}

/** Those beyond the pairs are the coordinator’s. */
export function groupOfNode(formation: Formation, number: number): number {
  const isMore = number === formation.nodes.length && number % 2 === 1;
  return isMore ? 0 : Math.floor((number - 1) / 2);
}

/** The nodes of the coordinator, for a client that wants to write. */
export function coordinatorUri(formation: Formation): string {
  const hosts = [1, 2].map((number) => placeOf(formation.node(number))).join(',');
  return `postgres://postgres@${hosts}/citus?target_session_attrs=read-write&sslmode=prefer`;
}

export function placeOf({ host, port }: Member): string {
  return `${host.address}:${port}`;
}

/** On the coordinator that takes writes. */
export async function onCoordinator<T>(
  formation: Formation,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  return onUri(coordinatorUri(formation), work);
}

/** On this node, whatever it is. */
export async function onCitusNode<T>(member: Member, work: (client: Client) => Promise<T>): Promise<T> {
  return onUri(nodeUri(member), work);
}

/** This node, whatever it is. */
export function nodeUri(member: Member): string {
  return `postgres://postgres@${placeOf(member)}/citus?sslmode=prefer`;
}

export async function onUri<T>(uri: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await connect(parseConnInfo(uri), { connectTimeoutMs: CONNECT_TIMEOUT_MS });
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Where the coordinator sends queries to, by group. */
export async function activeWorkers(formation: Formation): Promise<Record<number, string>> {
  const { rows } = await onCoordinator(formation, (client) =>
    client.query<{ group: number; place: string }>(
      `SELECT groupid AS "group", nodename || ':' || nodeport AS place FROM pg_dist_node
        WHERE isactive AND noderole = 'primary' ORDER BY groupid`,
    ),
  );
  return Object.fromEntries(rows.map(({ group, place }) => [group, place]));
}

/** The member that takes the writes of the group, once there is one. */
export async function primaryOfGroup(formation: Formation, group: number): Promise<Member> {
  const state = await formation.wait(`a primary of group ${group}`, async () =>
    (await formation.states()).find(
      (one) => one.group === group && one.reported === 'primary' && one.goal === 'primary',
    ),
  );
  return formation.named(state.name);
}

export async function standbyOfGroup(formation: Formation, group: number): Promise<Member> {
  const state = await formation.wait(`a standby of group ${group}`, async () =>
    (await formation.states()).find(
      (one) => one.group === group && one.reported === 'secondary' && one.goal === 'secondary',
    ),
  );
  return formation.named(state.name);
}
