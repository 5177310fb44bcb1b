import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, freemem, loadavg, release, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { EXIT, PgafError, UserError } from '@pgaf/core/errors';
import { whyNoNetwork } from '@pgaf/testing/network-support';
import { CITUS_CREATION, CITUS_ROWS } from './citus/citus-rows.js';
import { citusOf } from './citus/find-citus.js';
import { MEMORY_NEEDED } from './busy-primary.js';
import { emptyProcess } from './empty-process.js';
import { inserted, markdown } from './markdown.js';
import { measureSystem, measurementsOf } from './measure-system.js';
import { judge, type Measurement, type Outcome, type Result } from './measurement.js';
import { parseOptions, type BenchOptions, type MarkdownOptions } from './options.js';
import { OURS, type Report, type SystemMeasured } from './report.js';
import { SCENARIOS } from './scenarios.js';
import { barePostgres } from './systems/bare-postgres.js';
import { outputOf, versionIn } from './systems/find-program.js';
import { patroni } from './systems/patroni.js';
import { pgAutoFailover } from './systems/pg-auto-failover.js';
import { pgaf } from './systems/pgaf.js';
import type { Installation, SystemKind } from './systems/system.js';
import { comparison, details } from './table.js';
import { Workshop } from './workshop.js';

const ALL: readonly Measurement[] = measurementsOf(pgaf);
const KINDS: readonly SystemKind[] = [pgaf, pgAutoFailover, patroni, barePostgres];

/** The one that exists now: what a signal must remove. */
let workshop: Workshop | undefined;

interface Found {
  readonly kind: SystemKind;
  readonly installation: Installation;
}

/** @throws UserError when a system was asked for by its name and is not there */
function findSystems({ pgctl, systems }: BenchOptions): { found: Found[]; leftOut: Report['leftOut'] } {
  const found: Found[] = [];
  const leftOut: Report['leftOut'][number][] = [];
  for (const kind of KINDS.filter(({ id }) => systems?.includes(id) ?? true)) {
    const installation = kind.find(pgctl);
    if (!('missing' in installation)) {
      found.push({ kind, installation });
      process.stderr.write(`${kind.title} ${installation.version}: ${kind.setup}\n`);
      continue;
    }
    const reason = installation.missing;
    if (systems) {
      throw new UserError(`${kind.title} cannot be measured: ${reason}.`, {
        code: 'system-missing',
        exit: EXIT.badArguments,
        hint: 'CONTRIBUTING.md names the packages.',
      });
    }
    leftOut.push({ title: kind.title, reason });
  }
  return { found, leftOut };
}

/** Of those that are wanted, the ones that this machine cannot do, with the reason. */
async function impossibleHere(
  wanted: readonly Measurement[],
  citus: string | null,
): Promise<ReadonlyMap<Measurement, string>> {
  const scenarios = SCENARIOS.filter((scenario) => wanted.includes(scenario));
  const large = scenarios.filter(({ load }) => load === 'busy' && freemem() < MEMORY_NEEDED);
  const tooLarge = `it needs ${Math.round(MEMORY_NEEDED / 1024 ** 3)} GB of free memory`;
  const networked = scenarios.filter(({ shape }) => shape?.hosts === 'network');
  const noNetwork = networked.length > 0 ? await whyNoNetwork() : null;
  const ofCitus = citus === null ? [...CITUS_ROWS, CITUS_CREATION].filter((it) => wanted.includes(it)) : [];
  return new Map<Measurement, string>([
    ...ofCitus.map((it) => [it, 'the Postgres in use has no extension "citus"'] as const),
    ...large.map((it) => [it, tooLarge] as const),
    ...(noNetwork === null ? [] : networked.map((it) => [it, noNetwork] as const)),
  ]);
}

