import type { Milliseconds } from '@pgaf/core/durations';
import { isAsleep, parentOf } from './processes.js';
import type { LocalClient, Row } from './query.js';
import { until } from './until.js';

// A receiver that is not connected yet has no row in pg_stat_wal_receiver, but is a process.
const LOOK = `
SELECT current_setting('primary_conninfo') = '' AS told,
       max(pid) FILTER (WHERE backend_type = 'startup') AS startup,
       bool_or(backend_type = 'startup' AND wait_event = 'RecoveryRetrieveRetryInterval') AS idle,
       bool_or(backend_type = 'walreceiver') OR EXISTS (SELECT FROM pg_stat_wal_receiver) AS receives
  FROM pg_stat_activity`;

interface Look extends Row {
  readonly told: boolean;
  readonly startup: number | null;
  readonly idle: boolean;
  readonly receives: boolean;
}

const LOOK_EVERY: Milliseconds = 3;
/** Where the startup process is told, and busy, as with a long record that it replays. */
const NONE_FOR: Milliseconds = 30;
/** Where nothing is proved at all. */
const NONE_FOR_LONG: Milliseconds = 300;

/**
 * Waits, after primary_conninfo was emptied and a reload asked for, until there is no walreceiver, and none to come.
 *
 * That is proved, in this order (xlogrecovery.c, postmaster.c):
 * 1. This session sees the empty one, so the postmaster is about to tell its children, and does nothing else before it
 *    has told all of them: once it is seen asleep, the startup process is told, too.
 * 2. The startup process is seen between two attempts to get WAL. It ended what receiver it had before, and takes in what
 *    it was told before it asks for another, which it does for no empty primary_conninfo.
 *
 * Where the startup process has WAL to replay, it ends a receiver that was just being started when it is through with a
 * record; then none for some time is what there is to go by.
 */
export async function awaitNoWalReceiver(client: LocalClient, signal?: AbortSignal): Promise<void> {
  let isTold = false;
  let noneSince = Infinity;
  await until(
    async () => {
      const [look] = await client.query<Look>(LOOK);
      if (!look) return undefined;
      const now = performance.now();
      noneSince = look.receives ? Infinity : Math.min(noneSince, now);
      if (isTold && look.idle && !look.receives) return true;
      // One that was opened has no startup process, and gets no receiver.
      isTold ||= look.told && (look.startup === null || hasToldAll(look.startup));
      return now - noneSince >= (isTold ? NONE_FOR : NONE_FOR_LONG) ? true : undefined;
    },
    { everyMs: LOOK_EVERY, signal },
  );
}

function hasToldAll(startup: number): boolean {
  const postmaster = parentOf(startup);
  return postmaster !== null && isAsleep(postmaster);
}
