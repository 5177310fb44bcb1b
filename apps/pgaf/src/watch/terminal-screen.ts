import { emitKeypressEvents, type Key } from 'node:readline';
import { EXIT, UserError } from '@pgaf/core/errors';
import { ENTER, LEAVE, repaint, textOf } from './ansi.js';
import { commandOf, type Command } from './keys.js';
import type { Size, StyledLine } from './styled-line.js';

/** @throws UserError `no-terminal`, exit 1, when there is nothing to draw on. */
export function requireTerminal(bin: string, env: Readonly<Record<string, string | undefined>>): void {
  const why = !process.stdout.isTTY
    ? 'its output goes elsewhere'
    : !process.stdin.isTTY
      ? 'its input comes from elsewhere'
      : ['', 'dumb'].includes(env['TERM'] ?? '')
        ? 'TERM names none that can be drawn on'
        : null;
  if (why === null) return;
  throw new UserError(`This needs a terminal, and ${why}.`, {
    code: 'no-terminal',
    exit: EXIT.badArguments,
    hint: `Elsewhere, \`${bin} show state\` and \`${bin} show events\` print the same once, with --json for programs.`,
  });
}

/**
 * The terminal of this process as a screen to draw on. However the process ends, short of SIGKILL, the terminal
 * is as it was before: its text, its cursor, its line editing.
 */
export class TerminalScreen {
  readonly #commands: (command: Command) => void;
  readonly #resized: () => void;
  #painted: readonly string[] = [];
  #isOpen = false;

  constructor(on: { readonly command: (command: Command) => void; readonly resized: () => void }) {
    this.#commands = on.command;
    this.#resized = on.resized;
  }

  get size(): Size {
    const { rows, columns } = process.stdout;
    return { rows, columns };
  }

  open(): void {
    // Before the handler that logs what went wrong: a message on this screen would be gone with it.
    process.prependListener('uncaughtException', this.#close);
    process.prependListener('unhandledRejection', this.#close);
    process.on('exit', this.#close);
    process.stdout.on('resize', this.#onResize);
    process.stdin.on('keypress', this.#onKey);
    emitKeypressEvents(process.stdin);
    this.#take();
  }

  draw(lines: readonly StyledLine[]): void {
    if (!this.#isOpen) return;
    const text = repaint(lines, this.#painted);
    if (text !== '') process.stdout.write(text);
    this.#painted = lines.map(textOf);
  }

  /** Gives the terminal to the shell until the job is continued. */
  suspend(): void {
    this.#giveBack();
    process.once('SIGCONT', () => {
      this.#take();
      this.#resized();
    });
    // The whole job, as the terminal's own ^Z does.
    process.kill(0, 'SIGTSTP');
  }

  close(): void {
    this.#close();
    process.off('uncaughtException', this.#close);
    process.off('unhandledRejection', this.#close);
    process.off('exit', this.#close);
    process.stdout.off('resize', this.#onResize);
    process.stdin.off('keypress', this.#onKey);
  }

  readonly #close = (): void => this.#giveBack();
  readonly #onKey = (_text: string | undefined, key: Key): void => {
    const command = commandOf(key);
    if (command !== null) this.#commands(command);
  };
  readonly #onResize = (): void => {
    this.#painted = [];
    process.stdout.write(ENTER);
    this.#resized();
  };

  #take(): void {
    this.#painted = [];
    this.#isOpen = true;
    process.stdin.setRawMode(true).resume();
    process.stdout.write(ENTER);
  }

  #giveBack(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.stdout.write(LEAVE);
    process.stdin.setRawMode(false).pause();
  }
}
