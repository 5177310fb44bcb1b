import { figuresOf, type Result } from './measurement.js';
import { OURS, type Report } from './report.js';
import { summarize } from './statistics.js';
import { median, peerCell, spread } from './table.js';

const BEGIN = '<!-- bench: begin -->';
const END = '<!-- bench: end -->';

/** As prettier writes it, so that the page stays as it checks it. */
function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const widths = head.map((_, i) => Math.max(3, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(head), rule, ...body.map(line)].join('\n');
}

function ours(result: Result): string[] {
  const figures = figuresOf(result.systems[OURS]);
  const budget = `${result.budget} ${result.unit}`;
  return figures ? [median(result, figures), spread(result, figures), budget] : ['failed', '–', budget];
}

/** All rows of a system, over all scenarios: `12345 acknowledged, 0 lost`. */
function rowsOf(report: Report, id: string): string {
  const all = report.results.flatMap((result) => figuresOf(result.systems[id]) ?? []);
  const sum = (key: 'acknowledged' | 'lost') =>
    all.reduce((total, figures) => total + (figures[key] ?? 0), 0);
  return `${sum('lost')} of ${sum('acknowledged')}`;
}

/** How often each scenario ran on a system: `5 runs`, or `3 to 5 runs`. */
function runsOf(report: Report, id: string): string {
  const counts = report.results.flatMap((result) => figuresOf(result.systems[id])?.runs.length ?? []);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  if (counts.length === 0) return 'no run';
  return least === most ? `${most} ${most === 1 ? 'run' : 'runs'}` : `${least} to ${most} runs`;
}

/** What a reader compares with their own machine before any figure. */
function machineText({ measuredAt, machine }: Report): string {
  const { processors, postgres, citus, node, loadBefore, emptyProcess } = machine;
  const kernel = /^\d+\.\d+/.exec(machine.kernel)?.[0] ?? machine.kernel;
  const took = summarize(emptyProcess);
  const parts = [
    measuredAt.slice(0, 10),
    `${processors} cores`,
    `Linux ${kernel}`,
    `Postgres ${postgres}`,
    ...(citus === null ? [] : [`Citus ${citus}`]),
    `Node ${node.replace(/^v/, '')}, of which an empty process takes ${took.median.toFixed(0)} ms (${took.min.toFixed(0)} – ${took.max.toFixed(0)})`,
    `load average ${loadBefore.toFixed(1)} before the start`,
  ];
  return `${parts.join(', ')}.`;
}

/** Our runs beside those of the peers, then what a reader must know to judge them. */
export function markdown(report: Report): string {
  const { systems, results, leftOut } = report;
  const peers = systems.filter(({ id }) => id !== OURS);
  const isCompared = (result: Result) => Object.keys(result.systems).some((id) => id !== OURS);
  const [compared, own] = [results.filter(isCompared), results.filter((result) => !isCompared(result))];
  const head = ['event', 'pgaf, median', 'min – max', 'budget'];
  const tables = [
    compared.length > 0 &&
      markdownTable([
        [...head, ...peers.map(({ title }) => title)],
        ...compared.map((result) => [
          result.title,
          ...ours(result),
          ...peers.map(({ id }) => peerCell(result, id)),
        ]),
        [
          'acknowledged rows lost, of all',
          rowsOf(report, OURS),
          '',
          'none',
          ...peers.map(({ id }) => rowsOf(report, id)),
        ],
      ]),
    own.length > 0 && markdownTable([head, ...own.map((result) => [result.title, ...ours(result)])]),
  ].filter((table) => table !== false);
  const setups = systems.map(
    ({ id, title, version, setup }) => `${title} ${version}, medians of ${runsOf(report, id)}: ${setup}.`,
  );
  const missing = leftOut.map(({ title, reason }) => `${title} was left out: ${reason}.`);
  return [...tables, [machineText(report), ...setups, ...missing].join(' ')].join('\n\n');
}

/**
 * The page with the text between its two marks replaced.
 * @throws Error when the page has no such marks
 */
export function inserted(page: string, text: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) {
    throw new Error(
      `The page needs a line "${BEGIN}" and, below it, a line "${END}": the figures go between them.`,
    );
  }
  return `${page.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${page.slice(end)}`;
}
