import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import { freePort } from '@pgaf/core/testing/free-ports';
import { MonitorClient } from '@pgaf/monitor-client/monitor-client';
import type { Report } from '@pgaf/monitor-client/reports';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HoldingProxy } from './testing/holding-proxy.js';
import { Sandbox, waitFor } from './testing/run-pgaf.js';
import { OPEN } from './testing/single-node.js';

const sandbox = new Sandbox();
const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined };
let monitorPort = 0;
let proxy: HoldingProxy;
let keeper: MonitorClient;
let observer: MonitorClient;
let nodeId = 0;

const uriOf = (port: number): string => `postgres://autoctl_node@127.0.0.1:${port}/pg_auto_failover`;
const clientOf = (port: number): MonitorClient =>
  new MonitorClient({ conninfo: parseConnInfo(uriOf(port)), applicationName: 'test', logger });

beforeAll(async () => {
  monitorPort = await freePort();
  sandbox.start([
    ...['create', 'monitor', '--pgdata', sandbox.path('monitor'), '--pgport', String(monitorPort)],
    ...['--hostname', '127.0.0.1', ...OPEN, '--run'],
  ]);
  await waitFor('the monitor', async () => {
    return (await sandbox.run(['show', 'state', '--monitor', uriOf(monitorPort)])).status === 0;
  });
  observer = clientOf(monitorPort);
  ({ nodeId } = await observer.register({
    formation: 'default',
    host: '127.0.0.1',
    port: await freePort(),
    dbname: 'postgres',
    name: '',
    role: 'node',
    systemIdentifier: null,
    desiredId: null,
    group: null,
    initialState: 'init',
    candidatePriority: 50,
    quorum: true,
    cluster: 'default',
    region: 'default',
  }));
});
afterAll(async () => {
  await observer?.close();
  await sandbox.dispose();
});

beforeEach(async () => {
  proxy = await HoldingProxy.start(monitorPort);
  keeper = clientOf(proxy.port);
});
afterEach(async () => {
  await keeper.close();
  proxy.close();
});

function reportAt(lsn: bigint): Report {
  return {
    formation: 'default',
    nodeId,
    group: 0,
    reported: 'init',
    postgresRunning: false,
    tli: 1,
    lsn,
    syncState: '',
    facts: { epoch: 0 },
  };
}

async function reportedLsn(): Promise<string | undefined> {
  const text = 'SELECT reportedlsn AS lsn FROM pgautofailover.node WHERE nodeid = $1';
  const [row] = await observer.session.query<{ lsn: string }>(text, [nodeId]);
  return row?.lsn;
}

/** A report that arrives so late that its keeper has given it up, and its session, and has reported over another one. */
async function overtake(held: string): Promise<void> {
  proxy.holdNext(held);
  await expect(keeper.report(reportAt(0x1000000n))).rejects.toMatchObject({ code: 'monitor-lost' });
  expect(proxy.isHolding).toBe(true);
  await keeper.report(reportAt(0x2000000n));
  await proxy.release();
}

describe('what comes over a session that its keeper has given up', () => {
  it('is refused, also when it is the first report of that session', async () => {
    await overtake('node_active');
    expect(await reportedLsn()).toBe('0/2000000');
    await keeper.report(reportAt(0x3000000n));
    expect(await reportedLsn()).toBe('0/3000000');
  });

  it('is not followed by a report when it is the beginning of that session, and the keeper begins anew', async () => {
    await overtake('begin_session');
    expect(await reportedLsn()).toBe('0/2000000');
    await expect(keeper.report(reportAt(0x3000000n))).rejects.toMatchObject({ sqlstate: 'PA004' });
    await keeper.report(reportAt(0x4000000n));
    expect(await reportedLsn()).toBe('0/4000000');
  });
});
