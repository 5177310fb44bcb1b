import { EXIT, UserError } from '@pgaf/core/errors';
import { MIGRATIONS, type Migration } from './migrations.js';

/** A row of the monitor's `schema_version`. */
export interface AppliedMigration {
  readonly version: number;
  readonly name: string;
  readonly breaking: boolean;
}

/** A sentence for the log when a newer program left migrations behind that this one can live with; else null. */
export function warnOfNewerSchema(
  applied: readonly AppliedMigration[],
  known: readonly Pick<Migration, 'version'>[] = MIGRATIONS,
): string | null {
  const versions = new Set(known.map(({ version }) => version));
  const newer = applied.filter(({ version }) => !versions.has(version));
  if (newer.length === 0) return null;
  const list = newer.map(({ version, name }) => `${version} (${name})`).join(', ');
  return `The monitor's schema has migrations that this version of pgaf does not know, and can work with: ${list}.`;
}

/** @throws UserError `schema-too-new`, exit 14, when a newer program left a breaking migration behind. */
export function refuseNewerSchema(
  applied: readonly AppliedMigration[],
  known: readonly Pick<Migration, 'version'>[] = MIGRATIONS,
): void {
  const versions = new Set(known.map(({ version }) => version));
  const unknown = applied.find(({ version, breaking }) => breaking && !versions.has(version));
  if (!unknown) return;
  throw new UserError(
    `The monitor's schema has migration ${unknown.version} (${unknown.name}), which this version of pgaf does not know.`,
    {
      code: 'schema-too-new',
      exit: EXIT.schemaVersion,
      hint: 'Use the version of pgaf that the monitor runs, or a newer one; `pgaf version` tells which one this is.',
    },
  );
}
