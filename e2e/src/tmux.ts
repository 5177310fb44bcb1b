import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { until } from '@pgaf/testing/deadline';

/** What a terminal is when nothing draws on it: the usual screen, its cursor in sight. */
export const AT_REST = { alternate: '0', cursor: '1' };

export function isTmuxThere(): boolean {
  return spawnSync('tmux', ['-V'], { stdio: 'ignore' }).status === 0;
}

const DEADLINE_MS = 30_000;

/** A terminal of tmux with a shell in it: what is typed, what its reader sees. Its server is of its own. */
export class Tmux {
  private readonly socket: string;
  private closed = false;

  /** @param directory Where it works, and has its socket. */
  constructor(directory: string, env: Readonly<Record<string, string>>, size = { columns: 120, rows: 24 }) {
    this.socket = join(directory, `tmux-${randomUUID()}`);
    execFileSync(
      'tmux',
      [
        ...['-S', this.socket, '-f', '/dev/null', 'new-session', '-d', '-c', directory],
        ...['-x', String(size.columns), '-y', String(size.rows), 'bash --norc --noprofile'],
        ...[';', 'set-option', '-g', 'status', 'off'],
      ],
      { env: { ...env, TERM: 'screen', PS1: '$ ' } },
    );
  }

  /** Keys by tmux's names, such as `q`, `F1`, `C-c`, `Up`. */
  press(...keys: readonly string[]): void {
    this.run('send-keys', ...keys);
  }

  /** A command line, and Enter. */
  type(text: string): void {
    this.run('send-keys', '-l', text);
    this.press('Enter');
  }

  resize(columns: number, rows: number): void {
    this.run('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** What is on the screen, a line for each row, blanks at the ends cut off. */
  rows(): string[] {
    return this.run('capture-pane', '-p').replace(/\n$/, '').split('\n');
  }

  /** The rows of which every character is in reverse. */
  reversedRows(): string[] {
    // Attributes go on from one row to the next until they are changed.
    let isReverse = false;
    return this.run('capture-pane', '-p', '-e')
      .split('\n')
      .filter((row) => {
        let plain = '';
        for (const [, codes, text = ''] of row.matchAll(/(?:\x1b\[([\d;]*)m)|([^\x1b]+)/g)) {
          for (const code of codes?.split(';') ?? []) {
            if (code === '7') isReverse = true;
            else if (['', '0', '27'].includes(code)) isReverse = false;
          }
          if (!isReverse) plain += text;
        }
        return row !== '' && plain.trim() === '';
      })
      .map((row) => stripVTControlCharacters(row));
  }

  /** Whether a program has the other screen, and whether the cursor can be seen. */
  state(): { readonly alternate: string; readonly cursor: string } {
    const [alternate = '', cursor = ''] = this.run('display-message', '-p', '#{alternate_on} #{cursor_flag}')
      .trim()
      .split(' ');
    return { alternate, cursor };
  }

  /** The process that the shell waits for. */
  program(): number {
    const shell = this.run('display-message', '-p', '#{pane_pid}').trim();
    return Number(readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').split(' ')[0]);
  }

  /** Waits until the rows are as wanted; says at the deadline what they were. */
  async sees(what: string, wanted: (rows: readonly string[]) => boolean): Promise<readonly string[]> {
    return until({ what, deadlineMs: DEADLINE_MS, everyMs: 50, seen: () => this.rows().join('\n') }, () => {
      const rows = this.rows();
      return wanted(rows) ? rows : null;
    });
  }

  /** Ends the shell and what runs in it. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    spawnSync('tmux', ['-S', this.socket, 'kill-server'], { stdio: 'ignore' });
  }

  private run(...command: readonly string[]): string {
    return execFileSync('tmux', ['-S', this.socket, ...command], { encoding: 'utf8' });
  }
}
