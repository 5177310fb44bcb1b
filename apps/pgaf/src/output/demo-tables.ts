import type { Bucket, ClientTimes, Measurements } from '@pgaf/demo/measurements';
import { formatTable, widthsOf, type Column } from './text-table.js';

const CLIENTS: readonly Column[] = [
  { title: 'Client' },
  { title: 'Connections' },
  { title: 'Retries' },
  { title: 'Min Connect Time (ms)' },
  { title: 'max' },
  { title: 'p95' },
  { title: 'p99' },
];

const BUCKETS: readonly Column[] = [{ title: 'Min Connect Time (ms)' }, { title: 'max' }, { title: 'freq' }];

/** Of an output that is no terminal. */
const WIDTH = 100;
const SEPARATOR = ' | '.length;
const SHORTEST_BAR = 10;
const MARK = '▒';

/** The tables of `demo summary`: a row for each client, and a histogram of how long connecting took. */
export function demoTables({ clients, histogram }: Measurements, width: number = WIDTH): string {
  return `${formatTable(CLIENTS, clients.map(clientRow))}${histogramTable(histogram, width)}`;
}

function clientRow({ client, connections, retries, min, max, p95, p99 }: ClientTimes): string[] {
  const who = client === null ? 'All' : String(client);
  return [who, String(connections), String(retries), ...[min, max, p95, p99].map(inMs)];
}

/** The longest bar takes what is left of the line. */
function histogramTable(buckets: readonly Bucket[], width: number): string {
  const rows = buckets.map(({ min, max, frequency }) => [inMs(min), inMs(max), String(frequency)]);
  const taken = widthsOf(BUCKETS, rows).reduce((sum, one) => sum + one + SEPARATOR, 0);
  const room = Math.max(SHORTEST_BAR, width - taken);
  const most = Math.max(1, ...buckets.map(({ frequency }) => frequency));
  const bars = buckets.map(({ frequency }) => MARK.repeat(Math.round((frequency / most) * room)));
  const columns: readonly Column[] = [...BUCKETS, { title: 'bar', width: room, left: true }];
  return formatTable(
    columns,
    rows.map((row, index) => [...row, bars[index] ?? '']),
  );
}

function inMs(ms: number): string {
  return ms.toFixed(3);
}
