import { spawn, type ChildProcess } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, ProgramError } from '@pgaf/core/errors';
import { endLeftovers } from './leftovers.js';
import { findPostmaster, namedPostmaster } from './find-postmaster.js';
import { isLiving, livingProcess, type ProcessFacts } from './processes.js';
import { collectorDrained, postmasterLastLines, sizeOf } from './postmaster-log.js';
import { readPostmasterPid } from './postmaster-pid.js';
import { commandLine } from './run-program.js';
import { removeStaleSocketLock } from './socket-lock.js';
import { startProgress } from './start-progress.js';
import { until } from './until.js';

export interface PostmasterExit {
  /** Null when a signal ended it, or when it was adopted: then nobody can know. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Postmaster {
  readonly pid: number;
  /** How we came by it: a child tells of its end at once, an adopted one is looked at every 100 ms. */
  readonly origin: 'started' | 'adopted';
  /** Resolves when it is gone; never rejects. */
  readonly exited: Promise<PostmasterExit>;
  isAlive(): boolean;
  /** Ends the watching of an adopted one; `exited` then stays open. */
  release(): void;
}

export interface StartOptions {
  readonly bindir: string;
  readonly pgdata: string;
  readonly port: number;
  /** As `listen_addresses`; '' for none. */
  readonly listenAddresses: string;
  readonly socketDirectory: string;
  /** Standard output and error are appended to it. */
  readonly logFile: string;
  /** Fails when neither `pg_control` nor the replayed segment changed for this long before it was ready. */
  readonly stallMs: number;
  /** Settings for this start only, as `-c`. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** Ends the waiting, not the postmaster. */
  readonly signal?: AbortSignal | undefined;
}

const READY_POLL_MS = 5;
const PROGRESS_POLL_MS = 250;
const ADOPTED_POLL_MS = 100;
const READY = new Set(['ready', 'standby']);

function watched(facts: ProcessFacts): Postmaster {
  let timer: NodeJS.Timeout | undefined;
  const exited = new Promise<PostmasterExit>((resolve) => {
    timer = setInterval(() => {
      if (isLiving(facts)) return;
      clearInterval(timer);
      resolve({ code: null, signal: null });
    }, ADOPTED_POLL_MS);
    timer.unref();
  });
  return {
    pid: facts.pid,
    origin: 'adopted',
    exited,
    isAlive: () => isLiving(facts),
    release: () => clearInterval(timer),
  };
}

function started(child: ChildProcess, pid: number): Postmaster {
  const exited = new Promise<PostmasterExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const facts = livingProcess(pid);
  return {
    pid,
    origin: 'started',
    exited,
    isAlive: () => facts !== undefined && isLiving(facts),
    release: () => {},
  };
}

/** The postmaster that is running on this data directory already, ready or not; all processes of the host are looked at. */
export async function adoptPostmaster(pgdata: string): Promise<Postmaster | undefined> {
  const facts = await findPostmaster(pgdata);
  return facts && watched(facts);
}

/** The same of the one that `postmaster.pid` names, if it names one. */
export async function adoptNamedPostmaster(pgdata: string): Promise<Postmaster | undefined> {
  const facts = await namedPostmaster(pgdata);
  return facts && watched(facts);
}

/** `ready`, `standby`, `starting` or `stopping`, as it says itself; `stopped` when it does not live. */
export async function postmasterStatus(pgdata: string): Promise<string> {
  const living = await findPostmaster(pgdata);
  if (!living) return 'stopped';
  const file = await readPostmasterPid(pgdata);
  return file?.pid === living.pid && file.status !== '' ? file.status : 'starting';
}

function argumentsFor(options: StartOptions): string[] {
  const once = Object.entries(options.settings ?? {}).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const { pgdata, port, listenAddresses, socketDirectory } = options;
  return ['-D', pgdata, '-p', String(port), '-h', listenAddresses, '-k', socketDirectory, ...once];
}

async function spawnPostmaster(options: StartOptions): Promise<Postmaster> {
  const log = await open(options.logFile, 'a', 0o600);
  try {
    // Detached is a session of its own: a terminal's Ctrl-C, or our end, must not reach Postgres.
    const child = spawn(join(options.bindir, 'postgres'), argumentsFor(options), {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    }).catch((error: unknown) => startFailed(options, 'not started', String(error)));
    child.unref();
    return started(child, child.pid ?? 0);
  } finally {
    await log.close();
  }
}

function startFailed(options: StartOptions, exitStatus: number | string, lines: string): never {
  const inUse = lines.includes('Address already in use');
  throw new ProgramError(`Postgres did not start in ${options.pgdata}: ${lines.split('\n').at(-1) ?? ''}`, {
    code: inUse ? 'port-in-use' : 'postgres-start-failed',
    exit: EXIT.pgctl,
    hint: inUse
      ? `Stop what listens on port ${options.port}, or choose another with --pgport.`
      : `Read ${options.logFile} and the log of Postgres.`,
    command: commandLine(join(options.bindir, 'postgres'), argumentsFor(options)),
    exitStatus,
    lastLines: lines,
  });
}

/** Resolves when it takes connections (`standby`: read-only ones). */
async function awaitReady(postmaster: Postmaster, options: StartOptions, logStart: number): Promise<void> {
  let progress = '';
  let progressAt = performance.now();
  let lookAt = 0;
  let exit: PostmasterExit | undefined;
  void postmaster.exited.then((how) => (exit = how));
  await until(
    async () => {
      const file = await readPostmasterPid(options.pgdata);
      if (exit || !postmaster.isAlive()) {
        await collectorDrained(options.pgdata);
        const lines = await postmasterLastLines(options.pgdata, options.logFile, logStart);
        startFailed(options, exit?.code ?? exit?.signal ?? 'gone', lines);
      }
      if (file?.pid === postmaster.pid && READY.has(file.status)) return true;
      const now = performance.now();
      if (now < lookAt) return undefined;
      lookAt = now + PROGRESS_POLL_MS;
      const next = await startProgress(options.pgdata);
      if (next !== progress) [progress, progressAt] = [next, now];
      if (now - progressAt < options.stallMs) return undefined;
      return startFailed(
        options,
        'stalled',
        await postmasterLastLines(options.pgdata, options.logFile, logStart),
      );
    },
    { everyMs: READY_POLL_MS, signal: options.signal },
  );
}

/**
 * Starts Postgres, or takes the one that runs already, and waits until it takes connections. What a dead
 * postmaster left is ended first.
 * @throws ProgramError with the last lines of its log: `port-in-use`, `postgres-start-failed`. One that only stalls is
 * left to itself, and taken by the next call.
 */
export async function startPostmaster(options: StartOptions): Promise<Postmaster> {
  const logStart = await sizeOf(options.logFile);
  const running = await adoptPostmaster(options.pgdata);
  if (!running) {
    await endLeftovers(options.pgdata, { signal: options.signal });
    await removeStaleSocketLock(options.pgdata, options);
  }
  const postmaster = running ?? (await spawnPostmaster(options));
  try {
    await awaitReady(postmaster, options, logStart);
    return postmaster;
  } catch (error) {
    postmaster.release();
    throw error;
  }
}
