import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { endEverything } from './end-processes.js';
import { isAlive, look, type ProcessSeen } from './process-table.js';

/** Where ip-netns(8) keeps the names. */
const NAMES = '/run/netns';
const OWNED = /^pgaf-(\d+)-/;

/**
 * Runs a program of root's to its end.
 * @param stdin What it reads.
 * @returns What it wrote to stdout.
 * @throws Error with what it wrote to stderr.
 */
export function runTool(command: readonly string[], stdin = ''): string {
  const [program = '', ...words] = command;
  return execFileSync(program, words, { encoding: 'utf8', input: stdin, stdio: ['pipe', 'pipe', 'pipe'] });
}

/** What is typed before a command so that it runs in the namespace, as the same process. */
export function entering(namespace: string): string[] {
  return ['nsenter', `--net=${NAMES}/${namespace}`];
}

/** A name that says who owns it: the process that makes it. */
export function ownName(rest: string): string {
  return `pgaf-${process.pid}-${rest}`;
}

function allNames(): string[] {
  try {
    return readdirSync(NAMES);
  } catch {
    return [];
  }
}

function processesInside(namespace: string): ProcessSeen[] {
  const pids = runTool(['ip', 'netns', 'pids', namespace]).split(/\s+/).filter(Boolean);
  return pids.flatMap((pid) => look(Number(pid)) ?? []);
}

/** Ends what runs in the namespaces and removes them, with every interface that is in them, and its other end. */
export async function removeNamespaces(names: readonly string[]): Promise<void> {
  for (const name of names) {
    // Another start may sweep the same at the same time.
    const isThere = () => allNames().includes(name);
    try {
      await endEverything(() => processesInside(name));
      runTool(['ip', 'netns', 'delete', name]);
    } catch (error) {
      if (isThere()) throw error;
    }
  }
}

/** Removes the namespaces of processes that are gone. */
export function sweepNamespaces(): Promise<void> {
  return removeNamespaces(
    allNames().filter((name) => {
      const [, owner] = OWNED.exec(name) ?? [];
      return owner !== undefined && !isAlive(Number(owner));
    }),
  );
}
