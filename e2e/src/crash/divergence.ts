import { freezeAtRest } from '@pgaf/core/testing/freeze-at-rest';
import type { Member } from '@pgaf/testing/formation';
import { onNode } from '../connect-to.js';
import { childrenOf, postmasterPid } from './node-processes.js';

/**
 * Makes a primary write WAL that its standby does not get: its walsenders are frozen, and stay so until they are
 * killed. What is acknowledged without waiting for a standby is then here alone.
 */
export async function leaveUnsentWal(primary: Member): Promise<void> {
  await onNode(primary, async (client) => {
    await client.query('CREATE TABLE IF NOT EXISTS unsent (at timestamptz)');
    const senders = childrenOf(postmasterPid(primary) ?? 0).filter(({ title }) =>
      title.startsWith('postgres: walsender '),
    );
    await Promise.all(senders.map(({ pid }) => freezeAtRest(pid)));
    await client.query('SET synchronous_commit = local');
    await client.query('INSERT INTO unsent VALUES (now())');
  });
}