/** @param keep Called with what is measured so far: who is interrupted after an hour has that. */
async function measure(options: BenchOptions, keep: (report: Report) => void): Promise<Report> {
  const { found, leftOut: missing } = findSystems(options);
  const wanted = ALL.filter(({ id }) => options.only?.includes(id) ?? true);
  const citus = citusOf(options.pgctl);
  const impossible = await impossibleHere(wanted, citus);
  const leftOut = [...missing, ...[...impossible].map(([{ title }, reason]) => ({ title, reason }))];
  const wantedOf = (kind: SystemKind) =>
    measurementsOf(kind).filter((it) => wanted.includes(it) && !impossible.has(it));
  if (!found.some(({ kind }) => wantedOf(kind).length > 0)) {
    throw new UserError('None of these systems has any of these measurements.', {
      code: 'nothing-to-measure',
      exit: EXIT.badArguments,
      hint: 'Bare Postgres has only what an operator orders, and some figures are those of pgaf alone.',
    });
  }
  for (const { title, reason: why } of leftOut) process.stderr.write(`${title} is left out: ${why}\n`);
  const loadBefore = loadavg()[0] ?? 0;
  if (loadBefore > cpus().length / 2) {
    process.stderr.write(
      `This machine is busy (load average ${loadBefore.toFixed(1)}): figures will be too high.\n`,
    );
  }
  const outcomes = new Map<string, Record<string, Outcome>>();
  const systems: SystemMeasured[] = [];
  const results = () =>
    ALL.flatMap(({ id, title, unit, budget, digits }): Result[] => {
      const bySystem = outcomes.get(id);
      return bySystem ? [{ id, title, unit, budget, digits, systems: bySystem }] : [];
    });
  const emptyProcesses = [emptyProcess()];
  const machine = {
    processors: cpus().length,
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGB: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    node: process.version,
    citus,
    postgres: versionIn(outputOf(join(dirname(options.pgctl), 'postgres'), ['--version'])),
    loadBefore,
    emptyProcess: emptyProcesses,
  };
  const report = (): Report => ({
    measuredAt: new Date().toISOString(),
    machine,
    systems,
    leftOut,
    results: results(),
  });
  for (const { kind, installation } of found) {
    const { id, title, setup } = kind;
    systems.push({ id, title, version: installation.version, setup });
    workshop = new Workshop(installation);
    const isPeer = kind.id !== OURS && !kind.onlyByHand;
    await measureSystem({
      kind,
      workshop,
      runs: isPeer ? options.peerRuns : options.runs,
      wanted: wantedOf(kind),
      record: (measurement, outcome) => {
        outcomes.set(measurement.id, { ...outcomes.get(measurement.id), [kind.id]: outcome });
        emptyProcesses.push(emptyProcess());
        keep(report());
      },
    });
  }
  return report();
}

/** @returns false when pgaf lost a row or failed at something; a budget that is overrun is told, and no failure */
function tell(report: Report, file: string): boolean {
  const versions = report.systems.map(({ title, version }) => `${title} ${version}`).join(', ');
  const left = report.leftOut.map(({ title, reason }) => `\n${title} is left out: ${reason}`).join('');
  const tables = [comparison(report), details(report)].filter((table) => table !== '').join('\n\n');
  process.stdout.write(`\n${versions}${left}\n\n${tables}\n`);
  process.stdout.write(`\nwritten to ${file}\n`);
  return report.results.every((result) => {
    const outcome = result.systems[OURS];
    return !outcome || ['ok', 'OVER'].includes(judge(result, outcome));
  });
}

function writeReport(report: Report, file: string): void {
  mkdirSync(dirname(resolve(file)), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
}

function readReport(file: string): Report {
  const refuse = (cause: unknown) =>
    new UserError(
      `${file} is no report of the bench: ${cause instanceof Error ? cause.message : String(cause)}.`,
      {
        code: 'no-report',
        exit: EXIT.badArguments,
        hint: 'npm run bench writes one, by default to reports/bench.json.',
        cause,
      },
    );
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
    if (!Array.isArray(report.systems)) throw new Error('it names no systems');
    return report;
  } catch (error) {
    throw refuse(error);
  }
}

/** @returns the exit status */
async function measureAll(options: BenchOptions): Promise<number> {
  // A whole report from before stays until there is another one.
  const unfinished = `${options.json}.unfinished`;
  const report = await measure(options, (soFar) => writeReport(soFar, unfinished));
  writeReport(report, options.json);
  rmSync(unfinished, { force: true });
  return tell(report, options.json) ? 0 : 1;
}

function print({ markdown: file, into }: MarkdownOptions): void {
  const text = markdown(readReport(file));
  if (into === null) return void process.stdout.write(`${text}\n`);
  writeFileSync(into, inserted(readFileSync(into, 'utf8'), text));
  process.stdout.write(`the figures of ${file} are in ${into}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => void (workshop?.close() ?? Promise.resolve()).finally(() => process.exit(1)));
}
try {
  const options = parseOptions(process.argv.slice(2), {
    measurements: ALL.map(({ id }) => id),
    systems: KINDS.map(({ id }) => id),
  });
  if ('help' in options) process.stdout.write(options.help);
  else if ('markdown' in options) print(options);
  else process.exitCode = await measureAll(options);
} catch (error) {
  if (!(error instanceof PgafError)) throw error;
  process.stderr.write(`${error.message}${error.hint ? ` ${error.hint}` : ''}\n`);
  process.exitCode = error.exit;
} finally {
  await workshop?.close();
}
