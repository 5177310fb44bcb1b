import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadedMonitor } from './loaded-monitor.js';

export interface Load {
  readonly clients: number;
  /** Reports a second of all clients together; as many as they can when absent. */
  readonly rate?: number;
}

export interface RunningLoad {
  /** Reports that were answered, for each second since all have connected. */
  readonly perSecond: readonly number[];
  /** What it said when it ended by itself; null while it runs. */
  failure(): string | null;
  stop(): void;
}

const LONG_SECONDS = 3600;

/** Has that many nodes report, each over its own connection, by `pgbench`, which costs little itself. */
export function startLoad(
  { address, script, directory, pgbench }: LoadedMonitor,
  { clients, rate }: Load,
): RunningLoad {
  const file = join(directory, 'report.sql');
  writeFileSync(file, script, { mode: 0o644 });
  const child = spawn(
    pgbench,
    [
      ...[
        '--no-vacuum',
        '--protocol',
        'prepared',
        '--file',
        file,
        '--define',
        'fresh=1',
        '--define',
        'lsn=1',
      ],
      ...['--client', String(clients), '--jobs', '1', '--time', String(LONG_SECONDS), '--progress', '1'],
      ...(rate === undefined ? [] : ['--rate', String(rate)]),
      ...['--host', address.host, '--port', String(address.port), '--username', address.user],
      'pg_auto_failover',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const perSecond: number[] = [];
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    for (const [, count] of text.matchAll(/^progress: .*? ([\d.]+) tps/gm)) perSecond.push(Number(count));
    said = (said + text).slice(-2000);
  });
  let failure: string | null = null;
  child.once('error', (error) => (failure = String(error)));
  child.once('close', () => (failure ??= said));
  return { perSecond, failure: () => failure, stop: () => child.kill() };
}
