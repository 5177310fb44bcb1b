import { parseConnInfo, type ConnInfo } from '@pgaf/conninfo/conninfo';
import { connect } from '@pgaf/conninfo/connect';
import { EXIT, PgafError, UserError } from '@pgaf/core/errors';
import type { Logger } from '@pgaf/logging/logger';
import { refuseNewerSchema, warnOfNewerSchema, type AppliedMigration } from '@pgaf/monitor/newer-schema';
import { MONITOR_DATABASE } from './monitor-conninfo.js';

/** A connection of a command to the monitor: one that is lost is not made again. */
export interface CommandSession {
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Calls back with the payload of each notification. */
  listen(channel: string, onPayload: (payload: string) => void): Promise<void>;
  /** Calls back once the monitor has ended the session: nothing is heard any more. */
  onLost(listener: () => void): void;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 2000;

/**
 * @param log Told of what the monitor has to say besides its answers, and of a schema that is newer than this program
 *   and that it can work with.
 * @throws PgafError `cannot-connect`, UserError `not-a-monitor`, both exit 6; UserError `schema-too-new`, exit 14.
 */
export async function openMonitor(
  monitor: { readonly conninfo: string } | ConnInfo,
  log?: Pick<Logger, 'warn'>,
): Promise<CommandSession> {
  const conninfo = 'conninfo' in monitor ? parseConnInfo(monitor.conninfo) : monitor;
  const client = await connect(conninfo, {
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    applicationName: 'pgaf command',
    what: 'the monitor',
    exit: EXIT.monitor,
  });
  client.on('notice', ({ message }) => log?.warn(message ?? ''));
  const session: CommandSession = {
    async query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
      try {
        return (await client.query(text, [...values])).rows as Row[];
      } catch (error) {
        throw fromServer(error, conninfo);
      }
    },
    async listen(channel, onPayload) {
      client.on('notification', (message) => {
        if (message.channel === channel && message.payload !== undefined) onPayload(message.payload);
      });
      await client.query(`LISTEN ${channel}`);
    },
    onLost(listener) {
      client.once('end', listener);
    },
    close: () => client.end(),
  };
  try {
    const applied = await session.query<AppliedMigration>(
      'SELECT version, name, breaking FROM pgautofailover.schema_version ORDER BY version',
    );
    refuseNewerSchema(applied);
    const warning = warnOfNewerSchema(applied);
    if (warning !== null) log?.warn(warning);
  } catch (error) {
    await session.close();
    throw error;
  }
  return session;
}

/** undefined_table, undefined_function, invalid_schema_name: what a monitor has is not there. */
const NO_MONITOR: ReadonlySet<string> = new Set(['42P01', '42883', '3F000']);

/** admin_shutdown, crash_shutdown, cannot_connect_now: the monitor restarts, or its service does. */
const NOT_UP: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03']);

/** A Postgres that is none; or not yet, when somebody has made the database already. */
function notAMonitor({ dbname }: ConnInfo, cause: unknown): UserError {
  const mayBecomeOne = dbname === MONITOR_DATABASE;
  return new UserError(
    mayBecomeOne
      ? 'That database has no schema of a monitor yet.'
      : 'That database is not the one of a monitor.',
    {
      code: 'not-a-monitor',
      exit: EXIT.monitor,
      hint: mayBecomeOne
        ? 'The service of the monitor makes it: run `pgaf run` there, and see its log.'
        : 'Take the connection string that `pgaf show uri --formation monitor` prints on the monitor.',
      cause,
      mayMendItself: mayBecomeOne,
    },
  );
}

/** The monitor has no node, group or formation of the name that it was given. */
const UNDEFINED_OBJECT = '42704';

/** What the server said, with its hint. */
function fromServer(error: unknown, conninfo: ConnInfo): PgafError {
  const { message, detail, hint, code } = error as {
    message: string;
    detail?: string;
    hint?: string;
    code?: string;
  };
  if (NO_MONITOR.has(code ?? '') && message.includes('pgautofailover')) return notAMonitor(conninfo, error);
  return new PgafError(
    `The monitor answers: ${[message, detail ?? ''].map(withoutStop).filter(Boolean).join('. ')}.`,
    {
      code: code ?? 'monitor-lost',
      exit: code === UNDEFINED_OBJECT ? EXIT.badArguments : EXIT.monitor,
      hint: hint || 'See `pgaf show state` and the log of the monitor.',
      // Without a code it is the connection that was lost.
      mayMendItself: code === undefined || NOT_UP.has(code),
    },
  );
}

function withoutStop(sentence: string): string {
  return sentence.trim().replace(/\.$/, '');
}
