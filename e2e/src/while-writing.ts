import type { Formation } from '@pgaf/testing/formation';
import { checkHistory, longestOutage, type Outage, type Verdict } from '@pgaf/testing/history';
import { Writer, type WriterOptions } from '@pgaf/testing/writer';
import { expect } from 'vitest';
import { onPrimary } from './connect-to.js';

let tables = 0;

/**
 * Runs a scenario while a client writes into a table of its own; afterwards every acknowledged row must be
 * there exactly once, and the formation stable.
 */
export async function whileWriting(
  formation: Formation,
  scenario: (writer: Writer) => Promise<void>,
  options: Pick<WriterOptions, 'answerWithinMs'> = {},
): Promise<{ outage: Outage; verdict: Verdict }> {
  const table = `written_${++tables}`;
  const writer = new Writer({ uri: formation.uri, table, ...options });
  try {
    await writer.start();
    await writer.untilWriting();
    const start = performance.now();
    await scenario(writer);
    await formation.waitUntilReported();
    await formation.waitUntilStable();
    await writer.untilWriting();
    const history = await writer.stop();
    const verdict = await onPrimary(formation, (client) => checkHistory(client, history, table));
    const report = await formation.describe();
    expect(verdict.lost, report).toEqual([]);
    expect(verdict.duplicated, report).toEqual([]);
    expect(verdict.foreign, report).toEqual([]);
    expect(verdict.acknowledged).toBeGreaterThan(0);
    return { outage: longestOutage(history, start - 100), verdict };
  } finally {
    await writer.stop();
  }
}
