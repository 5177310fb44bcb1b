import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_SETTINGS } from './monitor-settings.js';
import { decided } from './testing/decided.js';
import { formGroup } from './testing/formed-group.js';
import { TestMonitor, until } from './testing/test-monitor.js';

let monitor: TestMonitor;
let client: pg.Client;

beforeAll(async () => {
  monitor = await TestMonitor.create();
  // Here keepers speak when the test does.
  monitor.settings = { ...DEFAULT_SETTINGS, silentAfter: 3_600_000 };
  await monitor.serve();
  client = await monitor.connect();
});

afterAll(async () => {
  await monitor?.destroy();
});

const call = (statement: string) => client.query(`SELECT pgautofailover.${statement}`);

async function createFormation(name: string): Promise<void> {
  await call(`create_formation('${name}', 'pgsql', 'postgres', true, 0)`);
}

/** The id of a node, in SQL. */
const id = (formation: string, name: string): string =>
  `(SELECT nodeid FROM pgautofailover.node WHERE formationid = '${formation}' AND nodename = '${name}')`;

type Refused = readonly [call: string, sqlstate: string, message: RegExp];

/** One test for each: SQLSTATE, message, a hint; and nothing has changed. */
function refuses(cases: readonly Refused[]): void {
  test.each(cases)('%s: %s', async (statement, code, message) => {
    const before = await decided(client);
    await expect(call(statement)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
      hint: expect.stringMatching(/./) as string,
    });
    expect(await decided(client)).toEqual(before);
  });
}

/** The same of what is accepted where nothing is left to do. */
function changesNothing(cases: readonly (readonly [call: string, answer: boolean])[]): void {
  test.each(cases)('%s: %s', async (statement, answer) => {
    const before = await decided(client);
    const { rows } = await client.query(`SELECT pgautofailover.${statement} AS answer`);
    expect(rows).toEqual([{ answer }]);
    expect(await decided(client)).toEqual(before);
  });
}

/** Whoever runs it accepts a loss, as `SET LOCAL pgautofailover.guard_data_loss TO off` says. */
async function acceptingLoss<T>(work: () => Promise<T>): Promise<T> {
  await client.query('SET pgautofailover.guard_data_loss TO off');
  try {
    return await work();
  } finally {
    await client.query('RESET pgautofailover.guard_data_loss');
  }
}

async function refusesLoss(formation: string, code: string, message: RegExp): Promise<void> {
  const before = await decided(client);
  const failover = acceptingLoss(() => call(`perform_failover('${formation}')`));
  await expect(failover).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  expect(await decided(client)).toEqual(before);
}

describe('what names nothing is refused', () => {
  beforeAll(() => createFormation('empty'));
  refuses([
    [`perform_failover('nowhere', 0)`, '42704', /"nowhere" has no group 0/],
    [`perform_failover('empty', 0)`, '42704', /"empty" has no group 0/],
    [`perform_failover(NULL, 0)`, '22004', /formation_id/],
    [`perform_failover('empty', NULL)`, '22004', /group_id/],
    [`perform_promotion('nowhere', 'a')`, '42704', /"nowhere" has no node named "a"/],
    [`perform_promotion('empty', NULL)`, '42704', /no node named/],
    [`remove_node(4711)`, '42704', /4711/],
    [`remove_node('nowhere', 1)`, '42704', /nowhere:1/],
    [`set_node_candidate_priority('nowhere', 'a', 50)`, '42704', /"nowhere" has no node named "a"/],
    [`set_node_replication_quorum('empty', 'a', true)`, '42704', /"empty" has no node named "a"/],
    [`set_node_region('empty', 'a', 'north')`, '42704', /"empty" has no node named "a"/],
    [`update_node_metadata(4711, 'a', NULL, NULL)`, '42704', /4711/],
    [`set_formation_number_sync_standbys('nowhere', 0)`, '22023', /"nowhere" does not exist/],
    [`set_formation_number_sync_standbys('empty', 0)`, 'XX000', /"empty" has no nodes/],
    [`accept_timeline('nowhere', 0, 1)`, '42704', /"nowhere" has no group 0/],
    [`accept_timeline(NULL, 0, 1)`, '22004', /formation_id/],
    [`accept_timeline('empty', NULL, 1)`, '22004', /group_id/],
    [`accept_timeline('empty', 0, NULL)`, '22004', /target_tli/],
    [`pause_nodes('nowhere')`, '42704', /"nowhere" does not exist/],
    [`resume_nodes('empty', NULL, 'a')`, '42704', /no node named "a"/],
    [`drop_formation('nowhere')`, 'XX000', /"nowhere" does not exist/],
    [`drop_formation(NULL)`, '22004', /formation_id/],
    [`enable_secondary('nowhere')`, '42704', /"nowhere" does not exist/],
    [`disable_secondary('nowhere')`, '42704', /"nowhere" does not exist/],
    [`create_formation('empty', 'pgsql', 'app', true, 0)`, '23505', /"empty" exists already/],
    [`create_formation('new', 'pgsql', 'app', true, -1)`, '22023', /number_sync_standbys/],
    [`create_formation('new', 'pgsql', 'app', true, NULL)`, '22023', /number_sync_standbys/],
    [`create_formation('new', 'pgsql', 'app', NULL, 0)`, '22004', /opt_secondary/],
    [`create_formation('new', 'pgsql', NULL, true, 0)`, '22004', /dbname/],
    [`create_formation(NULL, 'pgsql', 'app', true, 0)`, '22004', /formation_id/],
    [`create_formation('', 'pgsql', 'app', true, 0)`, '22023', /is empty/],
  ]);
  changesNothing([
    [`start_maintenance(4711)`, false],
    [`stop_maintenance(4711)`, false],
  ]);
});

