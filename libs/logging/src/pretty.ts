import type { ErrorRecord } from './error-record.js';

/** One event, as it stands in the JSON line. */
export interface LogRecord {
  readonly time: number;
  readonly pid: number;
  readonly level: string;
  readonly msg: string;
  readonly error?: ErrorRecord;
  readonly [field: string]: unknown;
}

const OWN_FIELDS: ReadonlySet<string> = new Set(['time', 'pid', 'level', 'msg', 'error']);

function printValue(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? String(value);
}

function clock(time: number): string {
  const date = new Date(time);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

/** Where a failure was foreseen, its causes come without a stack, which stands in the JSON form. */
function causeLines(cause: ErrorRecord, outer: ErrorRecord): string[] {
  const { stack: _stack, ...plain } = cause;
  const [first, ...others] = errorLines(outer.stack === undefined ? plain : cause, outer.message);
  if (first === undefined) return [];
  return first.startsWith('caused by: ') ? [first, ...others] : [`caused by: ${first}`, ...others];
}

function errorLines(error: ErrorRecord, message: string): string[] {
  // A message that already quotes its error needs no second copy.
  const own = message.includes(error.message) ? [] : [error.message];
  const lines = error.stack === undefined ? own : error.stack.split('\n');
  if (error.lastLines) lines.push(...error.lastLines.trimEnd().split('\n'));
  if (error.cause !== undefined) {
    lines.push(...causeLines(error.cause, error));
  }
  if (error.hint !== undefined) lines.push(`hint: ${error.hint}`);
  return lines;
}

/** `14:57:16 992 INFO  message key=value`, what belongs to an error on indented lines below; ends in a line feed. */
export function printPretty(record: LogRecord): string {
  const head = `${clock(record.time)} ${record.pid} ${record.level.toUpperCase().padEnd(5)} `;
  const fields = Object.entries(record)
    .filter(([name, value]) => !OWN_FIELDS.has(name) && value !== undefined)
    .map(([name, value]) => ` ${name}=${printValue(value)}`);
  const [first = '', ...others] = record.msg.split('\n');
  const below = [...others, ...(record.error === undefined ? [] : errorLines(record.error, record.msg))];
  const indent = ' '.repeat(head.length);
  return [head + first + fields.join(''), ...below.map((line) => indent + line)].join('\n') + '\n';
}
