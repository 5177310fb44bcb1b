import { accessSync, constants, existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { EXIT, UserError } from '@pgaf/core/errors';
import { runProgram } from './run-program.js';

export interface PostgresVersion {
  readonly major: number;
  /** As Postgres prints it, such as `15.14 (Debian 15.14-0+deb12u1)`. */
  readonly text: string;
}

export interface BinariesSearch {
  /** The user's choice (`--pgctl`): a path to pg_ctl; nothing else is looked at then. */
  readonly pgCtl?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Where Debian's packages put one directory per version. */
  readonly debianRoot?: string | undefined;
}

const DEBIAN_ROOT = '/usr/lib/postgresql';
const INSTALL = 'Install the server, on Debian `apt-get install postgresql`, or name one with --pgctl.';

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The bin directory that a pg_ctl belongs to: where the link leads, when the server is there too. */
function bindirOf(pgCtl: string): string | undefined {
  if (!isExecutable(pgCtl)) return undefined;
  return [dirname(realpathSync(pgCtl)), dirname(pgCtl)].find((dir) => isExecutable(join(dir, 'postgres')));
}

function inPath(program: string, env: Readonly<Record<string, string | undefined>>): string[] {
  const directories = (env.PATH ?? '').split(delimiter).filter((directory) => directory !== '');
  return directories.map((directory) => join(directory, program)).filter(isExecutable);
}

function unique(bindirs: readonly (string | undefined)[]): string[] {
  return [...new Set(bindirs.filter((dir): dir is string => dir !== undefined))];
}

function onlyOne(bindirs: readonly string[]): string | undefined {
  if (bindirs.length < 2) return bindirs[0];
  const list = bindirs.map((dir) => join(dir, 'pg_ctl')).join(', ');
  throw new UserError(`Several PostgreSQL servers are installed: ${list}.`, {
    code: 'pgctl-ambiguous',
    exit: EXIT.badArguments,
    hint: 'Choose one with --pgctl or PG_CONFIG.',
  });
}

async function bindirByPgConfig(pgConfig: string): Promise<string | undefined> {
  const { stdout } = await runProgram({ program: pgConfig, args: ['--bindir'] });
  return bindirOf(join(stdout.trim(), 'pg_ctl'));
}

function debianBindirs(root: string): string[] {
  if (!existsSync(root)) return [];
  return unique(readdirSync(root).map((version) => bindirOf(join(root, version, 'bin', 'pg_ctl'))));
}

/**
 * Postgres's bin directory: `pgCtl`; else `$PG_CONFIG --bindir`; else the only pg_ctl in PATH; else pg_config in
 * PATH; else Debian's, when there is one.
 * @throws UserError `pgctl-not-found`, or `pgctl-ambiguous` naming each.
 */
export async function findBindir(search: BinariesSearch = {}): Promise<string> {
  const env = search.env ?? process.env;
  if (search.pgCtl !== undefined)
    return bindirOf(search.pgCtl) ?? notFound(`"${search.pgCtl}" is no pg_ctl of a server`);
  if (env.PG_CONFIG)
    return (
      (await bindirByPgConfig(env.PG_CONFIG)) ?? notFound(`PG_CONFIG (${env.PG_CONFIG}) names no server`)
    );
  const inPathDir = onlyOne(unique(inPath('pg_ctl', env).map(bindirOf)));
  if (inPathDir !== undefined) return inPathDir;
  for (const pgConfig of inPath('pg_config', env)) {
    const found = await bindirByPgConfig(pgConfig).catch(() => undefined);
    if (found !== undefined) return found;
  }
  return (
    onlyOne(debianBindirs(search.debianRoot ?? DEBIAN_ROOT)) ?? notFound('No PostgreSQL server was found')
  );
}

function notFound(what: string): never {
  throw new UserError(`${what}.`, { code: 'pgctl-not-found', exit: EXIT.pgctl, hint: INSTALL });
}

/** What `postgres --version` says. */
export async function versionOf(bindir: string): Promise<PostgresVersion> {
  const { stdout } = await runProgram({ program: join(bindir, 'postgres'), args: ['--version'] });
  const found = /\(PostgreSQL\) ((\d+)\S*.*)/.exec(stdout.trim());
  if (!found) notFound(`${join(bindir, 'postgres')} prints no version of PostgreSQL`);
  return { major: Number(found[2]), text: found[1] ?? '' };
}
