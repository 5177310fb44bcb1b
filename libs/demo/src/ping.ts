import type { ConnInfo } from '@pgaf/conninfo/conninfo';
import type { Milliseconds } from '@pgaf/core/durations';
import { withSession } from './demo-session.js';

/** The server that a connection came to. */
export interface Pong {
  readonly host: string;
  readonly port: number;
  readonly recovery: boolean;
  readonly took: Milliseconds;
}

/** Connects once, as the application does. @throws CannotConnectError */
export async function ping(target: ConnInfo): Promise<Pong> {
  const began = performance.now();
  return withSession(target, async (session) => {
    const took = performance.now() - began;
    const { rows } = await session.query<{ recovery: boolean }>(
      'SELECT pg_catalog.pg_is_in_recovery() AS recovery',
    );
    const { host, port } = session;
    return { host, port, recovery: rows[0]?.recovery ?? false, took };
  });
}
