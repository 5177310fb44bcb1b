import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';

/**
 * Keeps orders in a formation. An order that `place` has answered for is kept, whatever becomes of a server; while
 * another one takes over it is tried again, under the same number, so that it is never there twice.
 */
export class Orders {
  /** @param primaryUri Where writes are taken now. */
  constructor(private readonly primaryUri: () => Promise<string>) {}

  async prepare(): Promise<void> {
    await this.ask('CREATE TABLE orders (id int PRIMARY KEY, what text NOT NULL)', []);
  }

  async place(id: number, what: string): Promise<void> {
    const statement = 'INSERT INTO orders VALUES ($1, $2) ON CONFLICT (id) DO NOTHING';
    for (let attempt = 1; ; attempt++) {
      try {
        await this.ask(statement, [id, what]);
        return;
      } catch (error) {
        if (attempt === 60) throw error;
        await pause(500);
      }
    }
  }

  async count(): Promise<number> {
    const { rows } = await this.ask('SELECT count(*)::int AS n FROM orders', []);
    return rows[0].n;
  }

  private async ask(text: string, values: unknown[]): Promise<pg.QueryResult> {
    const client = new pg.Client({
      connectionString: await this.primaryUri(),
      connectionTimeoutMillis: 2000,
      query_timeout: 5000,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await client.query(text, values);
    } finally {
      // A server that is cut off does not say goodbye.
      void client.end().catch(() => undefined);
    }
  }
}
