import type { LocalClient } from './query.js';
import { isAsGood } from './setting-value.js';
import { SETTINGS_FILES, type Setting } from './settings.js';

/** A line that Postgres cannot apply. */
export interface SettingError {
  readonly file: string;
  readonly line: number;
  readonly name: string;
  readonly error: string;
}

/** Where a value comes from that wins over ours. */
export type ForeignSource =
  | { readonly from: 'file'; readonly file: string; readonly line: number }
  | { readonly from: 'command line' }
  /** ALTER ROLE, ALTER DATABASE, or both in one; `statement` as it begins. */
  | { readonly from: 'role'; readonly statement: string };

/** A setting of ours that has another value, by somebody else's doing, and a weaker one. */
export interface Override {
  readonly name: string;
  readonly ours: string;
  readonly value: string;
  readonly source: ForeignSource;
}

interface SettingFacts {
  readonly overrides: readonly Override[];
  /** Of our settings: those that Postgres takes at its next start only. */
  readonly needRestart: readonly string[];
}

type SettingRow = {
  name: string;
  vartype: string;
  unit: string;
  setting: string;
  source: string;
  pending_restart: boolean;
  last_value: string | null;
  last_file: string | null;
  last_line: number | null;
};

type RoleRow = { role: string | null; database: string | null; name: string; value: string };

// The last line of a name wins, be its value good or not, and be it reloaded or not.
const SETTINGS = `
SELECT s.name, s.vartype, coalesce(s.unit, '') AS unit, s.setting, s.source, s.pending_restart,
       last.setting AS last_value, last.sourcefile AS last_file, last.sourceline AS last_line
  FROM pg_settings s
  LEFT JOIN (SELECT DISTINCT ON (lower(name)) lower(name) AS name, setting, sourcefile, sourceline
               FROM pg_file_settings ORDER BY lower(name), seqno DESC) AS last ON last.name = s.name
 WHERE s.name = ANY ($1) ORDER BY s.name`;

const ROLE_SETTINGS = `
SELECT quote_ident(r.rolname) AS role, quote_ident(d.datname) AS database,
       split_part(entry, '=', 1) AS name, substr(entry, strpos(entry, '=') + 1) AS value
  FROM pg_db_role_setting s
  LEFT JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase,
       unnest(s.setconfig) AS entry
 WHERE split_part(entry, '=', 1) = ANY ($1) ORDER BY 1, 2, 3`;

/**
 * Which of our settings, the last of each name, somebody else's source sets after us, as all sources stand now,
 * reloaded or not. Lines before ours have no effect and are none of our business. Needs a superuser.
 */
export async function settingFacts(client: LocalClient, ours: readonly Setting[]): Promise<SettingFacts> {
  const wanted = new Map(ours);
  const names = [...wanted.keys()];
  const rows = await client.query<SettingRow>(SETTINGS, [names]);
  const byRole = await client.query<RoleRow>(ROLE_SETTINGS, [names]);
  const types = new Map(rows.map((row) => [row.name, row]));
  const found = [
    ...rows.flatMap((row) => serverWide(row, wanted.get(row.name) ?? '')),
    ...byRole.map(({ name, value, ...where }): Override => ({
      name,
      value,
      ours: wanted.get(name) ?? '',
      source: { from: 'role', statement: alterOf(where) },
    })),
  ];
  return {
    overrides: found.filter(
      ({ name, value, ours: ourValue }) =>
        !isAsGood(name, value, ourValue, types.get(name) ?? { vartype: 'string', unit: '' }),
    ),
    needRestart: rows
      .filter((row) => row.pending_restart && row.source !== 'command line')
      .map((row) => row.name),
  };
}

function serverWide(row: SettingRow, ours: string): Override[] {
  const { name, setting, source, last_value: value, last_file: file, last_line: line } = row;
  if (source === 'command line') return [{ name, ours, value: setting, source: { from: 'command line' } }];
  if (file === null || isOurFile(file)) return [];
  return [{ name, ours, value: value ?? '', source: { from: 'file', file, line: line ?? 0 } }];
}

function isOurFile(path: string): boolean {
  return Object.values(SETTINGS_FILES).some((name) => path.endsWith(`/${name}`));
}

function alterOf({ role, database }: Pick<RoleRow, 'role' | 'database'>): string {
  if (role === null) return database === null ? 'ALTER ROLE ALL' : `ALTER DATABASE ${database}`;
  return database === null ? `ALTER ROLE ${role}` : `ALTER ROLE ${role} IN DATABASE ${database}`;
}

// A value that cannot be applied before the next start is told in the same words as one that never can.
const ERRORS = `
SELECT coalesce(f.sourcefile, '') AS file, coalesce(f.sourceline, 0) AS line, coalesce(f.name, '') AS name, f.error
  FROM pg_file_settings f LEFT JOIN pg_settings s ON s.name = lower(f.name)
 WHERE f.error IS NOT NULL AND (f.error <> 'setting could not be applied' OR s.context <> 'postmaster')
 ORDER BY f.seqno`;

/** Lines of the configuration files that Postgres refuses, and for the sake of which it reloads none of them. */
export async function settingErrors(client: LocalClient): Promise<SettingError[]> {
  return client.query<SettingError & Record<string, unknown>>(ERRORS);
}
