import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { workspaceRoot } from '@pgaf/testing/workspace';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { comparedBy } from './masking.js';
import { PlaceHere } from './place-here.js';
import type { ReadingPlace } from './reading-place.js';
import type { Terminal, Typed } from './terminal.js';
import { commandsOf, type TypedCommand } from './typed-commands.js';

const EVENTUALLY_MS = 90_000;

/** One reader of a page, who keeps each of its terminals open. */
class Reader {
  private readonly terminals = new Map<string, Terminal>();

  constructor(readonly place: ReadingPlace) {}

  /** Types it; with the mark `eventually` again and again until it shows what the page shows. */
  async type(step: TypedCommand, look: (output: string) => string): Promise<Typed> {
    const wanted = look(this.place.asHere(step.output, step.host));
    const deadline = performance.now() + (step.marks.includes('eventually') ? EVENTUALLY_MS : 0);
    const terminal = this.terminals.get(step.host) ?? (await this.place.open(step.host));
    this.terminals.set(step.host, terminal);
    for (;;) {
      const result = await terminal.type(this.place.asHere(step.command, step.host));
      if (look(result.output) === wanted || performance.now() >= deadline) return result;
      await pause(100);
    }
  }
}

export interface ReadingOptions {
  /** Makes the place; on this machine when absent. */
  readonly at?: (name: string, commands: readonly TypedCommand[]) => Promise<ReadingPlace>;
  /** What the tests' names begin with. */
  readonly title?: string;
}

/** Types the commands of `docs/<name>.md` in their order and compares what they print; after a failure none is typed. */
export function describePage(
  name: string,
  { at = PlaceHere.find, title = `docs/${name}.md` }: ReadingOptions = {},
): void {
  const commands = commandsOf(readFileSync(join(workspaceRoot(), 'docs', `${name}.md`), 'utf8'));
  let reader: Reader;
  let failed: string | null = null;

  describe(title, () => {
    beforeAll(async () => {
      reader = new Reader(await at(name, commands));
    });

    afterAll(() => reader?.place.close());

    it.each(commands.map((step) => [step.line, step.host, step.command.split('\n')[0] ?? '', step] as const))(
      'line %d, %s: %s',
      async (line, _host, _title, step) => {
        expect(failed, 'an earlier command failed').toBeNull();
        failed = `line ${line}`;
        const look = comparedBy(step.marks);
        const { place } = reader;
        const result = await reader.type(step, look);
        const wanted = look(place.asHere(step.output, step.host));
        if (look(result.output) !== wanted) expect(look(result.output), await place.logs()).toBe(wanted);
        if (result.status !== 0) expect(result.status, `${result.output}\n${await place.logs()}`).toBe(0);
        failed = null;
      },
    );
  });
}
