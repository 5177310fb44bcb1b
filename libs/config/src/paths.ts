import { realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

export interface BaseFolders {
  readonly config: string;
  readonly data: string;
  readonly runtime: string;
}

/** Where the files of one node are; the places and names of pg_auto_failover. */
export interface NodePaths {
  /** The data directory, absolute, links followed. */
  readonly pgdata: string;
  readonly config: string;
  /** The password by which a node logs in to its upstream, for libpq. */
  readonly passfile: string;
  readonly state: string;
  /** Exists while a creation is unfinished. */
  readonly init: string;
  /** Known nodes of a node without a monitor. */
  readonly nodes: string;
  readonly pid: string;
  /** Until when Postgres may run as a primary. */
  readonly lease: string;
  /** What Postgres is expected to do: run or not. */
  readonly expected: string;
}

const OWN_FOLDER = 'pg_autoctl';

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** XDG's folders; as XDG asks, relative ones do not count. A runtime folder that is none is replaced by `/tmp`. */
export function baseFolders(env: Environment, home: string): BaseFolders {
  const given = (variable: string) => {
    const path = env[variable];
    return path && isAbsolute(path) ? path : undefined;
  };
  const runtime = given('XDG_RUNTIME_DIR');
  return {
    config: given('XDG_CONFIG_HOME') ?? join(home, '.config'),
    data: given('XDG_DATA_HOME') ?? join(home, '.local/share'),
    runtime: runtime !== undefined && isFolder(runtime) ? runtime : '/tmp',
  };
}

/** Follows links as far as the path exists, so that a directory has one name before and after it is made. */
function canonical(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(canonical(parent), basename(absolute));
  }
}

export function pathsUnder(base: BaseFolders, pgdata: string): NodePaths {
  const own = join(OWN_FOLDER, relative('/', pgdata));
  return {
    pgdata,
    config: join(base.config, own, 'pg_autoctl.cfg'),
    passfile: join(base.config, own, 'pg_autoctl.pgpass'),
    state: join(base.data, own, 'pg_autoctl.state'),
    init: join(base.data, own, 'pg_autoctl.init'),
    nodes: join(base.data, own, 'nodes.json'),
    pid: join(base.runtime, own, 'pg_autoctl.pid'),
    lease: join(base.runtime, own, 'pg_autoctl.lease'),
    expected: join(base.runtime, own, 'pg_autoctl.pg'),
  };
}

/** The files of the node with this data directory, for a process with this environment. */
export function pathsFor(pgdata: string, env: Environment = process.env): NodePaths {
  return pathsUnder(baseFolders(env, env['HOME'] || homedir()), canonical(pgdata));
}
