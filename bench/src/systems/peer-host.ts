import { spawn, type SpawnOptions } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatDuration, type Milliseconds } from '@pgaf/core/durations';
import { killEverythingIn, sendSignal } from '@pgaf/testing/end-processes';
import { makeOwnedDirectory, postgresOwner } from '@pgaf/testing/owner';
import { HOST_VARIABLE, processesIn, type ProcessSeen } from '@pgaf/testing/process-table';

const COMMAND_DEADLINE_MS: Milliseconds = 120_000;

/** A host on loopback for programs that are not pgaf: its processes run as the owner of the data, in its directory. */
export class PeerHost {
  readonly address = '127.0.0.1';
  readonly pgdata: string;
  readonly logFile: string;
  private readonly options: SpawnOptions;

  constructor(
    readonly name: string,
    readonly directory: string,
    env: Readonly<Record<string, string>> = {},
  ) {
    const owner = postgresOwner();
    makeOwnedDirectory(directory, owner);
    this.pgdata = join(directory, 'data');
    this.logFile = join(directory, `${name}.log`);
    const base = { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', TZ: process.env['TZ'] ?? 'UTC', HOME: directory };
    this.options = {
      cwd: directory,
      env: { ...base, ...env, [HOST_VARIABLE]: directory },
      ...owner,
    };
  }

  /**
   * Runs a program to its end.
   * @throws Error with its output when it fails
   */
  run([program = '', ...args]: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, {
        ...this.options,
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: COMMAND_DEADLINE_MS,
        killSignal: 'SIGKILL',
      });
      let output = '';
      child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text));
      child.once('error', reject);
      // Not "close": a server that the program left behind may hold its output open.
      child.once('exit', (code, signal) => {
        if (code === 0) return resolve(output);
        const how = signal
          ? `ended by ${signal}; it may take ${formatDuration(COMMAND_DEADLINE_MS)}`
          : String(code);
        reject(new Error(`${[program, ...args].join(' ')} failed (${how})\n${output}`));
      });
    });
  }

  /** Starts a program that stays, in a session of its own; it is asked to end when this process dies. */
  async start(command: readonly string[]): Promise<void> {
    const log = openSync(this.logFile, 'a');
    const child = spawn('setpriv', ['--pdeathsig', 'TERM', ...command], {
      ...this.options,
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
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

  logTail(lines: number): string {
    if (!existsSync(this.logFile)) return `--- ${this.name}: no log`;
    const text = readFileSync(this.logFile, 'utf8').trimEnd().split('\n');
    return `--- ${this.name}\n${text.slice(-lines).join('\n')}`;
  }
}
