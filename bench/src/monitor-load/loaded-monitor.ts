import type { Milliseconds } from '@pgaf/core/durations';

/** A monitor whose nodes are clients of a load generator, two to a formation: `f0` with nodes 1 and 2, and so on. */
export interface LoadedMonitor {
  readonly address: { readonly host: string; readonly port: number; readonly user: string };
  /** The load generator of the Postgres in use. */
  readonly pgbench: string;
  /** For files beside the monitor’s own. */
  readonly directory: string;
  /** For pgbench: one report of the node with the id `:client_id + 1`, after what its session begins with. */
  readonly script: string;
  /** Rows of as many nodes in the place of those that are there, all well, about which nobody decides yet. */
  register(nodes: number): void;
  /** How many nodes have reported since. */
  reporting(): number;
  /** From now on the monitor decides about them. */
  beginToDecide(): void;
  /** What the monitor and its Postgres have used so far. */
  processorMs(): Milliseconds;
  close(): Promise<void>;
}

export interface ReportDialect {
  /** What a session begins with. */
  readonly session: string;
  /** Arguments after those that each monitor knows. */
  readonly more: string;
  readonly columns: string;
  /** `;`, or `\\gset` where the answer is needed for the next report. */
  readonly end: string;
}

/** Nodes of one group report like this all day: each is where it should be, and its WAL goes on. */
export function reportScript({ session, more, columns, end }: ReportDialect): string {
  const report = (state: string, rest: string) =>
    `SELECT ${columns} FROM pgautofailover.node_active('f' || :formation::int, :id, 0, '${state}', true, 1, ('1/' || :lsn::int)::pg_lsn, ${rest})${end}`;
  return `\\if :fresh
${session}
\\set fresh 0
\\endif
\\set id :client_id + 1
\\set formation :client_id / 2
\\set lsn :lsn + 1
\\if :client_id % 2 = 0
${report('primary', `'quorum'${more}`)}
\\else
${report('secondary', `''${more}`)}
\\endif
`;
}

/** Rows of `node` have these columns in every monitor; `columns` and `values` are more of them. */
export function nodeRows(count: number, port: number, columns = '', values = ''): string {
  return `
DELETE FROM pgautofailover.node;
DELETE FROM pgautofailover.formation WHERE formationid <> 'default';
INSERT INTO pgautofailover.formation (formationid) SELECT 'f' || n FROM generate_series(0, ${count / 2 - 1}) AS n;
INSERT INTO pgautofailover.node
  (nodeid, formationid, groupid, nodename, nodehost, nodeport, sysidentifier, goalstate, reportedstate, health,
   reporttime${columns})
SELECT id, 'f' || (id - 1) / 2, 0, 'node_' || id, format('127.1.%s.%s', id / 250, 1 + id % 250), ${port},
       (id - 1) / 2 + 1, state, state, 1, '-infinity'${values}
  FROM generate_series(1, ${count}) AS id,
       LATERAL (SELECT CASE id % 2 WHEN 1 THEN 'primary' ELSE 'secondary' END::pgautofailover.replication_state)
         AS s (state);
ANALYZE;
`;
}

export const REPORTING = `SELECT count(*) FROM pgautofailover.node WHERE reporttime > '-infinity';`;
