/** One command of a fenced block, as a reader types it, with what the page shows below it. */
export interface TypedCommand {
  /** The terminal: the first word after `console`. */
  readonly host: string;
  /** Words after the host: `eventually`, `alike`, `head`. */
  readonly marks: readonly string[];
  readonly command: string;
  readonly output: string;
  readonly line: number;
}

const FENCE = /^```console(?:\s+(.*))?$/;

/**
 * The commands of a page, in order: in each block that is fenced as `console HOST [mark…]`, a line that begins
 * with `$ ` is typed, lines that begin with `> ` continue it, and what follows is its output.
 * @throws Error for a console block without a host, one that is not closed, or one whose host stands in no text above it:
 *   a page that is rendered shows nothing of the fence.
 */
export function commandsOf(markdown: string): TypedCommand[] {
  const commands: TypedCommand[] = [];
  let block: { host: string; marks: string[] } | null = null;
  let current: { command: string[]; output: string[]; line: number } | null = null;
  const flush = () => {
    if (block && current) {
      const output = current.output.join('\n').trimEnd();
      commands.push({ ...block, command: current.command.join('\n'), output, line: current.line });
    }
    current = null;
  };
  let above = '';
  for (const [i, text] of markdown.split('\n').entries()) {
    const fence = FENCE.exec(text);
    if (!block && fence) {
      const [host, ...marks] = (fence[1] ?? '').split(/\s+/);
      if (!host) throw new Error(`line ${i + 1}: a console block names its host`);
      const said = `In \`${host}\`:`;
      if (above !== said && !above.endsWith(` ${said}`))
        throw new Error(`line ${i + 1}: the text above the block ends with "${said}"`);
      block = { host, marks };
    } else if (block && text === '```') {
      flush();
      block = null;
    } else if (block && text.startsWith('$ ')) {
      flush();
      current = { command: [text.slice(2)], output: [], line: i + 1 };
    } else if (block && current && text.startsWith('> ') && current.output.length === 0) {
      current.command.push(text.slice(2));
    } else if (block && current) {
      current.output.push(text);
    }
    if (text !== '') above = text;
  }
  if (block) throw new Error('the last console block is not closed');
  return commands;
}

/** The ports that the page's commands ask for. */
export function portsOf(commands: readonly TypedCommand[]): number[] {
  const ports = commands.flatMap(({ command }) =>
    [...command.matchAll(/--pgport[ =](\d+)/g)].map((m) => Number(m[1])),
  );
  return [...new Set(ports)];
}
