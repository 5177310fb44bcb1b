import { until } from '@pgaf/testing/deadline';
import type { Formation, Member } from '@pgaf/testing/formation';
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeepRunning } from '../keep-running.js';
import {
  layOutCitus,
  onCitusNode,
  onCoordinator,
  primaryOfGroup,
  standbyOfGroup,
  startCitusPairs,
} from './citus-formation.js';
import { makeTables } from './citus-tables.js';
import { citusVersion } from './real-citus.js';

const version = await citusVersion();
/** A keeper looks every 10 s, if nothing happens that calls for it. */
const DECIDED_WITHIN = 30_000;
const SEEN_WITHIN = 60_000;

describe.skipIf(version === null)('a transaction of several nodes', () => {
  let formation: Formation;
  let services: KeepRunning;
  beforeAll(async () => {
    formation = await layOutCitus(1);
    await startCitusPairs(formation);
    await onCoordinator(formation, makeTables);
    services = new KeepRunning(formation);
  });
  afterAll(async () => {
    services?.end();
    await formation?.dispose();
  });

  const seen = () => formation.describe();
  const gids = (member: Member) =>
    onCitusNode(member, async (client) => {
      const { rows } = await client.query<{ gid: string }>('SELECT gid FROM pg_prepared_xacts ORDER BY gid');
      return rows.map(({ gid }) => gid);
    });

  it('that is left prepared is decided while the monitor is away, and nothing else is', async () => {
    const [coordinator, worker] = [await primaryOfGroup(formation, 0), await primaryOfGroup(formation, 1)];
    const gid = (group: number, number: number) => `citus_${group}_4242_${900_000_000 + number}_1`;
    const ofNobody = 'somebody’s own';
    // By whom it began, where its other part is, and what became of it where it began.
    const left = [
      { gid: gid(0, 1), began: coordinator, other: worker, group: 1, committed: true },
      { gid: gid(0, 2), began: coordinator, other: worker, group: 1, committed: false },
      { gid: gid(1, 3), began: worker, other: coordinator, group: 0, committed: true },
      { gid: gid(1, 4), began: worker, other: coordinator, group: 0, committed: false },
    ];
    // Nobody decides before the monitor is gone: that takes this table.
    const holders = await Promise.all([coordinator, worker].map(holdDecisions));
    for (const { gid: name, other } of left)
      await prepare(other, name, [`SET LOCAL citus.enable_ddl_propagation = off`, `CREATE TABLE ${name} ()`]);
    await prepare(worker, ofNobody, ['SELECT txid_current()']);
    for (const [i, began] of [coordinator, worker].entries())
      for (const one of left.filter((each) => each.began === began && each.committed))
        await holders[i]?.client.query('INSERT INTO pg_dist_transaction VALUES ($1, $2)', [
          one.group,
          one.gid,
        ]);
    await services.takeDown(formation.monitor);
    const begun = performance.now();
    for (const holder of holders) await holder.letGo();

    await until({ what: 'all to be decided', deadlineMs: DECIDED_WITHIN, seen }, async () => {
      const there = [...(await gids(coordinator)), ...(await gids(worker))];
      return there.every((name) => name === ofNobody);
    });
    console.log(`Decided after ${Math.round(performance.now() - begun)} ms without the monitor`);
    for (const { gid: name, other, committed } of left) {
      const made = await onCitusNode(other, (client) =>
        client.query('SELECT FROM pg_class WHERE relname = $1', [name]),
      );
      expect(made.rowCount, name).toBe(committed ? 1 : 0);
    }
    expect(await gids(worker)).toEqual([ofNobody]);
    await onCitusNode(worker, (client) => client.query(`ROLLBACK PREPARED '${ofNobody}'`));
    services.bringUp(formation.monitor);
    await formation.waitForMonitor();
    await formation.waitUntilReported();
    await formation.waitUntilStable();
  }, 180_000);

  it('is there on all when a worker is lost while its COMMIT is under way', async () => {
    const [worker, standby] = [await primaryOfGroup(formation, 1), await standbyOfGroup(formation, 0)];
    const used = () =>
      onCoordinator(formation, async (client) => {
        const { rows } = await client.query<{ used: string }>('SELECT used FROM load_kinds WHERE id = 1');
        return Number(rows[0]?.used);
      });
    const before = await used();
    // The coordinator has prepared it on the worker and waits for its own standby, which is silent.
    standby.host.freeze();
    const committed = onCoordinator(formation, async (client) => {
      await client.query('BEGIN');
      await client.query('UPDATE load_kinds SET used = used + 1 WHERE id = 1');
      for (let tenant = 1; tenant <= 8; tenant++)
        await client.query('INSERT INTO load_rows VALUES ($1, 424242)', [tenant]);
      await client.query('COMMIT');
    }).then(
      () => true,
      () => false,
    );
    try {
      await until({ what: 'the COMMIT to wait', deadlineMs: SEEN_WITHIN, seen }, () =>
        onCoordinator(formation, async (client) => {
          const { rowCount } = await client.query(
            `SELECT FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event = 'SyncRep'`,
          );
          return rowCount === 1;
        }),
      );
      expect((await gids(worker)).filter((gid) => gid.startsWith('citus_0_'))).not.toEqual([]);
      await services.takeDown(worker);
    } finally {
      standby.host.thaw();
    }
    expect(await committed).toBe(true);
    await formation.wait('the worker’s shards to be back', async () => {
      await onCoordinator(formation, (client) => client.query('SELECT count(*) FROM load_rows'));
      return true;
    });
    // It holds up nobody who writes to the same rows, and is there as a whole.
    await formation.wait('the rows to be free', async () => {
      await onCoordinator(formation, async (client) => {
        await client.query(`SET statement_timeout = '2s'`);
        await client.query('UPDATE load_kinds SET used = used WHERE id = 1');
        await client.query('UPDATE load_rows SET id = id WHERE false');
      });
      return true;
    });
    const rows = await onCoordinator(formation, async (client) => {
      const found = await client.query<{ n: number }>(
        'SELECT count(*)::int AS n FROM load_rows WHERE id = 424242',
      );
      return found.rows[0]?.n;
    });
    expect([await used(), rows]).toEqual([before + 1, 8]);
    services.bringUp(worker);
    await formation.waitUntilStable();
    for (const member of formation.nodes) expect(await gids(member)).toEqual([]);
  }, 180_000);
});

async function prepare(member: Member, gid: string, statements: readonly string[]): Promise<void> {
  await onCitusNode(member, async (client) => {
    await client.query('BEGIN');
    for (const statement of statements) await client.query(statement);
    await client.query(`PREPARE TRANSACTION '${gid}'`);
  });
}

/** While it lasts, nobody recovers what began on this node. */
async function holdDecisions(member: Member): Promise<{ client: Client; letGo: () => Promise<void> }> {
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  return new Promise((resolve, reject) => {
    const ended = onCitusNode(member, async (client) => {
      await client.query('BEGIN');
      await client.query('LOCK TABLE pg_dist_transaction IN EXCLUSIVE MODE');
      resolve({
        client,
        letGo: () => {
          letGo();
          return ended;
        },
      });
      await held;
      await client.query('COMMIT');
    });
    ended.catch(reject);
  });
}
