import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@pgaf/testing/deadline';
import { runProgram } from './docker.js';

const ANSWERS_MS = 60_000;
/** Longer than the engine waits for its containers before it kills them. */
const ENDS_MS = 90_000;

/** Its networks are in a namespace of their own; it ends, with its containers, when this process does. */
const ENGINE = ['setpriv', '--pdeathsig', 'TERM', 'unshare', '--net', 'dockerd'];

/** A host may run a containerd of its own, which engines share: containers of one namespace would be both engines'. */
const APART = ['--containerd-namespace', 'pgaf-own', '--containerd-plugins-namespace', 'pgaf-own-plugins'];

/** Why no engine can be started here beside the one that is used; null where one can. */
export function whyNoOwnEngine(): string | null {
  try {
    const { status, stderr } = runProgram([...ENGINE, '--version']);
    return status === 0 ? null : `no second Docker engine starts here: ${stderr.trim()}`;
  } catch (error) {
    return String(error);
  }
}

/** A Docker engine that a test may stop: all that it has is in a directory, and others notice nothing. */
export class OwnEngine {
  private child: ChildProcess | null = null;

  private constructor(private readonly directory: string) {}

  /** @param images Those of the engine that is used that it has, too. */
  static async start(...images: readonly string[]): Promise<OwnEngine> {
    const engine = new OwnEngine(mkdtempSync(join(tmpdir(), 'pgaf-engine-')));
    try {
      await engine.begin();
      for (const image of images) engine.copyHere(image);
      return engine;
    } catch (error) {
      await engine.remove();
      throw error;
    }
  }

  /** For DOCKER_HOST. */
  get address(): string {
    return `unix://${join(this.directory, 'docker.sock')}`;
  }

  /** Stops it in good order, as a new version of it does, and starts it again. */
  async restart(): Promise<void> {
    await this.end();
    await this.begin();
  }

  /** Ends it with all its containers, and removes what it had. */
  async remove(): Promise<void> {
    await this.end();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  private async begin(): Promise<void> {
    const at = (name: string) => join(this.directory, name);
    const [program = '', ...words] = ENGINE;
    const own = ['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid')];
    const log = openSync(at('log'), 'a');
    const child = spawn(program, [...words, ...APART, ...own, '--host', this.address], {
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.child = child;
    const seen = () => this.logTail();
    await until({ what: 'an engine to answer', deadlineMs: ANSWERS_MS, everyMs: 100, seen }, () => {
      return runProgram(['docker', '--host', this.address, 'version']).status === 0;
    });
  }

  private async end(): Promise<void> {
    const { child } = this;
    if (child === null) return;
    const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
    const wait = { deadlineMs: ENDS_MS, everyMs: 100, seen: () => this.logTail() };
    child.kill('SIGTERM');
    try {
      await until({ ...wait, what: 'an engine to end' }, hasEnded);
    } catch (error) {
      child.kill('SIGKILL');
      await until({ ...wait, what: 'an engine that was killed to end' }, hasEnded);
      throw error;
    } finally {
      if (hasEnded()) this.child = null;
    }
  }

  private logTail(): string {
    return readFileSync(join(this.directory, 'log'), 'utf8').slice(-4000);
  }

  private copyHere(image: string): void {
    const copy = 'docker save "$1" | docker --host "$2" load';
    const { status, stderr } = runProgram(['sh', '-c', copy, 'sh', image, this.address]);
    if (status !== 0) throw new Error(`${image} is not copied: ${stderr}`);
  }
}
