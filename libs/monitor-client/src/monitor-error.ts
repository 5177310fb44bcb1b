import { EXIT, PgafError } from '@pgaf/core/errors';
import pg from 'pg';

/**
 * admin_shutdown, crash_shutdown, cannot_connect_now, of which the last is also that of a monitor whose service does
 * not run.
 */
const NOT_UP: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03']);

/** Another session of the same node has reported since the last report of this one. */
const SUPERSEDED = 'PA004';

/** The monitor refused a call, or was lost during it. Exit 6. */
export class MonitorError extends PgafError {
  /** Five characters of Postgres; undefined when the connection failed rather than the statement. */
  readonly sqlstate: string | undefined;
  readonly detail: string | undefined;

  constructor(cause: unknown) {
    const refusal = cause instanceof pg.DatabaseError ? cause : undefined;
    const message = cause instanceof Error ? cause.message : String(cause);
    const hint = refusal ? refusal.hint : 'See the log of the monitor, and whether it can be reached.';
    super(refusal ? message : `The connection to the monitor is lost: ${message}`, {
      code: refusal ? 'monitor-refused' : 'monitor-lost',
      exit: EXIT.monitor,
      cause,
      mayMendItself: !refusal || NOT_UP.has(refusal.code ?? '') || refusal.code === SUPERSEDED,
      ...(hint ? { hint } : {}),
    });
    this.sqlstate = refusal?.code;
    this.detail = refusal?.detail || undefined;
  }
}

/** No connection any more, or none that can be used: the next call needs a new one. */
export function endsSession(cause: unknown): boolean {
  if (!(cause instanceof pg.DatabaseError)) return true;
  return cause.severity === 'FATAL' || cause.severity === 'PANIC' || cause.code === SUPERSEDED;
}
