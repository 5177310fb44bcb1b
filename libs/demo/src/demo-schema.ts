import type { ConnInfo } from '@pgaf/conninfo/conninfo';
import { EXIT, UserError } from '@pgaf/core/errors';
import type { Logger } from '@pgaf/logging/logger';
import { withSession, type DemoSession } from './demo-session.js';

/** The key lets a client write a row again whose commit it has not heard of. */
const STATEMENTS = [
  'drop schema if exists demo cascade',
  'create schema demo',
  'create table demo.tracking(ts timestamptz default now(), client integer, loop integer, retries integer, us bigint, recovery bool, primary key (client, loop))',
  'create table demo.client(client integer primary key, pid integer, retry_sleep_ms integer, retry_cap_ms integer, failover_count integer)',
] as const;

/** What a schema of that name has that no demonstration has put there. */
const FOREIGN = `
SELECT relname AS name FROM pg_catalog.pg_class
 WHERE relnamespace = to_regnamespace('demo') AND relkind NOT IN ('i', 't')
   AND relname NOT IN ('tracking', 'client')
UNION SELECT proname FROM pg_catalog.pg_proc WHERE pronamespace = to_regnamespace('demo')
ORDER BY name LIMIT 3`;

/**
 * Makes the schema `demo`, in place of the one of an earlier demonstration.
 * @throws UserError `not-the-demo` when somebody else has a schema of that name, or may not make one.
 */
export async function prepareSchema(target: ConnInfo, log: Logger): Promise<void> {
  await withSession(target, async (session) => {
    await requireOurs(session);
    session.on('notice', ({ message }) => log.debug(`${message}`));
    for (const statement of STATEMENTS) {
      log.info(`Preparing demo schema: ${statement}`);
      await session.query(statement).catch((cause: unknown) => {
        throw isRefused(cause) ? mayNotMake(cause) : cause;
      });
    }
  });
}

async function requireOurs(session: DemoSession): Promise<void> {
  const { rows } = await session.query<{ name: string }>(FOREIGN);
  if (rows.length === 0) return;
  const names = rows.map(({ name }) => `"${name}"`).join(', ');
  throw new UserError(`The schema "demo" has what is not of the demonstration: ${names}.`, {
    code: 'not-the-demo',
    exit: EXIT.pgsql,
    hint: 'The demonstration would drop that schema: rename yours, or let the demonstration have another database.',
  });
}

/** insufficient_privilege */
function isRefused(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === '42501';
}

function mayNotMake(cause: Error): UserError {
  return new UserError(`The schema "demo" cannot be made: ${cause.message}.`, {
    code: 'not-the-demo',
    exit: EXIT.pgsql,
    hint: 'Give --username a role that may create a schema in that database and drop the one of the last demonstration.',
    cause,
  });
}
