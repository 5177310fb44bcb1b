import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import { checkHistory, longestOutage, type Attempt } from '@pgaf/testing/history';
import { Writer } from '@pgaf/testing/writer';
import { keepBusy } from './busy-primary.js';
import type { Run } from './measurement.js';
import type { Scenario } from './scenarios.js';
import { PATIENCE_MS, uriOf, type System, type SystemNode } from './systems/system.js';

const ROWS_BETWEEN = 50;
const UNDER_LOAD_MS = 1000;
/** As long as the client waits for a connection. */
const ANSWER_WITHIN_MS = 2000;

async function rowsLost(uri: string, history: readonly Attempt[], table: string): Promise<number> {
  const client = await connect(parseConnInfo(uri), { connectTimeoutMs: 2000 });
  try {
    const verdict = await checkHistory(client, history, table);
    await client.query(`DROP TABLE ${client.escapeIdentifier(table)}`);
    return verdict.lost.length;
  } finally {
    await client.end();
  }
}

async function bringBack({ network }: System, target: SystemNode): Promise<void> {
  await target.host.thaw();
  network?.heal();
}

/**
 * The longest time that a client saw no commit acknowledged, from the event until the system is stable again:
 * also a stall while the node comes back counts.
 */
export async function outageOf(system: System, scenario: Scenario, table: string): Promise<Run> {
  const uri = uriOf(system);
  const target = await system[scenario.target]();
  const rest = scenario.load === 'busy' ? await keepBusy(target) : () => undefined;
  const writer = new Writer({ uri, table, ...(scenario.impatient && { answerWithinMs: ANSWER_WITHIN_MS }) });
  try {
    await writer.start();
    if (scenario.load === 'busy') await pause(UNDER_LOAD_MS);
    await writer.untilWriting(ROWS_BETWEEN, PATIENCE_MS);
    const start = performance.now();
    await scenario.event(system, target);
    await writer.untilWriting(ROWS_BETWEEN, PATIENCE_MS);
    if (scenario.mended !== 'new') {
      if (scenario.mended === 'restart') await system.restart(target);
      if (scenario.mended === 'back') await bringBack(system, target);
      await system.waitUntilStable();
      await writer.untilWriting(ROWS_BETWEEN, PATIENCE_MS);
    }
    const history = await writer.stop();
    return {
      value: longestOutage(history, start - 100).ms / 1000,
      acknowledged: history.filter((attempt) => attempt.outcome === 'acknowledged').length,
      lost: await rowsLost(uri, history, table),
    };
  } finally {
    rest();
    if (scenario.mended === 'back') await bringBack(system, target);
    await writer.stop();
  }
}
