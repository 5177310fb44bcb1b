import { connect } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import type { Client } from 'pg';

const CONNECT_TIMEOUT_MS = 2000;

/** Runs the work on a connection of its own. */
export async function withClient<T>(uri: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await connect(parseConnInfo(uri), { connectTimeoutMs: CONNECT_TIMEOUT_MS });
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
