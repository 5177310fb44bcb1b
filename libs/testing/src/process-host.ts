import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { CommandResult, Host, RunOptions, Service } from './host.js';
import { killEverythingIn, sendSignal } from './end-processes.js';
import { makeOwnedDirectory, type Owner } from './owner.js';
import { HOST_VARIABLE, processesIn, type ProcessSeen } from './process-table.js';

/** Where a host stands in a network. */
export interface Location {
  /** What other hosts connect to. */
  readonly address: string;
  /** What is typed before a command so that it runs there, such as `nsenter` with its options; nothing on loopback. */
  readonly enter: readonly string[];
}

export const LOOPBACK: Location = { address: '127.0.0.1', enter: [] };

export interface ProcessHostOptions {
  readonly name: string;
  /** Everything of this host lives in here. */
  readonly directory: string;
  readonly location: Location;
  /** The file that Node runs as pgaf. */
  readonly bin: string;
  /** Owner of the directory and of what pgaf makes in it; null keeps the current user. */
  readonly owner: Owner | null;
  readonly env?: Readonly<Record<string, string>>;
}

const COMMAND_DEADLINE_MS = 120_000;

/** A host whose processes run on this machine, with files and XDG folders of its own. */
export class ProcessHost implements Host {
  readonly name: string;
  readonly address: string;
  readonly pgdata: string;
  readonly directory: string;
  private readonly pgaf: readonly string[];
  private readonly env: Record<string, string>;
  private started = 0;

  constructor(options: ProcessHostOptions) {
    this.name = options.name;
    this.directory = options.directory;
    const { address, enter } = options.location;
    this.address = address;
    this.pgaf = [...enter, process.execPath, options.bin];
    this.pgdata = join(options.directory, 'data');
    makeOwnedDirectory(options.directory, options.owner);
    const folders = { XDG_CONFIG_HOME: 'config', XDG_DATA_HOME: 'share', XDG_RUNTIME_DIR: 'run' };
    this.env = { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8', TZ: process.env['TZ'] ?? 'UTC' };
    this.env['HOME'] = options.directory;
    for (const [variable, folder] of Object.entries(folders)) {
      const path = join(options.directory, folder);
      makeOwnedDirectory(path, options.owner);
      this.env[variable] = path;
    }
    Object.assign(this.env, options.env, { [HOST_VARIABLE]: options.directory });
  }

  run(args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
    const start = performance.now();
    return new Promise((resolve, reject) => {
      const [program = process.execPath, ...words] = [...this.pgaf, ...args];
      const child = spawn(program, words, {
        cwd: this.directory,
        env: { ...this.env, ...options.env },
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: options.deadlineMs ?? COMMAND_DEADLINE_MS,
        killSignal: 'SIGKILL',
      });
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      child.once('error', reject);
      child.once('close', (code, signal) => {
        const ended = signal === null ? '' : `\npgaf ${args.join(' ')} was ended by ${signal}`;
        resolve({
          status: code ?? 128,
          stdout,
          stderr: stderr + ended,
          elapsedMs: performance.now() - start,
        });
      });
    });
  }

  async start(args: readonly string[]): Promise<Service> {
    const logFile = join(this.directory, `service-${++this.started}.log`);
    writeFileSync(logFile, `$ pgaf ${args.join(' ')}\n`);
    const log = openSync(logFile, 'a');
    // Descriptor 3 is a pipe whose other end only this process holds: the service ends when it sees its end.
    const [program = process.execPath, ...words] = [...this.pgaf, ...args];
    const child = spawn(program, words, {
      cwd: this.directory,
      env: { ...this.env, PGAF_DIE_WITH_PARENT: '3' },
      stdio: ['ignore', log, log, 'pipe'],
      detached: true,
    });
    closeSync(log);
    const exited = new Promise<number | string>((resolve) => {
      child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    const pid = child.pid ?? 0;
    return { pid, logFile, exited, signal: (signal) => child.kill(signal) };
  }

  processes(): ProcessSeen[] {
    return processesIn(this.directory);
  }

  killEverything(): Promise<void> {
    return killEverythingIn(this.directory);
  }

  freeze(): Promise<void> {
    for (const { pid } of this.processes()) sendSignal(pid, 'SIGSTOP');
    return Promise.resolve();
  }

  thaw(): Promise<void> {
    for (const { pid } of this.processes()) sendSignal(pid, 'SIGCONT');
    return Promise.resolve();
  }

  logTail(lines: number): Promise<string> {
    const folders = [this.directory, this.pgdata, join(this.pgdata, 'log')].filter((folder) =>
      existsSync(folder),
    );
    const files = folders.flatMap((folder) =>
      readdirSync(folder)
        .filter((file) => file.endsWith('.log'))
        .sort()
        .map((file) => join(folder, file)),
    );
    const tails = files.flatMap((file) => {
      const text = textOf(file)?.trimEnd().split('\n');
      return text
        ? `--- ${this.name}: ${relative(this.directory, file)}\n${text.slice(-lines).join('\n')}`
        : [];
    });
    return Promise.resolve(tails.join('\n'));
  }
}

/** Null for one that has gone since it was listed, as a keeper prunes logs, and replaces a data directory with those in it. */
function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
