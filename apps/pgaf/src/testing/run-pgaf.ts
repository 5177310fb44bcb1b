import { spawn, type ChildProcess } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findUser } from '../system-users.js';

export const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const DEADLINE_MS = 60_000;

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** A directory of its own for each test, with everything pgaf would touch inside. */
export class Sandbox {
  readonly directory: string;
  readonly #services: ChildProcess[] = [];
  /** Who pgaf becomes when root runs the tests. */
  readonly #owner = process.getuid?.() === 0 ? findUser('postgres') : null;

  constructor() {
    if (!existsSync(fileURLToPath(new URL('../../dist/main.js', import.meta.url)))) {
      throw new Error('pgaf is not built: npm run build --workspace pgaf');
    }
    this.directory = mkdtempSync(join(tmpdir(), 'pgaf-cli-'));
    this.#give(this.directory);
    for (const name of ['config', 'data', 'run', 'home']) this.folder(name);
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  folder(name: string): string {
    mkdirSync(this.path(name), { recursive: true });
    this.#give(this.path(name));
    return this.path(name);
  }

  file(name: string, text: string, mode = 0o644): string {
    writeFileSync(this.path(name), text, { mode });
    this.#give(this.path(name));
    return this.path(name);
  }

  /**
   * Everything in the sandbox, with sizes: equal before and after means nothing was touched. A server that runs in it may
   * remove a file of its own meanwhile.
   */
  tree(): string[] {
    return readdirSync(this.directory, { recursive: true, encoding: 'utf8' })
      .sort()
      .flatMap((name) => {
        const stat = statSync(this.path(name), { throwIfNoEntry: false });
        if (stat === undefined) return [];
        return stat.isDirectory() ? name : `${name} ${stat.size}`;
      });
  }

  run(args: readonly string[], env: Readonly<Record<string, string>> = {}, bin = BIN): Promise<Ended> {
    const start = performance.now();
    const child = this.#spawn(args, env, bin);
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
      child.once('error', reject);
      child.once('close', (status) => {
        clearTimeout(timer);
        resolve({ status, stdout, stderr, ms: performance.now() - start });
      });
    });
  }

  /** A service that ends with this process; stop it with `dispose`. */
  start(args: readonly string[], env: Readonly<Record<string, string>> = {}, bin = BIN): ChildProcess {
    const child = this.#spawn(args, { ...env, PGAF_DIE_WITH_PARENT: '3' }, bin);
    child.stderr?.resume();
    child.stdout?.resume();
    this.#services.push(child);
    return child;
  }

  /** Ends all services. */
  async stop(): Promise<void> {
    for (const child of this.#services) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGQUIT');
      await ended;
    }
  }

  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #spawn(args: readonly string[], env: Readonly<Record<string, string>>, bin: string): ChildProcess {
    return spawn(process.execPath, [bin, ...args], {
      cwd: this.directory,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: this.path('home'),
        XDG_CONFIG_HOME: this.path('config'),
        XDG_DATA_HOME: this.path('data'),
        XDG_RUNTIME_DIR: this.path('run'),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
  }

  #give(path: string): void {
    if (this.#owner) chownSync(path, this.#owner.uid, this.#owner.gid);
  }
}

/** An error as a log tells it. */
export interface LoggedError {
  readonly msg: string;
  readonly hint?: string;
}

/** The errors of a log: of a service's in JSON, or of a command's, where the hint stands below. */
export function errorsOf(stderr: string): LoggedError[] {
  const errors: { msg: string; hint?: string }[] = [];
  for (const line of stderr.split('\n')) {
    const plain = /^\d\d:\d\d:\d\d \d+ ERROR (.*)$/.exec(line)?.[1];
    const hint = /^ +hint: (.*)$/.exec(line)?.[1];
    const last = errors.at(-1);
    if (plain !== undefined) errors.push({ msg: plain });
    else if (hint !== undefined && last !== undefined) last.hint = hint;
    else if (line.startsWith('{"level":"error"')) {
      const { msg, error } = JSON.parse(line) as { msg: string; error?: { hint?: string } };
      errors.push(error?.hint === undefined ? { msg } : { msg, hint: error.hint });
    }
  }
  return errors;
}

/** What is waited for gets a processor for as long as a look took, which mostly runs pgaf; up to this. */
const LONGEST_PAUSE = 500;

/** Waits for a condition; fails with what the caller says of it, and with what was seen last. */
export async function waitFor(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 30_000,
  seen: () => string = () => '',
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const looked = performance.now();
    if (await condition()) return;
    const now = performance.now();
    if (now > deadline) throw new Error(`waited ${deadlineMs} ms in vain for ${what}\n${seen()}`);
    const pause = Math.max(50, Math.min(now - looked, LONGEST_PAUSE));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
