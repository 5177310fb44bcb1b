import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { argumentsOf, everyPid, isLiving, livingProcess, type ProcessFacts } from './processes.js';
import { WATCHDOG_SCRIPT } from './watchdog-script.js';

export interface WatchdogOptions {
  readonly pgdata: string;
  /**
   * Holds until when Postgres may run, in hundredths of a second since the host was booted; read again and again.
   * Anything else than a number is no end.
   */
  readonly leaseFile: string;
  /** What it says is appended there. */
  readonly logFile: string;
}

export interface Watchdog {
  readonly pid: number;
  isAlive(): boolean;
  end(): void;
}

/** What tells it from another shell in a list of processes. */
const MARK = 'pgaf-watchdog';

/**
 * Starts a process that does nothing but stop Postgres, with all that is left of it, when its lease is over: fast, and
 * immediate after half a second. It outlives this process, and ends with Postgres.
 */
export async function startWatchdog({ pgdata, leaseFile, logFile }: WatchdogOptions): Promise<Watchdog> {
  const log = await open(logFile, 'a', 0o600);
  try {
    const child = spawn('/bin/sh', ['-s', '--', MARK, pgdata, leaseFile], {
      cwd: '/',
      detached: true,
      stdio: ['pipe', log.fd, log.fd],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(WATCHDOG_SCRIPT);
    child.unref();
    const facts = livingProcess(child.pid ?? 0);
    return {
      pid: child.pid ?? 0,
      isAlive: () => facts !== undefined && isLiving(facts),
      end: () => facts && endGroup(facts),
    };
  } finally {
    await log.close();
  }
}

/** Those of this data directory. */
export function watchdogsOf(pgdata: string): ProcessFacts[] {
  return everyPid().flatMap((pid) => {
    const args = argumentsOf(pid);
    return args.includes(MARK) && args.includes(pgdata) ? (livingProcess(pid) ?? []) : [];
  });
}

/** Ends every watchdog of a data directory but this one. */
export function endOtherWatchdogs(pgdata: string, { pid: kept }: Watchdog): void {
  for (const one of watchdogsOf(pgdata)) if (one.pid !== kept) endGroup(one);
}

/** With what it naps by: each watchdog leads a group of its own. */
function endGroup(leader: ProcessFacts): void {
  if (!isLiving(leader)) return;
  try {
    process.kill(-leader.pid, 'SIGTERM');
  } catch {
    // It has just ended.
  }
}
