import type { Client } from 'pg';

/** A table of eight shards, and one that every node has a copy of. */
const TABLES = [
  'SET citus.shard_count = 8',
  'CREATE TABLE load_rows (tenant int NOT NULL, id bigint NOT NULL, PRIMARY KEY (tenant, id))',
  'CREATE INDEX ON load_rows (id)',
  `SELECT create_distributed_table('load_rows', 'tenant')`,
  'CREATE TABLE load_kinds (id int PRIMARY KEY, used bigint NOT NULL)',
  `SELECT create_reference_table('load_kinds')`,
  'INSERT INTO load_kinds SELECT i, 0 FROM generate_series(1, 10) AS i',
];

export const TENANTS = 64;
export const KINDS = 10;

export async function makeTables(client: Client): Promise<void> {
  for (const statement of TABLES) await client.query(statement);
}

export interface Row {
  readonly tenant: number;
  readonly id: number;
}

/** What clients were told of the tables. */
export interface Told {
  /** The rows that must be there. */
  readonly acknowledged: readonly Row[];
  /** The rows of each transaction that had several, whatever became of it: all are there, or none. */
  readonly together: readonly (readonly Row[])[];
  /** Additions of one to a row of the reference table. */
  readonly uses: { readonly sent: number; readonly acknowledged: number };
}

function nameOf({ tenant, id }: Row): string {
  return `${tenant}/${id}`;
}

async function rowsThere(client: Client): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ tenant: number; id: string }>('SELECT tenant, id FROM load_rows');
  return new Set(rows.map(({ tenant, id }) => `${tenant}/${id}`));
}

/** The acknowledged rows that are not there. */
export async function lostRows(
  client: Client,
  { acknowledged }: Pick<Told, 'acknowledged'>,
): Promise<string[]> {
  const there = await rowsThere(client);
  return acknowledged.map(nameOf).filter((row) => !there.has(row));
}

/** What is not as the clients were told. */
export interface Damage {
  /** Acknowledged rows that are not there. */
  readonly rows: readonly string[];
  /** The rows of transactions of which there is only a part. */
  readonly halves: readonly (readonly string[])[];
  /** How many acknowledged updates of the reference table are not there; how many are that nobody sent. */
  readonly updatesLost: number;
  readonly updatesTooMany: number;
}

export async function damageOf(client: Client, { acknowledged, together, uses }: Told): Promise<Damage> {
  const there = await rowsThere(client);
  const used = await usesThere(client);
  return {
    rows: acknowledged.map(nameOf).filter((row) => !there.has(row)),
    halves: together
      .map((rows) => rows.map(nameOf))
      .filter((rows) => new Set(rows.map((row) => there.has(row))).size > 1),
    updatesLost: Math.max(0, uses.acknowledged - used),
    updatesTooMany: Math.max(0, used - uses.sent),
  };
}

/** How often a row of the reference table was added one to. */
export async function usesThere(client: Client): Promise<number> {
  const [kinds] = (await client.query<{ used: string }>('SELECT sum(used) AS used FROM load_kinds')).rows;
  return Number(kinds?.used);
}

/** Where the tables are not as the clients were told, one sentence each. */
export async function contradictions(client: Client, told: Told): Promise<string[]> {
  const { rows, halves, updatesLost, updatesTooMany } = await damageOf(client, told);
  return [
    ...(rows.length > 0 ? [`${rows.length} acknowledged rows lost: ${rows.slice(0, 20).join(', ')}`] : []),
    ...halves.map((some) => `of the transaction of ${some.join(', ')} there is only a part`),
    ...(updatesLost > 0 ? [`${updatesLost} acknowledged updates lost`] : []),
    ...(updatesTooMany > 0 ? [`${updatesTooMany} updates that nobody sent`] : []),
  ];
}