describe('of a single node', () => {
  beforeAll(async () => {
    await createFormation('lonely');
    await formGroup(monitor, 'lonely', ['a']);
  });
  refuses([
    [`perform_failover('lonely')`, 'XX000', /has no standby/],
    [`start_maintenance(${id('lonely', 'a')})`, '55000', /cannot begin a maintenance of node \d+ "a"/],
    [`stop_maintenance(${id('lonely', 'a')})`, '55000', /cannot end a maintenance/],
    [`set_formation_number_sync_standbys('lonely', 1)`, '22023', /cannot carry number_sync_standbys 1/],
    [`drop_formation('lonely')`, '23503', /has nodes/],
  ]);
  changesNothing([[`perform_promotion('lonely', 'a')`, false]]);
  test('a failover at any price', () => refusesLoss('lonely', 'XX000', /it is healthy/));
});

describe('of three nodes at rest', () => {
  beforeAll(async () => {
    await createFormation('rest');
    await formGroup(monitor, 'rest', ['a', 'b', 'c']);
  });
  refuses([
    [`perform_failover('rest', 7)`, '42704', /"rest" has no group 7/],
    [`perform_promotion('rest', 'nobody')`, '42704', /no node named "nobody"/],
    [`stop_maintenance(${id('rest', 'b')})`, '55000', /cannot end a maintenance of node \d+ "b"/],
    [`set_node_candidate_priority('rest', 'b', 101)`, '22023', /cannot be 101/],
    [`set_node_candidate_priority('rest', 'b', -1)`, '22023', /cannot be -1/],
    [`set_node_candidate_priority('rest', 'b', NULL)`, '22004', /candidate_priority/],
    [`set_node_replication_quorum('rest', 'b', false)`, '22023', /cannot carry number_sync_standbys 1/],
    [`set_node_replication_quorum('rest', 'b', NULL)`, '22004', /replication_quorum/],
    [`set_node_region('rest', 'b', '')`, '22023', /region/],
    [`set_node_region('rest', 'b', NULL)`, '22023', /region/],
    [`set_node_region('rest', 'b', repeat('x', 64))`, '22023', /longer than 63/],
    [`set_node_region('rest', 'b', E'a\\nb')`, '22023', /control character/],
    [`set_formation_number_sync_standbys('rest', 2)`, '22023', /cannot carry number_sync_standbys 2/],
    [`set_formation_number_sync_standbys('rest', -1)`, '22023', /cannot be -1/],
    [`set_formation_number_sync_standbys('rest', NULL)`, '22004', /number_sync_standbys/],
    [`remove_node(${id('rest', 'a')}, true)`, '55000', /by force: it takes writes/],
    [`update_node_metadata(${id('rest', 'a')}, 'b', NULL, NULL)`, '23505', /taken already by node \d+ "b"/],
    [`update_node_metadata(${id('rest', 'a')}, NULL, 'a b', NULL)`, '22023', /"a b" is no name of a host/],
    [`update_node_metadata(${id('rest', 'a')}, NULL, NULL, 65536)`, '22023', /65536 is no port/],
    [`register_node('rest', '127.0.0.1', 0, 'postgres')`, '22023', /0 is no port/],
    [`register_node('rest', 'a b', 1, 'postgres')`, '22023', /"a b" is no name of a host/],
    [`register_node('rest', 'd', 1, 'postgres', node_region => ' ')`, '22023', /region .* is empty/],
    [`accept_timeline('rest', 0, 9)`, 'P0001', /no node of group 0 is on timeline 9/],
    [`disable_secondary('rest')`, '55000', /has standbys/],
    [`drop_formation('rest')`, '23503', /has nodes/],
  ]);
  changesNothing([
    [`perform_promotion('rest', 'a')`, false],
    [`accept_timeline('rest', 0, 1)`, true],
    [`enable_secondary('rest')`, true],
  ]);
});

