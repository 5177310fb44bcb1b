import { connect, destroy } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import type { Milliseconds } from '@pgaf/core/durations';
import { until } from '@pgaf/testing/deadline';
import { sendSignal } from '@pgaf/testing/end-processes';
import type { Formation, Member } from '@pgaf/testing/formation';
import type { Client } from 'pg';
import { coordinatorUri, onCitusNode, onCoordinator, primaryOfGroup } from './citus-formation.js';

const CONNECT_TIMEOUT_MS = 2000;
const SEEN_WITHIN: Milliseconds = 30_000;
const IDS = 64;
const TABLES = [
  'SET citus.shard_count = 8',
  'CREATE TABLE held_rows (id int PRIMARY KEY, note text NOT NULL)',
  `SELECT create_distributed_table('held_rows', 'id')`,
  `INSERT INTO held_rows SELECT i, 'free' FROM generate_series(1, ${IDS}) AS i`,
  'CREATE TABLE held_table (id int PRIMARY KEY)',
  `SELECT create_distributed_table('held_table', 'id')`,
];

/**
 * Transactions of clients through the coordinator that are not over: what each of them holds on workers of the groups 1
 * and 2 nobody else can change.
 */
export class OpenTransactions {
  readonly #clients: Client[] = [];
  readonly #commits: Promise<string>[] = [];
  /** Processes that were stopped. */
  readonly #stopped: number[] = [];

  private constructor(
    private readonly formation: Formation,
    private readonly ids: Readonly<Record<1 | 2, readonly number[]>>,
  ) {}

  static async prepare(formation: Formation): Promise<OpenTransactions> {
    return onCoordinator(formation, async (client) => {
      for (const statement of TABLES) await client.query(statement);
      const idsOf = async (group: number): Promise<number[]> => {
        const { rows } = await client.query<{ id: number }>(
          `SELECT id FROM held_rows JOIN pg_dist_placement ON shardid =
             get_shard_id_for_distribution_column('held_rows', id) WHERE groupid = $1 ORDER BY id`,
          [group],
        );
        return rows.map(({ id }) => id);
      };
      return new OpenTransactions(formation, { 1: await idsOf(1), 2: await idsOf(2) });
    });
  }

  /** What waits for them, by what they hold. */
  get statements(): Readonly<Record<string, string>> {
    const kinds = 'UPDATE load_kinds SET used = used WHERE id = 1';
    return {
      'a row of one shard': this.#update(1, 0, 'new'),
      'rows of several shards': `${this.#update(1, 1, 'new')}; ${this.#update(2, 1, 'new')}; ${kinds}`,
      'rows of what was being committed': `${this.#update(1, 2, 'new')}; ${this.#update(2, 2, 'new')}`,
      'a table': 'ALTER TABLE held_table ADD COLUMN new int',
    };
  }

  /**
   * Strikes while one of them is being committed, which one worker has prepared and the other has been told to; so that
   * it is not committed yet, and prepared on both afterwards.
   */
  async whileCommitting(strike: () => Promise<void>): Promise<void> {
    await this.#begin(this.#update(1, 0, 'old'));
    await this.#begin(
      this.#update(1, 1, 'old'),
      this.#update(2, 1, 'old'),
      'UPDATE load_kinds SET used = used WHERE id = 1',
    );
    await this.#begin('ALTER TABLE held_table ADD COLUMN old int');
    const committing = await this.#begin(this.#update(1, 2, 'old'), this.#update(2, 2, 'old'));
    const { rows } = await committing.query<{ pid: number; gpid: string }>(
      'SELECT pg_backend_pid() AS pid, citus_backend_gpid() AS gpid',
    );
    const [own] = rows;
    const [one, two] = [await primaryOfGroup(this.formation, 1), await primaryOfGroup(this.formation, 2)];
    await onCitusNode(two, async (client) => {
      const found = await client.query<{ pid: number }>(
        'SELECT pid FROM pg_stat_activity WHERE application_name = $1',
        [`citus_internal gpid=${own?.gpid}`],
      );
      for (const { pid } of found.rows) this.#stop(pid);
    });
    this.#commit(committing);
    await this.#untilPrepared(one, own?.pid);
    await strike();
    this.goOn();
    await this.#untilPrepared(two, own?.pid);
  }

  /** All are told to commit: nobody answers them yet. */
  commit(): void {
    for (const client of this.#clients.slice(0, -1)) this.#commit(client);
  }

  /** What became of the commits. */
  outcomes(): Promise<string[]> {
    return Promise.all(this.#commits);
  }

  /** Of the rows that they held. */
  notes(): Promise<string[]> {
    return onCoordinator(this.formation, async (client) => {
      const { rows } = await client.query<{ note: string }>(
        `SELECT DISTINCT note FROM held_rows WHERE note <> 'free'
          UNION ALL
         SELECT attname FROM pg_attribute WHERE attrelid = 'held_table'::regclass AND attnum > 1`,
      );
      return rows.map(({ note }) => note);
    });
  }

  goOn(): void {
    for (const pid of this.#stopped.splice(0)) sendSignal(pid, 'SIGCONT');
  }

  end(): void {
    this.goOn();
    for (const client of this.#clients) destroy(client);
  }

  #update(group: 1 | 2, i: number, note: string): string {
    return `UPDATE held_rows SET note = '${note}' WHERE id = ${this.ids[group][i]}`;
  }

  async #begin(...statements: readonly string[]): Promise<Client> {
    const client = await connect(parseConnInfo(coordinatorUri(this.formation)), {
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
    });
    client.on('error', () => undefined);
    this.#clients.push(client);
    for (const statement of ['BEGIN', ...statements]) await client.query(statement);
    return client;
  }

  #commit(client: Client): void {
    const ended = client.query('COMMIT').then(
      ({ command }) => command,
      (error: Error) => error.message,
    );
    this.#commits.push(ended);
  }

  #stop(pid: number): void {
    sendSignal(pid, 'SIGSTOP');
    this.#stopped.push(pid);
  }

  async #untilPrepared(member: Member, by: number | undefined): Promise<void> {
    let gids: string[] = [];
    const wait = {
      what: `a transaction of process ${by} to be prepared on ${member.host.name}`,
      deadlineMs: SEEN_WITHIN,
      seen: () => gids.join('\n'),
    };
    await until(wait, async () => {
      const { rows } = await onCitusNode(member, (client) =>
        client.query<{ gid: string }>('SELECT gid FROM pg_prepared_xacts'),
      );
      gids = rows.map(({ gid }) => gid);
      return gids.some((gid) => gid.startsWith(`citus_0_${by}_`));
    });
  }
}
