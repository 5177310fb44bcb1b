import { cpSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Milliseconds } from '@pgaf/core/durations';
import { Random } from '@pgaf/simulator/random';
import { endWithSignals } from './end-with-signals.js';
import { removeWhenGone } from './remove-when-gone.js';

/** What faults happen to, one case after the other. */
export interface Played {
  /** Draws a case and plays it; tells what it was and what came of it, in one line. */
  readonly playOne: (random: Random) => Promise<string>;
  /** All cases together, in one line. */
  readonly summary: () => Promise<string>;
  readonly close: () => Promise<void>;
}

export interface RandomRun {
  /** As it is typed to play it again. */
  readonly command: string;
  /** Everything is made in the directory. */
  readonly open: (options: { readonly directory: string; readonly pgctl?: string }) => Promise<Played>;
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

interface Limits {
  readonly seed: number;
  readonly deadlineMs: Milliseconds;
  readonly cases: number;
  /** Both limits as they are typed. */
  readonly typed: string;
  readonly pgctl: string | undefined;
  /** The program that clears up after this one. */
  readonly reaper: string | undefined;
}

/** Ends the process when a flag means nothing. */
function limitsOf(args: readonly string[] | undefined): Limits {
  const { values } = parseArgs({
    ...(args && { args: [...args] }),
    options: {
      minutes: { type: 'string' },
      cases: { type: 'string' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
      pgctl: { type: 'string' },
      reaper: { type: 'string' },
    },
  });
  const { pgctl, reaper } = values;
  const cases = values.cases === undefined ? Infinity : positive('cases', values.cases);
  const minutes = values.minutes ?? (values.cases === undefined ? '10' : undefined);
  const deadlineMs = minutes === undefined ? Infinity : positive('minutes', minutes) * 60_000;
  const typed = [
    ...(minutes === undefined ? [] : [`--minutes ${minutes}`]),
    ...(cases === Infinity ? [] : [`--cases ${cases}`]),
  ].join(' ');
  return { seed: positive('seed', values.seed), deadlineMs, cases, typed, pgctl, reaper };
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (number > 0) return number;
  process.stderr.write(`--${name} is a number above 0, not "${text}"\n`);
  process.exit(1);
}

/**
 * Plays cases drawn at random until the time is over, or so many are played, or one fails; then every log is kept.
 * Ends the process.
 */
export async function runAtRandom({ command, open }: RandomRun, args?: readonly string[]): Promise<never> {
  const { seed, deadlineMs, cases, typed, pgctl, reaper } = limitsOf(args);
  say(`seed ${seed}; to see it again: ${command} -- --seed ${seed} ${typed}`);
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'pgaf-crash-')));
  if (reaper) removeWhenGone(directory, reaper);
  let played: Played | null = null;
  let ending = false;
  const end = async (status: number): Promise<never> => {
    if (!ending) {
      ending = true;
      await played?.close();
      process.exit(status);
    }
    return new Promise(() => undefined);
  };
  endWithSignals((status) => void end(status));

  let count = 0;
  let violation: Error | null = null;
  try {
    const random = new Random(seed);
    played = await open({ directory, ...(pgctl ? { pgctl } : {}) });
    const until = performance.now() + deadlineMs;
    while (count < cases && performance.now() < until) {
      const line = await played.playOne(random);
      say(`${String(++count).padStart(5)} ${line}`);
    }
  } catch (error) {
    violation = error instanceof Error ? error : new Error(String(error));
  }
  if (ending) await end(1);
  if (violation) {
    const kept = mkdtempSync(join(tmpdir(), `pgaf-crash-${seed}-`));
    const filter = (path: string): boolean => !/\/data\/(base|pg_wal|global)$/.test(path);
    cpSync(directory, kept, { recursive: true, filter });
    writeFileSync(join(kept, 'violation.txt'), violation.message);
    say(`\n${violation.message}\n\ncase ${count + 1} of seed ${seed} failed; all logs are in ${kept}`);
  }
  if (played) say(`${count} cases, ${await played.summary()}`);
  return end(violation ? 1 : 0);
}
