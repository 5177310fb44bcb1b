import { hbaFile } from './hba.js';
import { join } from 'node:path';
import { EXIT } from '@pgaf/core/errors';
import { inspectDataDirectory, makeDataDirectory, notOurs, requireReplaceableWal } from './data-directory.js';
import { readBytes, writeAtomically } from './atomic-file.js';
import { versionOf } from './binaries.js';
import { endProcesses } from './end-processes.js';
import { fillDirectory, finishFilling, stagedData } from './fill-directory.js';
import { postgresProcessesOf, programsWith } from './processes.js';
import { runProgram } from './run-program.js';

export type LocalAccess = 'socket' | 'password' | 'trust';

export interface InitdbOptions {
  readonly bindir: string;
  readonly pgdata: string;
  /** Name of the superuser's role; the operating system's user, so that local logins need no name. */
  readonly superuser: string;
  readonly checksums: 'on' | 'off';
  /** Default `C.UTF-8`: the same order of texts on every host. */
  readonly locale?: string | undefined;
  /**
   * Who gets in by the lines of pg_hba.conf that initdb writes, for this host and its loopback addresses. `socket`: each
   * user of the system as the role of its name. `password`: over TCP also whoever knows a role's. `trust`: everybody.
   */
  readonly localAccess: LocalAccess;
  /** Where the WAL goes, an absolute path; default: into the data directory. */
  readonly waldir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const KILL_AFTER_MS = 500;

/** A second initdb must not meet the first one, whose starter was killed. */
async function endInterrupted(
  pgdata: string,
  argument: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const leftovers = [...programsWith('initdb', argument), ...postgresProcessesOf(stagedData(pgdata))];
  await endProcesses(leftovers, { first: 'SIGTERM', killAfterMs: KILL_AFTER_MS, signal });
}

/** For passwords initdb would want one of the superuser, which has none and needs none. */
async function closeToNetwork(pgdata: string, access: 'socket' | 'password'): Promise<void> {
  const file = hbaFile(pgdata);
  const text = readBytes(file);
  const lines = access === 'socket' ? text.replace(/^host\b.*\n/gm, '') : text;
  await writeAtomically(file, lines.replace(/^(host\b.*\s)trust$/gm, '$1scram-sha-256'));
}

/**
 * Makes a data directory with encoding UTF-8. Interrupted, the next call
 * starts over.
 * @returns `existing` when it was a data directory already, which is left as it is.
 * @throws UserError `pgdata-not-empty`, `pgdata-unusable`, `wal-is-mount-point`.
 */
export async function initdb(options: InitdbOptions): Promise<'created' | 'existing'> {
  const { pgdata, localAccess } = options;
  const kind = await inspectDataDirectory(pgdata);
  if (kind === 'initialized') return 'existing';
  await requireReplaceableWal(pgdata);
  if (kind === 'foreign') throw notOurs(pgdata);
  await makeDataDirectory(pgdata);
  const target = `--pgdata=${stagedData(pgdata)}`;
  await endInterrupted(pgdata, target, options.signal);
  if ((await finishFilling(pgdata)) === 'finished') return 'created';
  const { major } = await versionOf(options.bindir);
  const fresh = { waldir: options.waldir ?? null, tablespaces: [] };
  await fillDirectory({ pgdata, major, fresh, old: 'discard' }, async (staged) => {
    await runProgram({
      program: join(options.bindir, 'initdb'),
      args: [
        target,
        ...(staged.waldir === null ? [] : [`--waldir=${staged.waldir}`]),
        `--auth-local=${localAccess === 'trust' ? 'trust' : 'peer'}`,
        '--auth-host=trust',
        '--encoding=UTF8',
        `--locale=${options.locale ?? 'C.UTF-8'}`,
        `--username=${options.superuser}`,
        ...(options.checksums === 'on' ? ['--data-checksums'] : []),
      ],
      exit: EXIT.pgctl,
      hint: 'Read its last lines; when the locale is unknown, install it.',
      signal: options.signal,
    });
    if (localAccess !== 'trust') await closeToNetwork(staged.data, localAccess);
  });
  return 'created';
}
