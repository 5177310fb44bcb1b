import { done, type Outcome } from '@pgaf/core/result';
import { advanceSlots, dropInactiveSlots, ensureSlots } from '@pgaf/postgres/slots';
import { putHbaInForce } from './hba.js';
import type { StepContext } from './step-context.js';

/** A slot for each other node, and a way in; on a standby the slots move on with their nodes. */
export async function maintainSlots({ situation }: StepContext): Promise<Outcome> {
  const { instance } = situation;
  const peers = situation.peers();
  const key = situation.peersKey();
  if (situation.dropSlotsFirst) await dropInactiveSlots(instance.sql);
  situation.dropSlotsFirst = false;
  const { inUse } = await ensureSlots(
    instance.sql,
    peers.map((peer) => peer.id),
  );
  if (situation.observation?.inRecovery) {
    await advanceSlots(
      instance.sql,
      peers.map((peer) => ({ nodeId: peer.id, lsn: peer.lsn })),
    );
  }
  if (!situation.hbaHolds()) await putHbaInForce(situation);
  situation.slotsFor = key;
  situation.slotsLeft = inUse.length > 0;
  situation.slotsAt = performance.now();
  return done;
}
