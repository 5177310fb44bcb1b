import pg from 'pg';
import { fitsVerifier, scramVerifier } from './scram-verifier.js';
import { QueryError, withConnection, type LocalClient, type LocalServer } from './query.js';

export const MONITOR_ROLE = 'pgautofailover_monitor';
export const REPLICATION_ROLE = 'pgautofailover_replicator';

export type Ensured = 'created' | 'existing';

const DUPLICATE_OBJECT = '42710';
const DUPLICATE_DATABASE = '42P04';
/** Two sessions created the same at once. */
const UNIQUE_VIOLATION = '23505';

async function create(client: LocalClient, sql: string): Promise<Ensured> {
  try {
    await client.query(sql);
    return 'created';
  } catch (error) {
    const known = [DUPLICATE_OBJECT, DUPLICATE_DATABASE, UNIQUE_VIOLATION];
    if (error instanceof QueryError && error.sqlState !== undefined && known.includes(error.sqlState))
      return 'existing';
    throw error;
  }
}

/** Asks first: a failed CREATE would stand as an error in Postgres's log at each run. */
async function exists(client: LocalClient, catalog: 'role' | 'database', name: string): Promise<boolean> {
  const sql =
    catalog === 'role'
      ? 'SELECT FROM pg_roles WHERE rolname = $1'
      : 'SELECT FROM pg_database WHERE datname = $1';
  return (await client.query(sql, [name])).length > 0;
}

/** Creates a role; `attributes` is SQL, such as `LOGIN SUPERUSER`. One that exists stays as it is. */
export async function ensureRole(client: LocalClient, name: string, attributes: string): Promise<Ensured> {
  if (await exists(client, 'role', name)) return 'existing';
  return create(client, `CREATE ROLE ${pg.escapeIdentifier(name)} ${attributes}`);
}

/** The role of the monitor's health checks: one connection, no rights; its password is no secret. */
export async function ensureMonitorRole(client: LocalClient): Promise<Ensured> {
  return ensureRole(
    client,
    MONITOR_ROLE,
    `LOGIN CONNECTION LIMIT 1 PASSWORD ${pg.escapeLiteral(MONITOR_ROLE)}`,
  );
}

/** The role that standbys copy and stream by; a superuser, since pg_rewind reads files of the server. */
export async function ensureReplicationRole(client: LocalClient, password?: string): Promise<Ensured> {
  const withPassword = password === undefined ? '' : ` PASSWORD ${pg.escapeLiteral(scramVerifier(password))}`;
  const ensured = await ensureRole(client, REPLICATION_ROLE, `LOGIN SUPERUSER REPLICATION${withPassword}`);
  if (ensured === 'existing' && password !== undefined) await ensureReplicationPassword(client, password);
  return ensured;
}

/** Gives the replication role this password, unless it has it; a role that is missing stays so. */
export async function ensureReplicationPassword(
  client: LocalClient,
  password: string,
): Promise<'changed' | 'unchanged'> {
  const [role] = await client.query<{ stored: string | null }>(
    'SELECT rolpassword AS stored FROM pg_authid WHERE rolname = $1',
    [REPLICATION_ROLE],
  );
  if (role === undefined || fitsVerifier(role.stored, password)) return 'unchanged';
  // In one implicit transaction. It must not wait for a standby, which may not get in before it has the password.
  await client.query(
    `SET LOCAL synchronous_commit = local;
     ALTER ROLE ${REPLICATION_ROLE} PASSWORD ${pg.escapeLiteral(scramVerifier(password))}`,
  );
  return 'changed';
}

/**
 * For a database and for extensions, which a busy host needs a while for: what was cut off would begin anew each time,
 * and never end.
 */
const PATIENCE_MS = 120_000;

export async function ensureDatabase(server: LocalServer, name: string, owner: string): Promise<Ensured> {
  return withConnection({ ...server, statementTimeoutMs: PATIENCE_MS }, async (client) => {
    if (await exists(client, 'database', name)) return 'existing';
    return create(client, `CREATE DATABASE ${pg.escapeIdentifier(name)} OWNER ${pg.escapeIdentifier(owner)}`);
  });
}

/** In the server's database, with what the extensions require. */
export async function ensureExtensions(server: LocalServer, names: readonly string[]): Promise<void> {
  await withConnection({ ...server, statementTimeoutMs: PATIENCE_MS }, async (client) => {
    for (const name of names) {
      const installed = await client.query('SELECT FROM pg_extension WHERE extname = $1', [name]);
      if (installed.length === 0)
        await client.query(`CREATE EXTENSION IF NOT EXISTS ${pg.escapeIdentifier(name)} CASCADE`);
    }
  });
}
