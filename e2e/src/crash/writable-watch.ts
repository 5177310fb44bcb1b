import { setTimeout as pause } from 'node:timers/promises';
import { connect, destroy } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import type { Milliseconds } from '@pgaf/core/durations';
import type { Member } from '@pgaf/testing/formation';
import type { Client } from 'pg';

/** Of each node, all the time; more often it would take the processors from what is watched. */
const SAMPLE_EVERY: Milliseconds = 25;

/** A stretch of time in which one postmaster surely took writes: after an answer, and before a question. */
export interface Writable {
  readonly name: string;
  readonly postmaster: string;
  readonly from: Milliseconds;
  readonly to: Milliseconds;
}

export function overlap(a: Writable, b: Writable): boolean {
  return a.name !== b.name && a.from < b.to && b.from < a.to;
}

/** Asks every node all the time whether it takes writes, and finds two that surely do at once. */
export class WritableWatch {
  readonly #last = new Map<string, Writable>();
  readonly #found = new Set<string>();
  #closed = false;
  readonly #loops: Promise<void>[];

  constructor(nodes: readonly Member[]) {
    this.#loops = nodes.map((node) => this.#watch(node));
  }

  /** The pairs of nodes that took writes at once. */
  faults(): string[] {
    return [...this.#found];
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#loops);
  }

  async #watch({ host, port }: Member): Promise<void> {
    const conninfo = parseConnInfo(`postgres://postgres@${host.address}:${port}/postgres?sslmode=disable`);
    let client: Client | null = null;
    while (!this.#closed) {
      try {
        client ??= await connected(conninfo);
        await this.#sample(host.name, client);
      } catch {
        if (client) destroy(client);
        client = null;
      }
      await pause(SAMPLE_EVERY);
    }
    if (client) destroy(client);
  }

  async #sample(name: string, client: Client): Promise<void> {
    const sentAt = performance.now();
    const { rows } = await client.query<{ writable: boolean; postmaster: string }>({
      name: 'writable',
      text: 'SELECT NOT pg_is_in_recovery() AS writable, pg_postmaster_start_time()::text AS postmaster',
    });
    const [row] = rows;
    if (!row?.writable) return;
    const before = this.#last.get(name);
    const { postmaster } = row;
    const from = before?.postmaster === postmaster ? before.from : performance.now();
    const now = { name, postmaster, from, to: sentAt };
    this.#last.set(name, now);
    for (const other of this.#last.values()) {
      if (overlap(now, other)) this.#found.add(`${now.name} and ${other.name} took writes at once`);
    }
  }
}

async function connected(conninfo: ReturnType<typeof parseConnInfo>): Promise<Client> {
  const client = await connect(conninfo, { connectTimeoutMs: 500, session: { statement_timeout: 1000 } });
  client.on('error', () => undefined);
  return client;
}
