import pino from 'pino';
import { errorRecord } from './error-record.js';
import { printPretty, type LogRecord } from './pretty.js';
import { redactText, redactValue } from './redact.js';
import { LOG_LEVELS, type LogLevel } from './verbosity.js';

export { levelOf, LOG_LEVELS, type LogLevel } from './verbosity.js';

/** What belongs to an event besides its sentence. `error` is printed with its causes and its hint. */
export interface LogFields {
  readonly error?: unknown;
  readonly [name: string]: unknown;
}

/** One sentence for each event; passwords of connection strings and values named like a password are hidden. */
export interface Logger {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds the fields to each event. */
  child(fields: LogFields): Logger;
}

export interface AdjustableLogger extends Logger {
  /** Of this logger and of those that were made from it. */
  setLevel(level: LogLevel): void;
}

export interface LineSink {
  write(line: string): unknown;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Absent: pretty when stderr is a terminal, JSON otherwise. */
  readonly format?: 'pretty' | 'json';
  /** Absent: stderr, written synchronously, so that the last line before an exit is there. */
  readonly destination?: LineSink;
}

function prepare(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) =>
        name === 'error' || value instanceof Error
          ? [name, errorRecord(value)]
          : [name, redactValue(name, value)],
      ),
  );
}

function prettySink(sink: LineSink): LineSink {
  return {
    write(line) {
      const record: LogRecord = JSON.parse(line);
      sink.write(printPretty(record));
    },
  };
}

/** Children have a level of their own in pino; here all of a family go by one. */
interface Threshold {
  level: LogLevel;
}

function wrap(inner: pino.Logger, threshold: Threshold): Logger {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(threshold.level)) return;
    inner[level](fields === undefined ? {} : prepare(fields), redactText(message));
  };
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(inner.child(prepare(fields)), threshold),
  };
}

/** A logger of this process. In process and synchronous: no worker, which a bundle and a dropped root right break. */
export function createLogger(options: LoggerOptions): AdjustableLogger {
  const sink: LineSink = options.destination ?? pino.destination({ fd: 2, sync: true });
  const format =
    options.format ?? (options.destination === undefined && process.stderr.isTTY ? 'pretty' : 'json');
  const threshold: Threshold = { level: options.level };
  const logger = wrap(
    pino(
      {
        level: 'trace',
        base: { pid: process.pid },
        formatters: { level: (label) => ({ level: label }) },
        // Ours are prepared already; pino's own for `err` would print what we hide.
        serializers: {},
      },
      format === 'pretty' ? prettySink(sink) : sink,
    ),
    threshold,
  );
  return { ...logger, setLevel: (level) => void (threshold.level = level) };
}
