import { CitusClients, type Met } from 'e2e/citus/citus-clients';
import { damageOf, usesThere } from 'e2e/citus/citus-tables';
import { PATIENCE_MS, type CitusSystem } from '../systems/system.js';
import type { CitusEvent, CitusRun } from './citus-rows.js';
import { withClient } from './with-client.js';

/** Of each client, before what is measured and after it. */
const TIMES = 20;
/** More than any run needs. */
const IDS_OF_A_RUN = 100_000_000;
/** A client of a frozen host gives up by itself, after as long as it waits for a connection. */
const ANSWER_WITHIN_MS = 2000;

let runs = 0;

export async function citusRun(system: CitusSystem, { what, groups }: CitusEvent): Promise<CitusRun> {
  const impatient = what === 'frozen' ? { answerWithinMs: ANSWER_WITHIN_MS } : {};
  const clients = new CitusClients(system.uri, ++runs * IDS_OF_A_RUN, impatient);
  const targets = await Promise.all(groups.map((group) => system.primaryOf(group)));
  const usedBefore = await withClient(system.uri, usesThere);
  clients.start();
  try {
    await clients.untilAllGoOn(TIMES, PATIENCE_MS);
    clients.measureFromNow();
    if (what === 'switchover') for (const group of groups) await system.switchoverOf(group);
    else if (what === 'killed') await Promise.all(targets.map(({ host }) => host.killEverything()));
    else await Promise.all(targets.map(({ host }) => host.freeze()));
    await clients.untilAllGoOn(TIMES, PATIENCE_MS);
    for (const target of targets) {
      if (what === 'killed') await system.restart(target);
      else await target.host.thaw();
    }
    await system.waitUntilStable();
    await clients.untilAllGoOn(TIMES, PATIENCE_MS);
    if (what === 'switchover') await requireMoved(system, groups, targets);
    const met = await clients.stop();
    return {
      stall: met.stall / 1000,
      failures: met.failures.length,
      acknowledged: met.acknowledged.length,
      lost: await lostOf(system, met, usedBefore),
    };
  } finally {
    await Promise.all(targets.map(({ host }) => host.thaw()));
    await clients.stop();
  }
}

/** Rows and updates that were acknowledged, and transactions of which there is only a part. */
async function lostOf(system: CitusSystem, met: Met, usedBefore: number): Promise<number> {
  const uses = { sent: usedBefore + met.uses.sent, acknowledged: usedBefore + met.uses.acknowledged };
  const damage = await withClient(system.uri, (client) => damageOf(client, { ...met, uses }));
  return damage.rows.length + damage.halves.length + damage.updatesLost + damage.updatesTooMany;
}

/** @throws Error when a primary is where it was: that would be the shortest stall of all */
async function requireMoved(
  system: CitusSystem,
  groups: readonly number[],
  before: readonly { readonly port: number }[],
): Promise<void> {
  for (const [i, group] of groups.entries()) {
    if ((await system.primaryOf(group)).port === before[i]?.port)
      throw new Error(`the primary of group ${group} is where it was`);
  }
}
