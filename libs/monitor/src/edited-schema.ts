import { createHash } from 'node:crypto';
import { EXIT, UserError } from '@pgaf/core/errors';
import type { Migration } from './migrations.js';
import type { AppliedMigration } from './newer-schema.js';

/** With the SHA-256 of its SQL, in hexadecimal digits; null where it was not written down. */
export interface HashedMigration extends AppliedMigration {
  readonly sha256: string | null;
}

export function hashOf({ sql }: Pick<Migration, 'sql'>): string {
  return createHash('sha256').update(sql).digest('hex');
}

/** @throws UserError `schema-edited`, exit 14, when a migration that both know is not the same: the functions there are others. */
export function refuseEditedSchema(applied: readonly HashedMigration[], known: readonly Migration[]): void {
  const edited = known.find((migration) => {
    const there = applied.find(({ version }) => version === migration.version);
    return there !== undefined && there.sha256 !== hashOf(migration);
  });
  if (!edited) return;
  throw new UserError(
    `Migration ${edited.version} (${edited.name}) of the monitor's schema is not the one that this pgaf has.`,
    {
      code: 'schema-edited',
      exit: EXIT.schemaVersion,
      hint:
        'A build of pgaf from before a release made this monitor: run that build. Or make the monitor anew, which keeps the ' +
        'data of the nodes: `pgaf drop monitor --destroy` here; `pgaf stop` and `pgaf drop node --force`, without --destroy, ' +
        'on each node; then create the monitor, and each node on its --pgdata, the primary first.',
    },
  );
}