describe('where no standby may take over', () => {
  beforeAll(async () => {
    await createFormation('work');
    const keepers = await formGroup(monitor, 'work', ['a', 'b', 'c']);
    await call(`start_maintenance(${id('work', 'b')})`);
    await call(`set_node_candidate_priority('work', 'c', 0)`);
    await until('b in maintenance and a stable primary', async () => {
      for (const keeper of keepers) if (!(await keeper.obey())) return false;
      return keepers.map(({ state }) => state).join() === 'primary,maintenance,secondary';
    });
  });
  refuses([
    [`perform_failover('work')`, 'XX000', /no standby of group 0 of formation "work" can take over/],
    [`perform_promotion('work', 'b')`, '55000', /cannot promote node \d+ "b"/],
    [`perform_promotion('work', 'c')`, '55000', /cannot promote node \d+ "c" .*: it cannot take over/],
    [`start_maintenance(${id('work', 'a')})`, '55000', /no standby .* can take over/],
    [`stop_maintenance(${id('work', 'c')})`, '55000', /cannot end a maintenance of node \d+ "c"/],
    [`remove_node(${id('work', 'a')})`, '55000', /nobody can take over/],
    [`set_formation_number_sync_standbys('work', 2)`, '22023', /cannot carry/],
  ]);
  changesNothing([[`start_maintenance(${id('work', 'b')})`, true]]);
  test('a failover at any price', () => refusesLoss('work', 'XX000', /it is healthy/));
});

describe('of two nodes, whose standby is in maintenance', () => {
  beforeAll(async () => {
    await createFormation('pair');
    const keepers = await formGroup(monitor, 'pair', ['a', 'b']);
    await call(`start_maintenance(${id('pair', 'b')})`);
    await until('b in maintenance', async () => {
      for (const keeper of keepers) if (!(await keeper.obey())) return false;
      return keepers.map(({ state }) => state).join() === 'wait_primary,maintenance';
    });
  });
  refuses([
    [`perform_failover('pair')`, 'XX000', /has no primary in a stable state/],
    [`perform_promotion('pair', 'b')`, '55000', /cannot promote node \d+ "b"/],
    [`start_maintenance(${id('pair', 'a')})`, '55000', /cannot begin a maintenance of node \d+ "a" .* now/],
    [`remove_node(${id('pair', 'a')})`, '55000', /nobody can take over/],
    [`set_formation_number_sync_standbys('pair', 1)`, '22023', /cannot carry/],
  ]);
});

describe('of two nodes, whose standby has priority 0', () => {
  beforeAll(async () => {
    await createFormation('zero');
    const keepers = await formGroup(monitor, 'zero', ['a', 'b']);
    await call(`set_node_candidate_priority('zero', 'b', 0)`);
    await until('a stable primary', async () => {
      for (const keeper of keepers) if (!(await keeper.obey())) return false;
      return keepers.map(({ state }) => state).join() === 'primary,secondary';
    });
  });
  refuses([
    [`perform_failover('zero')`, 'XX000', /no standby of group 0 of formation "zero" can take over/],
    [`perform_promotion('zero', 'b')`, '55000', /cannot promote node \d+ "b" .*: it cannot take over/],
    [`start_maintenance(${id('zero', 'a')})`, '55000', /no standby .* can take over/],
  ]);
});

describe('while a primary takes in other settings', () => {
  beforeAll(async () => {
    await createFormation('taking');
    await formGroup(monitor, 'taking', ['a', 'b']);
    await call(`set_node_candidate_priority('taking', 'b', 60)`);
  });
  refuses([
    [`perform_failover('taking')`, 'XX000', /has no primary in a stable state/],
    [`start_maintenance(${id('taking', 'a')})`, '55000', /cannot begin a maintenance of node \d+ "a" .* now/],
    [`start_maintenance(${id('taking', 'b')})`, '55000', /the primary is not in a stable state/],
    [`set_formation_number_sync_standbys('taking', 0)`, '55000', /"a" .* is not in a stable state/],
  ]);
});

