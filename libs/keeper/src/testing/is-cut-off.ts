import type { TestNode } from './test-nodes.js';

/** It waits for more WAL, and no walreceiver is to come. */
export async function isCutOff({ sql }: TestNode): Promise<boolean> {
  const [row] = await sql
    .query<{ done: boolean }>(
      `SELECT pg_is_in_recovery() AND current_setting('primary_conninfo') = '' AND EXISTS (
         SELECT FROM pg_stat_activity WHERE backend_type = 'startup'
           AND wait_event IN ('RecoveryRetrieveRetryInterval', 'RecoveryWalStream')) AS done`,
    )
    .catch(() => []);
  return row?.done === true;
}
