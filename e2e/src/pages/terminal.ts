import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';

export interface Typed {
  readonly status: number;
  /** What a terminal would show: stdout and stderr as they come, without colours. */
  readonly output: string;
}

/** What a terminal is made of: a shell that reads its commands from a pipe, and sees a terminal. */
export interface Shell {
  readonly commands: Writable;
  /** Calls with each text that it shows, and once more, without one, when it has ended. */
  listen(hear: (text: string) => void): void;
  hasEnded(): boolean;
  close(): void;
}

/** A shell on this machine; its programs see a terminal of `script`, from util-linux, as a reader's do. */
export function shellHere(directory: string, pipes: string, env: Readonly<Record<string, string>>): Shell {
  const pipe = join(pipes, `terminal-${randomUUID()}`);
  execFileSync('mkfifo', [pipe]);
  // Descriptor 3: the pipe that services started here watch, to end when this process does.
  const session = spawn('script', ['-qfec', `bash --norc --noprofile ${pipe}`, '/dev/null'], {
    cwd: directory,
    env: { ...env, SHELL: '/bin/sh', PGAF_DIE_WITH_PARENT: '3' },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  const commands = createWriteStream(pipe);
  return {
    commands,
    listen(hear) {
      for (const stream of [session.stdout, session.stderr]) stream?.setEncoding('utf8').on('data', hear);
      session.once('exit', () => hear(''));
    },
    hasEnded: () => session.exitCode !== null,
    close() {
      commands.end();
      session.kill('SIGKILL');
    },
  };
}

/**
 * A shell that stays, so that variables and background jobs last from one command to the next. Its commands come
 * through a pipe, so that no prompt and no echo is among their output.
 */
export class Terminal {
  private seen = '';
  private wake: () => void = () => undefined;

  constructor(private readonly shell: Shell) {
    shell.listen((text) => {
      this.seen += text;
      this.wake();
    });
  }

  /** Types one command and waits for it to end; a job that it leaves in the background goes on. */
  async type(command: string): Promise<Typed> {
    const end = `end-of-${randomUUID()}`;
    this.seen = '';
    // Jobs are disowned, or else the shell would say, among some later output, that one was killed.
    const typed = `{ ${command}\n} </dev/null; typed=$?; disown -a; printf '\\n%s %d\\n' ${end} $typed\n`;
    this.shell.commands.write(typed);
    const pattern = new RegExp(`\\n${end} (\\d+)\\n`);
    for (;;) {
      const shown = stripVTControlCharacters(this.seen).replaceAll('\r', '');
      const found = pattern.exec(shown);
      if (found) return { status: Number(found[1]), output: shown.slice(0, found.index) };
      if (this.shell.hasEnded()) throw new Error(`the shell ended: ${shown}`);
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  close(): void {
    this.shell.close();
  }
}
