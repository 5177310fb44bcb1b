import { readFileSync, readlinkSync } from 'node:fs';
import type { Milliseconds } from '@pgaf/core/durations';
import { isAlive, startTicks } from './process-table.js';

/** Labels of everything that a test makes in an engine. */
export const RUN = 'org.pgaf.run';
export const OWNER = 'org.pgaf.owner';
/** A number is given away again: the owner is the one that started then. */
const STARTED = 'org.pgaf.owner-started';
/** A process number counts in one process namespace of one start of a machine. */
const NAMESPACE = 'org.pgaf.owner-namespace';
const MADE = 'org.pgaf.made';

/** What others made, who cannot be asked for, is left over by then: no run of all tests takes that long. */
const LONGEST_RUN: Milliseconds = 6 * 60 * 60_000;

type Labels = Readonly<Record<string, string>>;

/** Who asks, and when. */
export interface Here {
  /** Of the process namespace: numbers of processes are compared within one alone. */
  readonly namespace: string;
  readonly now: Milliseconds;
  /** When the process with this number started, in whatever unit; null when there is none. */
  readonly startOf: (pid: number) => number | null;
}

export function here(): Here {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return {
    namespace: `${boot} ${readlinkSync('/proc/self/ns/pid')}`,
    now: Date.now(),
    startOf: (pid) => (isAlive(pid) ? startTicks(pid) : null),
  };
}

/** For what this process makes in a run. */
export function labelsOf(run: string, { namespace, now, startOf }: Here = here()): Record<string, string> {
  return {
    [RUN]: run,
    [OWNER]: String(process.pid),
    [STARTED]: String(startOf(process.pid)),
    [NAMESPACE]: namespace,
    [MADE]: new Date(now).toISOString(),
  };
}

/** Whether nobody needs any more what carries these labels. */
export function isOfTheDead(labels: Labels, { namespace, now, startOf }: Here): boolean {
  if (labels[NAMESPACE] === namespace) return String(startOf(Number(labels[OWNER]))) !== labels[STARTED];
  return now - Date.parse(labels[MADE] ?? '') > LONGEST_RUN;
}
