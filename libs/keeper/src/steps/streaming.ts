import { done, retry, type Outcome } from '@pgaf/core/result';
import { standstillOf } from '../standstill.js';
import type { StepContext } from './step-context.js';

/** Wait until this standby is on the leader's timeline and streams; mend it where it never can. */
export async function awaitStreaming({ situation, signal }: StepContext): Promise<Outcome> {
  const leader = situation.leader();
  if (!leader) return retry('the group has no primary to follow');
  const standstill = standstillOf(situation);
  if (standstill !== null) {
    // Its start mends that.
    await situation.instance.stop({ mode: 'fast', signal });
    return retry(
      standstill === 'wal-gone'
        ? `node ${leader.id} "${leader.name}" no longer has the WAL that is needed`
        : `node ${leader.id} "${leader.name}" does not have the timelines that are here`,
    );
  }
  const seen = await situation.instance.observe();
  if (!seen) return retry('Postgres does not answer');
  if (!seen.inRecovery) return retry('Postgres is not in recovery');
  if (seen.walReceiver?.status !== 'streaming')
    return retry(`no stream from node ${leader.id} "${leader.name}" yet`);
  if (seen.timeline < leader.tli)
    return retry(`on timeline ${seen.timeline}, the primary is on ${leader.tli}`);
  return done;
}
