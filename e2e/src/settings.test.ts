import { connect } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import { Formation } from '@pgaf/testing/formation';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { whileWriting } from './while-writing.js';

let formation: Formation;
beforeAll(async () => {
  formation = await Formation.create({ nodes: 3 });
}, 120_000);
afterAll(() => formation?.dispose());

async function pgaf(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await formation.onMonitor(args);
  expect(status, stderr).toBe(0);
  return stdout;
}

/** As the Postgres of the primary obeys it, and as the monitor says. */
async function namesInForce(): Promise<string> {
  const client = await connect(parseConnInfo(formation.uri), { connectTimeoutMs: 5000 });
  try {
    const { rows } = await client.query<{ names: string }>(
      `SELECT current_setting('synchronous_standby_names') AS names`,
    );
    const names = rows[0]?.names ?? '';
    expect(await pgaf('show', 'standby-names')).toBe(`'${names}'\n`);
    return names;
  } finally {
    await client.end();
  }
}

it('takes in priorities and quorum while clients write, and says when they are in force', async () => {
  expect(await namesInForce()).toBe('ANY 1 (pgautofailover_standby_2, pgautofailover_standby_3)');
  await whileWriting(formation, async () => {
    expect(await pgaf('set', 'node', 'candidate-priority', '70', '--name', 'node_3')).toBe('70\n');
    expect(await namesInForce()).toBe('ANY 1 (pgautofailover_standby_3, pgautofailover_standby_2)');
    await pgaf('set', 'formation', 'number-sync-standbys', '0');
    expect(await pgaf('set', 'node', 'replication-quorum', 'false', '--name', 'node_2')).toBe('false\n');
    expect(await namesInForce()).toBe('ANY 1 (pgautofailover_standby_3)');
  });
  await formation.waitUntilStable();
});

it('refuses what the quorum cannot carry, and nothing changes', async () => {
  const before = await pgaf('show', 'settings', '--json');
  const refused = await formation.onMonitor(['set', 'formation', 'number-sync-standbys', '1']);
  expect(refused.status).toBe(6);
  expect(refused.stderr).toContain('At least 2 standbys must take part in the replication quorum');
  expect(await pgaf('show', 'settings', '--json')).toBe(before);
});

it('hands over to the node that is named, whatever its priority', async () => {
  await whileWriting(formation, async () => {
    const table = await pgaf('perform', 'promotion', '--name', 'node_2');
    expect(table).toMatch(/node_2 \|.* primary \| +primary/);
  });
  await formation.waitUntilStable();
  const again = await formation.onMonitor(['perform', 'promotion', '--name', 'node_2']);
  expect(again).toMatchObject({ status: 0, stdout: '' });
});
