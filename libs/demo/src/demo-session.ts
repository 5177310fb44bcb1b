import { type ConnInfo } from '@pgaf/conninfo/conninfo';
import { connect } from '@pgaf/conninfo/connect';
import type { Milliseconds } from '@pgaf/core/durations';

/** For each host of the formation's connection string; one of its own wins. */
const CONNECT_TIMEOUT: Milliseconds = 2000;

/** The application's connection to the formation, made anew for each piece of work. */
export type DemoSession = Awaited<ReturnType<typeof connect>>;

/** @throws CannotConnectError */
export function openSession(target: ConnInfo, signal?: AbortSignal): Promise<DemoSession> {
  return connect(target, {
    connectTimeoutMs: CONNECT_TIMEOUT,
    applicationName: 'pgaf demo',
    what: 'the formation',
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Does work on a session of its own. */
export async function withSession<T>(
  target: ConnInfo,
  work: (session: DemoSession) => Promise<T>,
): Promise<T> {
  const session = await openSession(target);
  try {
    return await work(session);
  } finally {
    await session.end();
  }
}
