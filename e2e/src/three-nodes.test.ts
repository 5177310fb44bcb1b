import { Formation, type Member } from '@pgaf/testing/formation';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { onNode } from './connect-to.js';
import { holdUp } from './hold-up.js';
import { whileWriting } from './while-writing.js';
import { shownTimeline } from './shown-timeline.js';

let formation: Formation;
beforeAll(async () => {
  formation = await Formation.create({ nodes: 3 });
});
afterAll(() => formation?.dispose());

async function standbys(): Promise<Member[]> {
  const primary = await formation.primary();
  return formation.nodes.filter((node) => node !== primary);
}

it('waits for one of two standbys, named in order', async () => {
  const [row] = await formation.probe.query<{ names: string }>(
    'SELECT pgautofailover.synchronous_standby_names() AS names',
  );
  expect(row?.names).toBe('ANY 1 (pgautofailover_standby_2, pgautofailover_standby_3)');
});

it('switches over, and the other standby follows without a restart', async () => {
  const before = await formation.primary();
  const { outage } = await whileWriting(formation, async () => {
    const switchover = await formation.onMonitor(['perform', 'switchover']);
    expect(switchover.status, switchover.stderr + switchover.stdout).toBe(0);
    await formation.waitUntilStable();
  });
  expect(await formation.primary()).not.toBe(before);
  // Its budget is the benchmark's; this machine may be busy.
  expect(outage.ms).toBeLessThan(5000);
});

it('switches over without waiting for a standby that receives nothing, which follows later', async () => {
  const before = await formation.primary();
  const [target, late] = await standbys();
  if (!target || !late) throw new Error('no standbys');
  await whileWriting(formation, async (writer) => {
    const letGo = await holdUp([late]);
    const promotion = await formation.onMonitor(['perform', 'promotion', '--name', target.host.name]);
    letGo();
    expect(promotion.status, promotion.stderr + promotion.stdout).toBe(0);
    await writer.untilWriting();
    await formation.waitUntilStable();
  });
  const stop = (await before.host.logTail(500)).split('received fast shutdown request').at(-1);
  expect(stop).toContain('database system is shut down');
  expect(stop).not.toContain('replication timeout');
});

it('promotes another node when every process of the primary is killed, and takes the old one back', async () => {
  const primary = await formation.primary();
  await whileWriting(formation, async (writer) => {
    await primary.host.killEverything();
    await writer.untilWriting();
    await formation.restart(primary);
    await formation.waitUntilStable();
  });
  expect(await formation.primary()).not.toBe(primary);
});

it('goes on while one standby is away, and takes no epoch from it', async () => {
  const primary = await formation.primary();
  const [lost] = await standbys();
  if (!lost) throw new Error('no standby');
  await whileWriting(formation, async (writer) => {
    await lost.host.killEverything();
    await writer.untilWriting();
    await formation.restart(lost);
    await formation.waitUntilStable();
  });
  expect(await formation.primary()).toBe(primary);
});

it('loses nothing when the primary and a standby are killed at once, and goes on when one of them is back', async () => {
  const primary = await formation.primary();
  const [lost] = await standbys();
  if (!lost) throw new Error('no standby');
  await whileWriting(formation, async (writer) => {
    await Promise.all([primary.host.killEverything(), lost.host.killEverything()]);
    await formation.restart(lost);
    await writer.untilWriting();
    await formation.restart(primary);
    await formation.waitUntilStable();
  });
  expect(await formation.primary()).not.toBe(primary);
});

it('goes on with the old primary when that is the first one back', async () => {
  const primary = await formation.primary();
  const [lost] = await standbys();
  if (!lost) throw new Error('no standby');
  await whileWriting(formation, async (writer) => {
    await Promise.all([primary.host.killEverything(), lost.host.killEverything()]);
    await formation.restart(primary);
    await writer.untilWriting();
    await formation.restart(lost);
    await formation.waitUntilStable();
  });
});

const timeline = () => shownTimeline(formation);

it('shows the timelines of all three, also of one that was lost with WAL of its own, until it is rewound', async () => {
  await formation.waitUntilStable();
  const before = await timeline();
  const lost = await formation.primary();
  const letGo = await holdUp(await standbys());
  const alone = await onNode(lost, async (client) => {
    await client.query('SET synchronous_commit = local');
    await client.query('CREATE TABLE alone AS SELECT generate_series(1, 1000) AS i');
    const { rows } = await client.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn');
    return rows[0]?.lsn;
  });
  await formation.wait('the monitor to know how far the primary is', async () => {
    const [row] = await formation.probe.query(
      'SELECT FROM pgautofailover.node WHERE nodename = $1 AND reportedlsn >= $2',
      [lost.host.name, alone],
    );
    return row !== undefined;
  });
  await lost.host.killEverything();
  letGo();
  const forked = await formation.wait('another timeline, which the lost node is not on', async () => {
    const shown = await timeline();
    return (
      shown.nodes.every((node) => node.on_accepted_lineage === (node.node_name !== lost.host.name)) && shown
    );
  });
  expect(forked.history.length).toBe(before.history.length + 1);
  expect(forked.history.at(-1)).toMatchObject({ parent_tli: before.history.at(-1)?.tli });
  const { stdout } = await formation.onMonitor(['show', 'timeline']);
  expect(stdout).toMatch(
    new RegExp(`${lost.host.name} \\|.*fork: it has WAL that timeline \\d+ does not have`),
  );

  await formation.restart(lost);
  await formation.waitUntilStable();
  await formation.wait('all on one timeline', async () => {
    const { nodes, history } = await timeline();
    return nodes.every((node) => node.on_accepted_lineage && node.tli === history.at(-1)?.tli);
  });
});
