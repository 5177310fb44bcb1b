import { connect } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import { Formation } from '@pgaf/testing/formation';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { shownTimeline } from './shown-timeline.js';

let formation: Formation;
beforeAll(async () => {
  formation = await Formation.create({ nodes: 2 });
}, 120_000);
afterAll(() => formation?.dispose());

async function on(number: number, statement: string): Promise<unknown> {
  const { host, port } = formation.node(number);
  const client = await connect(parseConnInfo(`postgres://postgres@${host.address}:${port}/postgres`), {
    connectTimeoutMs: 5000,
  });
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

const timeline = () => shownTimeline(formation);

/** Its keeper may stop it before the answer. */
async function promoteByHand(number: number): Promise<void> {
  await on(number, 'SELECT pg_promote()').catch((error: unknown) =>
    expect(error).toMatchObject({ message: expect.stringMatching(/terminat/) }),
  );
}

/** What a node is on is what it has reported last. */
async function untilAllAreOnTheLineage(): Promise<void> {
  await formation.wait('each node to be on the accepted lineage', async () =>
    (await timeline()).nodes.every((node) => node.on_accepted_lineage),
  );
}

it('shows where each node stands', async () => {
  const { stdout } = await formation.onMonitor(['show', 'timeline']);
  expect(stdout).toMatch(/Epoch \| +TLI \| Parent \| Switch Point\n/);
  expect(stdout).toMatch(
    /node_1 \| +1 \| +1 \| +0\/[0-9A-F]+ \| ok\n +node_2 \| +2 \| +1 \| +0\/[0-9A-F]+ \| ok\n/,
  );
  const beside = await formation.onMonitor(['accept', 'timeline', '--tli', '7']);
  expect(beside.status).toBe(6);
  expect(beside.stderr).toContain('no node of group 0 is on timeline 7');
});

it('rewinds a standby that was promoted by hand', async () => {
  await promoteByHand(2);
  await formation.wait('the standby to follow again', async () => {
    const rows = (await on(2, 'SELECT pg_is_in_recovery() AS standby').catch(() => [])) as {
      standby: boolean;
    }[];
    return rows[0]?.standby;
  });
  await formation.waitUntilStable();
  await untilAllAreOnTheLineage();
});

it('leaves it to a person which branch is real while the primary is lost', async () => {
  const asynchronous = ['set', 'node', 'replication-quorum', 'false', '--name'];
  for (const name of ['node_1', 'node_2']) {
    expect(await formation.onMonitor([...asynchronous, name])).toMatchObject({ status: 0 });
  }
  await formation.node(1).host.killEverything();
  await promoteByHand(2);
  // Its own setting may ask for a standby, which is not there.
  await on(2, 'SET synchronous_commit = local; CREATE TABLE branch AS SELECT 1 AS i');
  const tli = await formation.wait('the fork to be seen', async () => {
    const fork = (await timeline()).nodes.find((node) => !node.on_accepted_lineage);
    return fork?.node_name === 'node_2' && fork.tli;
  });
  const { stdout, stderr } = await formation.onMonitor(['show', 'timeline']);
  expect(stdout).toContain(`fork: timeline ${tli} is none of the group's`);
  expect(stderr).toContain(`pgaf accept timeline --tli ${tli}`);
  await formation.wait('an order that is taken', async () => {
    const accepted = await formation.onMonitor([
      'accept',
      'timeline',
      '--tli',
      String(tli),
      '--reason',
      'Ada, node_1 burns',
    ]);
    return accepted.status === 0;
  });
  await formation.waitForState('node_2', 'wait_primary');
  expect(await on(2, 'TABLE branch')).toEqual([{ i: 1 }]);
  const [event] = await formation.probe.query<{ description: string }>(
    `SELECT description FROM pgautofailover.event WHERE rule = 'operator.timeline' LIMIT 1`,
  );
  expect(event?.description).toBe(`Ada, node_1 burns accepted timeline ${tli} as the real one`);

  await formation.restart(formation.node(1));
  await formation.waitUntilStable();
  expect((await formation.primary()).host.name).toBe('node_2');
  await formation.wait('the branch on both', async () =>
    on(1, 'TABLE branch').then(
      () => true,
      () => false,
    ),
  );
  await untilAllAreOnTheLineage();
});
