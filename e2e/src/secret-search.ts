import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { processesIn } from '@pgaf/testing/process-table';

/** Every file below the folder that holds one of the texts, with its mode in octal. */
export function filesWith(folder: string, secrets: readonly string[]): { path: string; mode: string }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      const bytes = contentOf(path);
      return secrets.some((secret) => bytes.includes(secret));
    })
    .map((path) => ({ path, mode: (statSync(path).mode & 0o777).toString(8) }));
}

/** Postgres removes files while they are looked through. */
function contentOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

function procFile(pid: number, name: string): string {
  return contentOf(`/proc/${pid}/${name}`).toString('latin1');
}

const EVERY_MS = 20;

/**
 * Looks at every process of the machine again and again: what anybody sees of its arguments, and, of those of the
 * formation, the environment as well.
 */
export class ProcessWatch {
  readonly #found = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #looks = 0;

  constructor(
    private readonly folder: string,
    private readonly secrets: readonly string[],
  ) {
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
  }

  /** What was found, one line each; throws when nothing was looked at. */
  stop(): string[] {
    clearInterval(this.#timer);
    this.#look();
    if (this.#looks < 2) throw new Error('no process was looked at');
    return [...this.#found];
  }

  #look(): void {
    this.#looks += 1;
    for (const name of readdirSync('/proc')) {
      if (/^\d+$/.test(name)) this.#note(name, 'arguments', procFile(Number(name), 'cmdline'));
    }
    if (this.#looks % 10 !== 0) return;
    for (const { pid, program } of processesIn(this.folder)) {
      this.#note(program, 'environment', procFile(pid, 'environ'));
    }
  }

  #note(whose: string, what: string, text: string): void {
    if (!this.secrets.some((secret) => text.includes(secret))) return;
    this.#found.add(`${what} of ${whose}: ${text.replaceAll('\0', ' ')}`);
  }
}
