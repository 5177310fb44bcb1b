import type { Milliseconds } from '@pgaf/core/durations';
import type { ProcessSeen } from './process-table.js';

export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: Milliseconds;
}

/** A service of pgaf that runs in the foreground of its own session. */
export interface Service {
  readonly pid: number;
  /** Where its stdout and stderr go. */
  readonly logFile: string;
  /** Settles when the process is gone: the exit status, or the signal's name. */
  readonly exited: Promise<number | string>;
  signal(signal: NodeJS.Signals): void;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly deadlineMs?: Milliseconds;
}

/** A machine that runs pgaf: processes on loopback or in a network namespace, or a container. */
export interface Host {
  readonly name: string;
  /** What other hosts connect to. */
  readonly address: string;
  /** Everything of the host is in here, by its own view of files; the services' logs are `service-<n>.log`. */
  readonly directory: string;
  /** The data directory, for `--pgdata`. */
  readonly pgdata: string;
  /** Runs a command of pgaf to its end; a failure is a result, not an error. */
  run(args: readonly string[], options?: RunOptions): Promise<CommandResult>;
  /** Starts a command of pgaf that stays, such as `run`; it ends when this process ends. */
  start(args: readonly string[]): Promise<Service>;
  /** Every living process of this host, of pgaf and of Postgres. */
  processes(): ProcessSeen[];
  /** SIGKILL to every process of the host at once, until none is left. */
  killEverything(): Promise<void>;
  /** No process of it runs on: the host is silent, its sockets stay open. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** The last lines of everything its services wrote. */
  logTail(lines: number): Promise<string>;
}
