import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Lsn } from '@pgaf/core/lsn';
import { freePort } from '@pgaf/core/testing/free-ports';
import { afterEach } from 'vitest';
import { basebackup } from '../basebackup.js';
import { findBindir } from '../binaries.js';
import { dataNodeSettings } from '../data-node-settings.js';
import { writeHbaRules } from '../hba.js';
import { initdb } from '../initdb.js';
import { observe } from '../observe.js';
import { startPostmaster, type Postmaster, type StartOptions } from '../postmaster.js';
import { localClient, type LocalClient, type LocalServer } from '../query.js';
import { REPLICATION_ROLE, ensureReplicationRole } from '../roles.js';
import { includeSettingsFiles, writeSettings, type Setting } from '../settings.js';
import { ensureSlots } from '../slots.js';
import { receivePosition, writeStandbyMode } from '../standby.js';
import { stopPostmaster } from '../stop-postmaster.js';
import { readTimelineHistory, type WalLine } from '../timeline-history.js';
import { until } from '../until.js';
import type { Upstream } from '../upstream.js';

export interface TestServer {
  readonly bindir: string;
  readonly nodeId: number;
  readonly pgdata: string;
  readonly directory: string;
  readonly server: LocalServer;
  readonly client: LocalClient;
  readonly settings: Setting[];
  readonly startOptions: StartOptions;
  /** As others reach it. */
  readonly upstream: Upstream;
}

export function superuser(): string {
  return userInfo().username;
}

const made: TestServer[] = [];

async function cleanUp(): Promise<void> {
  for (const one of made.splice(0)) {
    await one.client.close();
    await stopPostmaster(one.pgdata, { mode: 'immediate' });
    await rm(one.directory, { recursive: true, force: true });
  }
}

afterEach(cleanUp);

export async function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'pgaf-test-'));
}

/** A place for a server: directory, port, connection; nothing is created in its data directory. */
export async function newServer(nodeId = 1): Promise<TestServer> {
  const bindir = await findBindir();
  const directory = await temporaryDirectory();
  const pgdata = join(directory, 'data');
  const port = await freePort();
  const server: LocalServer = {
    socketDirectory: directory,
    port,
    database: 'postgres',
    statementTimeoutMs: 10_000,
  };
  const settings = dataNodeSettings({ port, listenAddresses: '127.0.0.1', socketDirectory: directory });
  const startOptions: StartOptions = {
    bindir,
    pgdata,
    port,
    listenAddresses: '127.0.0.1',
    socketDirectory: directory,
    logFile: join(directory, 'startup.log'),
    stallMs: 20_000,
  };
  const upstream: Upstream = {
    host: '127.0.0.1',
    port,
    user: REPLICATION_ROLE,
    dbname: 'postgres',
    sslMode: 'prefer',
  };
  const one = {
    bindir,
    nodeId,
    pgdata,
    directory,
    server,
    client: localClient(server),
    settings,
    startOptions,
    upstream,
  };
  made.push(one);
  return one;
}

export async function writeOurFiles(one: TestServer): Promise<void> {
  await writeSettings(one.pgdata, 'node', one.settings);
  await includeSettingsFiles(one.pgdata);
  const rule = { type: 'host', user: REPLICATION_ROLE, address: '127.0.0.1', method: 'trust' } as const;
  await writeHbaRules(one.pgdata, [
    { ...rule, database: 'replication' },
    { ...rule, database: 'postgres' },
  ]);
}

export async function start(one: TestServer): Promise<Postmaster> {
  return startPostmaster(one.startOptions);
}

/** A running primary with our settings, rules and replication role. */
export async function newPrimary(nodeId = 1): Promise<TestServer> {
  const one = await newServer(nodeId);
  await initdb({
    bindir: one.bindir,
    pgdata: one.pgdata,
    superuser: superuser(),
    checksums: 'on',
    localAccess: 'trust',
  });
  await writeOurFiles(one);
  await start(one);
  await ensureReplicationRole(one.client);
  return one;
}

/** A place for a standby whose slot stands on the primary. */
export async function newStandbyPlace(primary: TestServer, nodeId = 2): Promise<TestServer> {
  await ensureSlots(primary.client, [nodeId]);
  return newServer(nodeId);
}

/** A standby that streams from the primary. */
export async function newStandby(primary: TestServer, nodeId = 2): Promise<TestServer> {
  const one = await newStandbyPlace(primary, nodeId);
  await basebackup({
    bindir: one.bindir,
    pgdata: one.pgdata,
    upstream: primary.upstream,
    nodeId,
    slot: 'own',
    old: 'keep',
  });
  await follow(one, primary);
  return one;
}

/** Writes our files, starts it as a standby of `primary`, and waits until it streams. */
export async function follow(one: TestServer, primary: TestServer): Promise<void> {
  await writeOurFiles(one);
  await writeStandbyMode(one.pgdata, one.nodeId, primary.upstream);
  await start(one);
  await awaitStreaming(primary);
}

export async function awaitStreaming(primary: TestServer, count = 1): Promise<void> {
  await within(20_000, async () => {
    const rows = await primary.client.query(`SELECT FROM pg_stat_replication WHERE state = 'streaming'`);
    return rows.length >= count ? true : undefined;
  });
}

export async function lineOf(primary: TestServer): Promise<WalLine> {
  const { timeline, lsn } = await observe(primary.client);
  return { timeline, lsn, history: await readTimelineHistory(primary.pgdata, timeline) };
}

/** Waits until a standby has replayed `lsn`. */
export async function awaitReplayed(standby: LocalClient, lsn: Lsn): Promise<void> {
  await within(10_000, async () => ((await receivePosition(standby)).replayedLsn >= lsn ? true : undefined));
}

/** Waits for a condition, at most `ms`. */
export async function within<T>(ms: number, probe: () => Promise<T | undefined> | T | undefined): Promise<T> {
  return until(probe, { everyMs: 10, signal: AbortSignal.timeout(ms) });
}
