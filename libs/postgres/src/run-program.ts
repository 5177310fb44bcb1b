import { spawn } from 'node:child_process';
import { EXIT, ProgramError, type ExitStatus } from '@pgaf/core/errors';
import { processTree, sendSignal } from './processes.js';

export interface ProgramRun {
  /** Absolute path, or a name looked up in PATH. */
  readonly program: string;
  readonly args: readonly string[];
  /** Added to this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly cwd?: string | undefined;
  /** Ends the program and what it has started: SIGTERM, and SIGKILL two seconds later. */
  readonly signal?: AbortSignal | undefined;
  /** Each line as it is printed; a carriage return (progress) ends a line too. */
  readonly onLine?: ((line: string, stream: 'stdout' | 'stderr') => void) | undefined;
  /** What the user can do when it fails. */
  readonly hint?: string | undefined;
  /** Exit status of ours when it fails. */
  readonly exit?: ExitStatus | undefined;
}

export interface ProgramOutput {
  readonly stdout: string;
  readonly stderr: string;
}

const KILL_AFTER_MS = 2000;
const LAST_LINES = 12;

/** The end of a program's output, for a message. */
export function lastLines(text: string, count = LAST_LINES): string {
  const lines = text.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  return lines.slice(-count).join('\n');
}

/** The line that says most: the last that calls itself an error, since hints and questions follow it. */
function tellingLine(text: string): string {
  const lines = text.split('\n');
  return (lines.findLast((line) => /error|fatal/i.test(line)) ?? lines.at(-1) ?? '').trim();
}

/** The command as a person would type it. */
export function commandLine(program: string, args: readonly string[]): string {
  const quoted = args.map((arg) =>
    /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`,
  );
  return [program, ...quoted].join(' ').replace(/password=(\\?'[^']*'|[^\s']*)/g, 'password=****');
}

function lineReader(onLine: (line: string) => void): { take: (text: string) => void; end: () => void } {
  let rest = '';
  return {
    take: (text) => {
      const lines = (rest + text).split(/\r\n|\r|\n/);
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') onLine(line);
    },
    end: () => {
      if (rest !== '') onLine(rest);
    },
  };
}

/**
 * Runs a program to its end, messages in English.
 * @throws ProgramError (code `program-failed`) when it cannot be started, exits with another status than 0, or a
 * signal ends it; the signal's reason when aborted, once the program is gone.
 */
export async function runProgram(run: ProgramRun): Promise<ProgramOutput> {
  run.signal?.throwIfAborted();
  const env = { ...process.env, LC_ALL: 'C', ...run.env };
  const child = spawn(run.program, run.args, { env, cwd: run.cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    const reader = lineReader((line) => run.onLine?.(line, stream));
    child[stream].setEncoding('utf8');
    child[stream].on('data', (text: string) => {
      output[stream] += text;
      reader.take(text);
    });
    child[stream].on('end', reader.end);
  }
  let killer: NodeJS.Timeout | undefined;
  const abort = (): void => {
    // What it has started holds its output open: pg_basebackup's child streams on without it.
    const all = child.pid === undefined ? [] : processTree(child.pid);
    const send = (signal: NodeJS.Signals): void => all.forEach((one) => void sendSignal(one, signal));
    send('SIGTERM');
    killer = setTimeout(() => send('SIGKILL'), KILL_AFTER_MS);
  };
  run.signal?.addEventListener('abort', abort, { once: true });
  try {
    const ended = await new Promise<number | string>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    }).catch((error: unknown) => failed(run, 'not started', String(error), error));
    run.signal?.throwIfAborted();
    if (ended !== 0) failed(run, ended, lastLines(output.stderr || output.stdout));
    return output;
  } finally {
    clearTimeout(killer);
    run.signal?.removeEventListener('abort', abort);
  }
}

function failed(run: ProgramRun, exitStatus: number | string, lines: string, cause?: unknown): never {
  const name = run.program.slice(run.program.lastIndexOf('/') + 1);
  const how = typeof exitStatus === 'number' ? `exit status ${exitStatus}` : exitStatus;
  throw new ProgramError(`${name} failed (${how}): ${tellingLine(lines)}`, {
    code: 'program-failed',
    exit: run.exit ?? EXIT.pgctl,
    command: commandLine(run.program, run.args),
    exitStatus,
    lastLines: lines,
    ...(run.hint === undefined ? {} : { hint: run.hint }),
    ...(cause === undefined ? {} : { cause }),
  });
}