describe('of nodes that do not fit', () => {
  const register = (more: string): string => `register_node('full', '127.0.0.1', 1, 'postgres'${more})`;
  beforeAll(async () => {
    await createFormation('full');
    await formGroup(monitor, 'full', ['a', 'b']);
    await call(
      `register_node('full', '127.0.0.1', 2, 'postgres', 'reader', candidate_priority => 0, node_cluster => 'ro')`,
    );
  });
  refuses([
    [`register_node('nowhere', '127.0.0.1', 1, 'postgres')`, '42P17', /"nowhere" does not exist/],
    [register(`, 'a'`), '23505', /the name "a" is taken/],
    [register(`, candidate_priority => 101`), '22023', /priority .* 101/],
    [register(`, candidate_priority => -1`), '22023', /priority .* -1/],
    [register(`, candidate_priority => 50, node_cluster => 'ro'`), '22023', /read replica/],
    [register(`, node_kind => 'unheard'`), '22023', /role "unheard"/],
    [register(`, initial_group_role => 'single'`), 'XX000', /takes writes cannot join/],
    [`register_node('full', '127.0.0.1', 1, 'other')`, 'XX000', /postgres/],
    [`set_node_candidate_priority('full', 'reader', 50)`, '22023', /must be 0: it is a read replica/],
  ]);
});

describe('while a switchover is under way', () => {
  beforeAll(async () => {
    await createFormation('moving');
    await formGroup(monitor, 'moving', ['a', 'b', 'c']);
    await call(`perform_failover('moving')`);
  });
  refuses([
    [`perform_failover('moving')`, 'XX000', /has no primary in a stable state/],
    [`perform_promotion('moving', 'c')`, 'XX000', /has no primary in a stable state/],
    [`start_maintenance(${id('moving', 'a')})`, '55000', /cannot begin a maintenance of node \d+ "a" .* now/],
    [`start_maintenance(${id('moving', 'b')})`, 'XX000', /has no primary now/],
    [`set_node_replication_quorum('moving', 'b', false)`, 'XX000', /has no primary now/],
    [`set_formation_number_sync_standbys('moving', 0)`, 'XX000', /has no primary now/],
    [`remove_node(${id('moving', 'a')})`, '55006', /yet: it is to be draining first/],
  ]);
  test('a failover at any price', () => refusesLoss('moving', 'XX000', /it is healthy/));
});

describe('of a lost primary that may still take writes', () => {
  beforeAll(async () => {
    await createFormation('lost');
    const [a, b] = await formGroup(monitor, 'lost', ['a', 'b', 'c']);
    if (!a || !b) throw new Error('three nodes were formed');
    await a.report({ running: false, facts: { ...a.facts, lease: 3_600_000 } });
    await b.awaitGoal('report_lsn');
    // Somebody has opened it.
    await b.report({ state: 'report_lsn', tli: 2 });
  });
  refuses([
    [`perform_failover('lost')`, 'XX000', /no primary in a stable state|no standby .* can take over/],
    [`perform_promotion('lost', 'b')`, '55000', /cannot promote node \d+ "b"/],
    [`start_maintenance(${id('lost', 'b')})`, '55000', /cannot begin a maintenance of node \d+ "b"/],
    [`remove_node(${id('lost', 'a')}, true)`, '55006', /by force yet: it may still take writes/],
    [`accept_timeline('lost', 0, 2)`, '55000', /cannot accept timeline 2: the Postgres of node \d+ "a"/],
  ]);
  test('a failover at any price', () =>
    refusesLoss('lost', '55000', /cannot fail over: the Postgres of node \d+ "a"/));
});

test('who accepts a loss where none is needed loses nothing', async () => {
  await createFormation('safe');
  const [a, b] = await formGroup(monitor, 'safe', ['a', 'b']);
  if (!a || !b) throw new Error('two nodes were formed');
  await acceptingLoss(() => call(`perform_failover('safe')`));
  await a.awaitGoal('draining');
  expect((await b.report()).assigned_group_state).toBe('secondary');
});

test('a refusal without details has no line for them', async () => {
  await expect(call(`perform_failover('empty')`)).rejects.toMatchObject({ detail: undefined });
  const alone = { detail: expect.stringContaining('1 node') as string };
  await expect(call(`perform_failover('lonely')`)).rejects.toMatchObject(alone);
});

test('every refusal stands in the audit log, with what was answered', async () => {
  const { rows } = await client.query(
    `SELECT status, sqlstate, message, hint <> '' AS hinted FROM pgautofailover.command
      WHERE kind = 'perform_failover' AND formationid = 'lonely' ORDER BY commandid LIMIT 1`,
  );
  expect(rows).toEqual([
    {
      status: 'refused',
      sqlstate: 'XX000',
      message: expect.stringContaining('has no standby') as string,
      hinted: true,
    },
  ]);
});
