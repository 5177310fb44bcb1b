import type { Client } from 'pg';
import type { SessionFacts } from './session-attrs.js';

/**
 * Reads on what kind of server a client is. Since Postgres 14 each says so in the course of the connection, as libpq
 * knows; earlier ones are asked. Where many wait for a primary, that is one statement less of each attempt.
 * @param client Not connected yet, so that nothing is missed.
 */
export function readSessionFacts(client: Client): () => Promise<SessionFacts> {
  const reported: Record<string, string> = {};
  const note = ({
    parameterName,
    parameterValue,
  }: {
    parameterName: string;
    parameterValue: string;
  }): void => {
    reported[parameterName] = parameterValue;
  };
  client.connection.on('parameterStatus', note);
  return async () => {
    client.connection.off('parameterStatus', note);
    const inRecovery = reported['in_hot_standby'];
    const readOnly = reported['default_transaction_read_only'];
    if (inRecovery === undefined || readOnly === undefined) return askForFacts(client);
    return { inRecovery: inRecovery === 'on', readOnly: inRecovery === 'on' || readOnly === 'on' };
  };
}

async function askForFacts(client: Client): Promise<SessionFacts> {
  const { rows } = await client.query<SessionFacts>(
    `SELECT pg_catalog.pg_is_in_recovery() AS "inRecovery",
            pg_catalog.current_setting('transaction_read_only') = 'on' AS "readOnly"`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('the server did not say whether it is a standby');
  return row;
}
