import {
  argumentsOf,
  isDoomed,
  isFrozen,
  isPostgresOf,
  isTitled,
  livingProcess,
  postgresProcessesOf,
  type ProcessFacts,
} from './processes.js';
import { readPostmasterPid } from './postmaster-pid.js';

/**
 * The living postmaster of a data directory. The pid in `postmaster.pid` counts only when that process is a
 * Postgres working in this directory: pids come round again. Without a usable file it is looked for in /proc.
 * One that was killed is none any more, also where a disk that hangs keeps it from ending: it is a left-over. So is one
 * that is frozen and not named there: a child has the postmaster's command line until it knows whom it serves, and in one
 * that was stopped before that, it stays.
 */
export async function findPostmaster(pgdata: string): Promise<ProcessFacts | undefined> {
  return (await namedPostmaster(pgdata)) ?? unnamedPostmaster(postgresProcessesOf(pgdata));
}

/** The same, of what one look at all processes of the data directory has found. */
export async function postmasterAmong(
  pgdata: string,
  found: readonly ProcessFacts[],
): Promise<ProcessFacts | undefined> {
  return (await namedPostmaster(pgdata)) ?? unnamedPostmaster(found);
}

/** The one that `postmaster.pid` names, for the price of a file; none that has only just begun, or whose file is gone. */
export async function namedPostmaster(pgdata: string): Promise<ProcessFacts | undefined> {
  const named = await readPostmasterPid(pgdata);
  if (!named || !isPostgresOf(named.pid, pgdata) || isTitled(argumentsOf(named.pid))) return undefined;
  const living = livingProcess(named.pid);
  return living && !isDoomed(living) ? living : undefined;
}

function unnamedPostmaster(found: readonly ProcessFacts[]): ProcessFacts | undefined {
  return found.find((one) => {
    const args = argumentsOf(one.pid);
    if (isTitled(args) || args.length === 0 || isDoomed(one) || isFrozen(one)) return false;
    return !args.includes('--single') && !args.includes('--boot');
  });
}
