import { parseArgs } from 'node:util';
import { EXIT, UserError } from '@pgaf/core/errors';

export interface BenchOptions {
  readonly pgctl: string;
  readonly runs: number;
  readonly peerRuns: number;
  /** Ids of measurements; all when absent. */
  readonly only: readonly string[] | null;
  /** Ids of systems; those that are found when absent. */
  readonly systems: readonly string[] | null;
  /** Where the report goes. */
  readonly json: string;
}

/** Prints an earlier report as a page has it, or puts it there. */
export interface MarkdownOptions {
  readonly markdown: string;
  readonly into: string | null;
}

export const HELP = `npm run bench -- [flags]: measures outages, times and sizes, beside the peers that are installed
  --only ID,…        these measurements only: %measurements
  --systems ID,…     these systems only: %systems; all that are installed when absent
  --runs N           runs of each measurement on pgaf and bare Postgres; 5
  --peer-runs N      runs on each peer, which may need a minute for one; 3
  --json FILE        where the report goes; reports/bench.json. Until all is measured, FILE.unfinished has what is
  --markdown FILE    measure nothing: print such a report as tables in Markdown
  --into FILE        with --markdown: put them between the marks "bench: begin" and "bench: end" of this page
`;

function badFlag(message: string): UserError {
  return new UserError(message, {
    code: 'bad-flag',
    exit: EXIT.badArguments,
    hint: 'npm run bench -- --help tells the flags.',
  });
}

function countOf(flag: string, text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw badFlag(`--${flag} is a whole number from 1 on, not "${text}".`);
  return count;
}

function idsOf(flag: string, text: string | undefined, known: readonly string[]): readonly string[] | null {
  if (text === undefined) return null;
  const ids = text.split(',').map((id) => id.trim());
  const unknown = ids.find((id) => !known.includes(id));
  if (unknown !== undefined)
    throw badFlag(`--${flag} does not know "${unknown}"; it takes ${known.join(', ')}.`);
  return ids;
}

/** @throws UserError for a flag that means nothing, before anything is measured */
export function parseOptions(
  args: readonly string[],
  known: { readonly measurements: readonly string[]; readonly systems: readonly string[] },
): BenchOptions | MarkdownOptions | { readonly help: string } {
  const flags = {
    help: { type: 'boolean' },
    pgctl: { type: 'string' },
    runs: { type: 'string', default: '5' },
    'peer-runs': { type: 'string', default: '3' },
    only: { type: 'string' },
    systems: { type: 'string' },
    json: { type: 'string', default: 'reports/bench.json' },
    markdown: { type: 'string' },
    into: { type: 'string' },
  } as const;
  const parse = () => {
    try {
      return parseArgs({ args: [...args], options: flags }).values;
    } catch (error) {
      throw badFlag(error instanceof Error ? error.message : String(error));
    }
  };
  const values = parse();
  if (values.help) {
    const help = HELP.replace('%measurements', known.measurements.join(', '));
    return { help: help.replace('%systems', known.systems.join(', ')) };
  }
  if (values.markdown !== undefined) return { markdown: values.markdown, into: values.into ?? null };
  if (values.into !== undefined) throw badFlag('--into goes with --markdown.');
  if (values.pgctl === undefined) throw badFlag('--pgctl is missing; tools/bench.mjs finds it.');
  return {
    pgctl: values.pgctl,
    runs: countOf('runs', values.runs),
    peerRuns: countOf('peer-runs', values['peer-runs']),
    only: idsOf('only', values.only, known.measurements),
    systems: idsOf('systems', values.systems, known.systems),
    json: values.json,
  };
}
