import { execFileSync } from 'node:child_process';
import { accessSync, constants, readdirSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function foldersIn(parent) {
  try {
    return readdirSync(parent).map((name) => join(parent, name));
  } catch {
    return [];
  }
}

function bindirOf(pgConfig) {
  try {
    return [execFileSync(pgConfig, ['--bindir'], { encoding: 'utf8' }).trim()];
  } catch {
    return [];
  }
}

function majorOf(bindir) {
  try {
    const text = execFileSync(join(bindir, 'postgres'), ['--version'], { encoding: 'utf8' });
    return Number(/(\d+)/.exec(text)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** The programs of a server that pgaf calls. */
const PROGRAMS = ['pg_ctl', 'initdb', 'postgres', 'pg_basebackup', 'pg_rewind', 'pg_controldata', 'psql'];

/**
 * The `pg_ctl` of the newest Postgres installed, or null. A client package alone brings no server and does not
 * count.
 * @returns {string | null}
 */
export function findPgCtl() {
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => isProgram(join(folder, 'pg_ctl')));
  const candidates = [
    ...(process.env.PG_CONFIG ? bindirOf(process.env.PG_CONFIG) : []),
    ...path.map((folder) => dirname(realpathSync(join(folder, 'pg_ctl')))),
    ...foldersIn('/usr/lib/postgresql').map((folder) => join(folder, 'bin')),
    ...foldersIn('/usr')
      .filter((folder) => /\/pgsql-\d+$/.test(folder))
      .map((folder) => join(folder, 'bin')),
  ];
  const complete = [...new Set(candidates)].filter((bindir) =>
    PROGRAMS.every((program) => isProgram(join(bindir, program))),
  );
  const [newest] = complete
    .map((bindir) => ({ bindir, major: majorOf(bindir) }))
    .sort((a, b) => b.major - a.major);
  return newest ? join(newest.bindir, 'pg_ctl') : null;
}
