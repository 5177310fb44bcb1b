import { figuresOf, judge, type Achieved, type Result } from './measurement.js';
import { OURS, type Report } from './report.js';

/** Columns as wide as their widest cell; the first one to the left, the others to the right. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('  '),
    )
    .join('\n');
}

export function median({ unit, digits }: Result, figures: Achieved): string {
  return `${figures.median.toFixed(digits)} ${unit}`;
}

export function spread({ digits }: Result, { min, max }: Achieved): string {
  return `${min.toFixed(digits)} – ${max.toFixed(digits)}`;
}

/** How many times ours the other's is: two significant digits, such as `6.5×`, `0.85×`, `120×`. */
export function ratio(other: Achieved, ours: Achieved): string {
  const times = other.median / ours.median;
  return `${times >= 10 ? times.toFixed(0) : Number(times.toPrecision(2))}×`;
}

/** A peer's cell: median and ratio to ours, `failed`, or a dash for a scenario that it does not have. */
export function peerCell(result: Result, id: string): string {
  const outcome = result.systems[id];
  if (!outcome) return '–';
  const figures = figuresOf(outcome);
  if (!figures) return 'failed';
  const ours = figuresOf(result.systems[OURS]);
  const hasRatio = ours !== null && ours.median > 0;
  return hasRatio ? `${median(result, figures)} (${ratio(figures, ours)})` : median(result, figures);
}

/** A line per result: ours with spread, budget and verdict, then what each peer needed and how many times ours it is. */
export function comparison({ systems, results }: Report): string {
  const peers = systems.filter(({ id }) => id !== OURS);
  const hasOurs = systems.some(({ id }) => id === OURS);
  const head = [
    '',
    ...(hasOurs ? ['pgaf', 'min – max', 'budget', ''] : []),
    ...peers.map(({ title }) => title),
  ];
  const rows = results.map((result) => {
    const outcome = result.systems[OURS];
    const figures = figuresOf(outcome);
    const ours = [
      figures ? median(result, figures) : '–',
      figures ? spread(result, figures) : '–',
      `≤ ${result.budget} ${result.unit}`,
      outcome ? judge(result, outcome) : '–',
    ];
    return [result.title, ...(hasOurs ? ours : []), ...peers.map(({ id }) => peerCell(result, id))];
  });
  return aligned([head, ...rows]);
}

/** A line per system and result in which a client wrote, or that failed: every figure, and the client's rows; empty for none. */
export function details({ systems, results }: Report): string {
  const rows = results.flatMap((result) =>
    systems.flatMap(({ id, title }) => {
      const outcome = result.systems[id];
      if (!outcome) return [];
      if ('failed' in outcome) return [[`${result.title}: ${title}`, 'failed', '–', '–', '–', '–']];
      if (outcome.acknowledged === undefined) return [];
      const figures = [median(result, outcome), spread(result, outcome), String(outcome.runs.length)];
      return [
        [`${result.title}: ${title}`, ...figures, String(outcome.acknowledged), String(outcome.lost ?? 0)],
      ];
    }),
  );
  if (rows.length === 0) return '';
  return aligned([['', 'median', 'min – max', 'runs', 'rows acknowledged', 'lost'], ...rows]);
}
