import { fitsVerifier, scramVerifier } from '@pgaf/postgres/scram-verifier';
import pg from 'pg';
import type { MonitorDatabase } from './service-session.js';

/**
 * Gives the role by which nodes and commands log in this password, unless it has it. As a verifier: the statement is
 * logged.
 */
export async function setNodePassword(client: pg.Client, password: string): Promise<'changed' | 'unchanged'> {
  const { rows } = await client.query<{ stored: string | null }>(
    `SELECT rolpassword AS stored FROM pg_authid WHERE rolname = 'autoctl_node'`,
  );
  if (fitsVerifier(rows[0]?.stored ?? null, password)) return 'unchanged';
  await client.query(`ALTER ROLE autoctl_node PASSWORD ${client.escapeLiteral(scramVerifier(password))}`);
  return 'changed';
}

/** The same, on a running monitor. */
export async function renewNodePassword(
  { socketDirectory, port, user }: MonitorDatabase,
  password: string,
): Promise<'changed' | 'unchanged'> {
  const client = new pg.Client({
    host: socketDirectory,
    port,
    user,
    database: 'pg_auto_failover',
    connectionTimeoutMillis: 2000,
    statement_timeout: 5000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await setNodePassword(client, password);
  } finally {
    await client.end().catch(() => undefined);
  }
}
