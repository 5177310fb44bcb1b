import type { State } from '@pgaf/core/states';
import { beginSession } from './begin-session.js';
import { KnownAssignment } from './known-assignment.js';
import { Motion } from './motion.js';
import { MonitorSession, type MonitorSessionOptions } from './monitor-session.js';
import { channelOf, parseStateNotification, type StateNotification } from './notifications.js';
import {
  assignmentOf,
  NODE_ACTIVE,
  nodeActiveValues,
  type Assignment,
  type NodeActiveRow,
  type Report,
} from './reports.js';
import { EXIT, PgafError } from '@pgaf/core/errors';
import type { Milliseconds } from '@pgaf/core/durations';
import type { FormationView } from '@pgaf/core/formation-view';

export interface Registration {
  readonly formation: string;
  readonly host: string;
  readonly port: number;
  readonly dbname: string;
  /** '' for a name of the monitor's choice. */
  readonly name: string;
  readonly role: string;
  /** Decimal; null when there is no data directory yet. */
  readonly systemIdentifier: string | null;
  /** The id that the node has or had; null for a new one. */
  readonly desiredId: number | null;
  /** Null leaves the choice to the formation's kind. */
  readonly group: number | null;
  /** What its Postgres is already; the monitor refuses the node when it would have to become something else. */
  readonly initialState: 'init' | 'single' | 'wait_standby';
  readonly candidatePriority: number;
  readonly quorum: boolean;
  readonly cluster: string;
  /** For people to see; decisions do not look at it. */
  readonly region: string;
}

export interface Registered {
  readonly nodeId: number;
  readonly group: number;
  readonly goal: State;
  readonly name: string;
}

/** A later answer would renew little of a lease; a new connection may find a way that this one has lost. */
const ANSWER_LIMIT: Milliseconds = 3000;

/** The monitor as a keeper uses it: one session that stays open. Every error has exit 6. */
export class MonitorClient {
  readonly session: MonitorSession;
  readonly #known = new KnownAssignment();
  readonly #motion = new Motion();
  #hearsNews = false;
  /** Of the node that reports; null before it does. */
  #group: number | null = null;

  constructor(options: MonitorSessionOptions) {
    this.session = new MonitorSession(options);
  }

  /** A heartbeat. @throws MonitorError, 42704 when the node has no row any more. */
  async report(report: Report): Promise<Assignment> {
    this.#group = report.group;
    const statement = { name: 'node-active', text: NODE_ACTIVE };
    const values = nodeActiveValues(report, this.#hearsNews ? this.#known.toReport() : null);
    try {
      const begin = beginSession(report.nodeId);
      const rows = await this.session.queryPrepared<NodeActiveRow>(begin, statement, values, ANSWER_LIMIT);
      const row = only(rows);
      const assignment = this.#known.complete(row);
      const inMotion = this.#motion.note(row.goal, assignment);
      // What other nodes report is no news of which this one hears soon.
      if (inMotion) this.#known.outdate();
      return { ...assignmentOf(row, assignment), inMotion };
    } catch (error) {
      this.#known.outdate();
      throw error;
    }
  }

  /** @throws MonitorError: 23505 name or host and port taken, 42P17 no such formation, 55006 try again. */
  async register(registration: Registration): Promise<Registered> {
    const rows = await this.session.query<Registered>(
      `SELECT assigned_node_id::float8 AS "nodeId", assigned_group_id AS "group", assigned_group_state AS goal,
              assigned_node_name AS name
       FROM pgautofailover.register_node($1, $2, $3, $4, $5, $6, $7, $8, $14, '', $9, $10, $11,
                                         $12, $13)`,
      [
        registration.formation,
        registration.host,
        registration.port,
        registration.dbname,
        registration.name,
        registration.systemIdentifier ?? '0',
        registration.desiredId ?? -1,
        registration.group ?? -1,
        registration.candidatePriority,
        registration.quorum,
        registration.cluster,
        registration.region,
        registration.role,
        registration.initialState,
      ],
    );
    return only(rows);
  }

  /** Its new name and place. @throws MonitorError 23505 when another node has the name, or the place. */
  async updateNode(
    nodeId: number,
    { name, host, port }: { readonly name: string; readonly host: string; readonly port: number },
  ): Promise<void> {
    await this.session.query('SELECT pgautofailover.update_node_metadata($1, $2, $3, $4)', [
      nodeId,
      name,
      host,
      port,
    ]);
  }

  /** The node's goal becomes `dropped`; its row goes when its keeper has reported that. */
  async removeNode(nodeId: number, how: 'orderly' | 'force' = 'orderly'): Promise<void> {
    await this.session.query('SELECT pgautofailover.remove_node($1::bigint, $2)', [nodeId, how === 'force']);
  }

  /** @throws MonitorError 23P01 when the group has another one. */
  async setSystemIdentifier(nodeId: number, systemIdentifier: string): Promise<void> {
    await this.session.query('SELECT * FROM pgautofailover.set_node_system_identifier($1, $2)', [
      nodeId,
      systemIdentifier,
    ]);
  }

  /** `number` such as 150014, `text` as `postgres --version` has it, `full` as `version()` does. */
  async reportPostgresVersion(
    nodeId: number,
    version: { readonly number: number; readonly text: string; readonly full: string },
  ): Promise<void> {
    await this.session.query('SELECT pgautofailover.report_postgres_version($1, $2, $3, $4)', [
      nodeId,
      version.number,
      version.text,
      version.full,
    ]);
  }

  /** An event of the node, for people. */
  async tell(nodeId: number, sentence: string): Promise<void> {
    await this.session.query('SELECT pgautofailover.tell($1, $2)', [nodeId, sentence]);
  }

  async formationView(formation: string): Promise<FormationView> {
    const rows = await this.session.query<{ view: FormationView | null }>(
      'SELECT pgautofailover.formation_view($1) AS view',
      [formation],
    );
    const { view } = only(rows);
    if (view) return view;
    throw new PgafError(`The monitor has no formation "${formation}".`, {
      code: 'no-formation',
      exit: EXIT.monitor,
      hint: '`pgaf show uri` lists the formations that there are.',
    });
  }

  /** Calls the listener for each change of state in the formation, and with null after each connection. */
  onNews(formation: string, listener: (news: StateNotification | null) => void): void {
    this.#hearsNews = true;
    this.session.onConnected(() => {
      this.#known.outdate();
      listener(null);
    });
    this.session.listen(channelOf(formation), (payload) => {
      const news = parseStateNotification(payload);
      if (!news) return;
      if (this.#group === null || news.group === this.#group) this.#known.outdate();
      listener(news);
    });
  }

  async close(): Promise<void> {
    await this.session.close();
  }
}

function only<Row>(rows: readonly Row[]): Row {
  const row = rows[0];
  if (row !== undefined) return row;
  throw new PgafError('The monitor answered with no row.', {
    code: 'monitor-answer',
    exit: EXIT.monitor,
    hint: 'Keeper and monitor may be of different versions.',
  });
}
