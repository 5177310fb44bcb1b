import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { addEvidenceSource, removeEvidenceSource, type EvidenceSource } from '@pgaf/testing/evidence';
import { workspaceRoot } from '@pgaf/testing/workspace';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { comparedBy } from './masking.js';
import { PlaceHere } from './place-here.js';
import type { ReadingPlace } from './reading-place.js';
import type { Typing } from './rounds.js';
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
    for (;;) {
      const result = await this.typeOnce(step);
      if (look(result.output) === wanted || performance.now() >= deadline) return result;
      await pause(100);
    }
  }

  private async typeOnce(step: TypedCommand): Promise<Typed> {
    const results: Typed[] = [];
    for (const round of this.place.rounds(step))
      results.push(...(await Promise.all(round.map((typing) => this.typeIn(typing)))));
    const status = results.find((result) => result.status !== 0)?.status ?? 0;
    return { status, output: results.map(({ output }) => output).join('') };
  }

  private async typeIn({ terminal: name, command }: Typing): Promise<Typed> {
    const terminal = this.terminals.get(name) ?? (await this.place.open(name));
    this.terminals.set(name, terminal);
    return terminal.type(this.place.asHere(command, name));
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
    let source: EvidenceSource | undefined;
    beforeAll(async () => {
      const place = await at(name, commands);
      reader = new Reader(place);
      source = { evidence: () => ({ 'logs.txt': () => place.logs() }) };
      addEvidenceSource(source);
    });

    afterAll(async () => {
      if (source) removeEvidenceSource(source);
      await reader?.place.close();
    });

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
