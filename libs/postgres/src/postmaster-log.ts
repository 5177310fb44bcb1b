import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { postgresProcessesOf } from './processes.js';
import { lastLines } from './run-program.js';

const TAIL_BYTES = 16_384;
const DRAIN_POLL_MS = 5;
/** A left-over backend that holds the collector's pipe open for longer hides some lines, no more. */
const DRAIN_MS = 2000;

export async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

async function tailOf(path: string, from: number): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return '';
  try {
    const { size } = await file.stat();
    const start = Math.max(from, size - TAIL_BYTES);
    if (start >= size) return '';
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(size - start), position: start });
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** The file that the logging collector writes, when there is one; the last line of stderr only points at it. */
async function collectorLog(pgdata: string): Promise<string | undefined> {
  const list = await readFile(join(pgdata, 'current_logfiles'), 'utf8').catch(() => '');
  const name = /^stderr (.+)$/m.exec(list)?.[1];
  if (name === undefined) return undefined;
  return name.startsWith('/') ? name : join(pgdata, name);
}

/**
 * Waits for the logging collector of a postmaster that is gone: a process of its own, it writes what is left in the
 * pipe and ends only after the last writer of it.
 */
export async function collectorDrained(pgdata: string): Promise<void> {
  const giveUpAt = performance.now() + DRAIN_MS;
  while (postgresProcessesOf(pgdata).length > 0 && performance.now() < giveUpAt) await sleep(DRAIN_POLL_MS);
}

/**
 * The last lines that a postmaster printed: to `logFile` from byte `from` on, and to the log of its collector.
 */
export async function postmasterLastLines(pgdata: string, logFile: string, from: number): Promise<string> {
  const own = await tailOf(logFile, from);
  if (!own.includes('redirecting log output to logging collector')) return lastLines(own);
  const collected = await collectorLog(pgdata);
  return lastLines(collected === undefined ? own : await tailOf(collected, 0));
}
