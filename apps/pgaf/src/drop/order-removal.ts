import { setTimeout as sleep } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import { PgafError } from '@pgaf/core/errors';
import type { Logger } from '@pgaf/logging/logger';
import type { CommandSession } from '../command-session.js';

export interface RemovalOrder {
  /** The node is forgotten without being asked. */
  readonly force: boolean;
  /** For how long an order that cannot be carried out yet is tried again; 0 gives up at once. */
  readonly wait: Milliseconds;
}

/** object_in_use: the group is on its way to where the monitor would carry the order out. */
const NOT_YET = '55006';

/** Each try is a line of the audit log. */
const PAUSE: Milliseconds = 1000;

/** What takes no longer needs no word. */
const PATIENCE: Milliseconds = 5000;

/**
 * Orders that the node goes. Of nodes that are dropped in turn, the next is the primary while the others still go over
 * to it: the order waits until one of them can take over.
 *
 * @throws PgafError with the SQLSTATE of the monitor as its code, exit 6; `55006` once `wait` is over.
 */
export async function orderRemoval(
  session: CommandSession,
  id: number,
  { force, wait }: RemovalOrder,
  log: Logger,
): Promise<void> {
  const began = performance.now();
  let told = false;
  for (;;) {
    try {
      await session.query('SELECT pgautofailover.remove_node($1::bigint, $2::bool)', [id, force]);
      return;
    } catch (error) {
      const waited = performance.now() - began;
      if (!(error instanceof PgafError && error.code === NOT_YET) || waited >= wait) throw error;
      log.debug(error.message);
      if (!told && waited >= PATIENCE) {
        log.info(`Waiting up to ${wait / 1000} s: ${error.message}`);
        told = true;
      }
    }
    await sleep(PAUSE);
  }
}
