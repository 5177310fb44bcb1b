import { connect, destroy } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import { formatLsn, parseLsn } from '@pgaf/core/lsn';
import type { Client } from 'pg';

export interface NodeState {
  readonly name: string;
  readonly group: number;
  readonly port: number;
  readonly reported: string;
  readonly goal: string;
  readonly lsn: string;
  readonly tli: number;
  /** 1 good, 0 bad, -1 unknown. */
  readonly health: number;
}

interface StateRow {
  nodename: string;
  group_id: number;
  nodeport: number;
  current_group_state: string;
  assigned_group_state: string;
  reported_tli: number;
  reported_lsn: string;
  health: number;
}

/** Reads the monitor through its SQL API, on one connection that it opens again when the monitor went away. */
export class MonitorProbe {
  private client: Client | undefined;
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly uri: string) {}

  /** One at a time, whoever asks. */
  query<R extends object>(text: string, values: unknown[] = []): Promise<R[]> {
    const answer = this.last.then(() => this.ask<R>(text, values));
    this.last = answer.catch(() => undefined);
    return answer;
  }

  private async ask<R extends object>(text: string, values: unknown[]): Promise<R[]> {
    const client = await this.connected();
    try {
      return (await client.query<R>(text, values)).rows;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async states(formation = 'default'): Promise<NodeState[]> {
    const rows = await this.query<StateRow>('SELECT * FROM pgautofailover.current_state($1)', [formation]);
    return rows.map((row) => ({
      name: row.nodename,
      group: row.group_id,
      port: row.nodeport,
      reported: row.current_group_state,
      goal: row.assigned_group_state,
      lsn: formatLsn(parseLsn(row.reported_lsn)),
      tli: row.reported_tli,
      health: row.health,
    }));
  }

  /** True once a monitor service holds the lock of the one writer. */
  async hasService(): Promise<boolean> {
    const rows = await this.query(
      "SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    return rows.length > 0;
  }

  async events(count: number): Promise<string[]> {
    const rows = await this.query<{ at: string; description: string }>(
      "SELECT to_char(eventtime, 'HH24:MI:SS.MS') AS at, description FROM pgautofailover.last_events($1::int)",
      [count],
    );
    return rows.map((row) => `${row.at} ${row.description}`);
  }

  close(): void {
    const client = this.client;
    this.client = undefined;
    if (client) destroy(client);
  }

  private async connected(): Promise<Client> {
    if (this.client) return this.client;
    const client = await connect(parseConnInfo(this.uri), {
      connectTimeoutMs: 2000,
      what: 'the monitor',
      session: { statement_timeout: 5000 },
    });
    client.on('error', () => {
      if (this.client === client) this.client = undefined;
    });
    this.client = client;
    return client;
  }
}
