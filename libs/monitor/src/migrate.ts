import type { Client } from 'pg';
import { MIGRATIONS, type Migration } from './migrations.js';
import { MIGRATION_LOCK } from './advisory-locks.js';
import { hashOf, refuseEditedSchema, type HashedMigration } from './edited-schema.js';
import { refuseNewerSchema } from './newer-schema.js';

/**
 * Brings the schema to the newest version that this program knows, all of it in one transaction or nothing.
 * Returns what it applied. Needs a superuser's session in the monitor's database.
 * @throws UserError, both exit 14: `schema-too-new` when a newer program left a breaking migration behind, and
 * `schema-edited` when a migration of the same number was another one.
 */
export async function migrate(
  client: Client,
  known: readonly Migration[] = MIGRATIONS,
): Promise<readonly Migration[]> {
  await client.query('BEGIN');
  try {
    await client.query('SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0');
    await client.query('SELECT pg_advisory_xact_lock($1, $2)', [...MIGRATION_LOCK]);
    const applied = await appliedMigrations(client);
    refuseNewerSchema(applied, known);
    refuseEditedSchema(applied, known);
    const versions = new Set(applied.map(({ version }) => version));
    const missing = known.filter(({ version }) => !versions.has(version));
    for (const migration of missing) {
      const { version, name, breaking, sql } = migration;
      await client.query(sql);
      await client.query(
        'INSERT INTO pgautofailover.schema_version (version, name, breaking, sha256) VALUES ($1, $2, $3, $4)',
        [version, name, breaking, hashOf(migration)],
      );
    }
    await client.query('COMMIT');
    return missing;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

export async function appliedMigrations(client: Client): Promise<readonly HashedMigration[]> {
  const { rows } = await client.query<{ there: boolean }>(
    `SELECT to_regclass('pgautofailover.schema_version') IS NOT NULL AS there`,
  );
  if (!rows[0]?.there) return [];
  const applied = await client.query<HashedMigration>(
    // As jsonb, since a schema from before there were hashes has no such column.
    `SELECT version, name, breaking, to_jsonb(v)->>'sha256' AS sha256
     FROM pgautofailover.schema_version v ORDER BY version`,
  );
  return applied.rows;
}
