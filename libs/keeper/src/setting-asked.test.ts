import { expect, test } from 'vitest';
import { createLogger } from '@pgaf/logging/logger';
import { withConnection } from '@pgaf/postgres/query';
import { awaitReloaded } from '@pgaf/postgres/reload';
import { writeSyncNames } from '@pgaf/postgres/sync-names';
import { reportOf } from './heartbeat.js';
import { PluginPart } from './plugin-part.js';
import { Situation } from './situation.js';
import { readStateFile } from './state-file.js';
import type { StepContext } from './steps/step-context.js';
import { confirmSyncStandbys, setSyncStandbys } from './steps/sync-standbys.js';
import { atRest, newMonitor, newNode } from './testing/test-nodes.js';

const NOBODY = { required: 0, members: [] };

/** A single node whose Postgres runs, while no keeper does. */
async function aloneWithPostgres(): Promise<StepContext> {
  const monitor = newMonitor();
  const node = await newNode(monitor);
  await node.create();
  await atRest(monitor, { 1: 'single' });
  await node.end('handOff');
  const state = readStateFile(node.config.statePath);
  if (!state) throw new Error('no state file');
  const situation = new Situation({
    config: node.config,
    state,
    monitor: node.monitor.link(),
    log: createLogger({ level: 'error', format: 'json', destination: { write: () => undefined } }),
  });
  await situation.instance.adopt();
  situation.assignment = await situation.monitor.report(reportOf(situation));
  const part = new PluginPart(
    situation,
    {},
    () => undefined,
    () => undefined,
  );
  return { situation, part, signal: new AbortController().signal };
}

function assign({ situation }: StepContext, version: number): void {
  if (!situation.assignment) throw new Error('the monitor has answered');
  situation.assignment = { ...situation.assignment, setting: { version, ...NOBODY } };
}

/** When Postgres last read its files, by who has just come. */
async function lastRead({ situation }: StepContext): Promise<string> {
  return withConnection(situation.instance.server, async (client) => {
    const [row] = await client.query<{ at: string }>('SELECT pg_conf_load_time()::text AS at');
    return row?.at ?? '';
  });
}

/** When Postgres read its files as it was asked to. */
async function readSince(context: StepContext): Promise<string> {
  const { situation, signal } = context;
  await awaitReloaded(situation.instance.server, situation.settingAsked?.since ?? '', signal);
  return lastRead(context);
}

test('Postgres reads a setting once, from when it is put into force until it is confirmed', async () => {
  const context = await aloneWithPostgres();
  const { situation } = context;
  assign(context, 71);
  expect(await setSyncStandbys(context)).toEqual({ tag: 'done' });
  const first = await readSince(context);
  // Again, as on a leader that was just promoted.
  expect(await setSyncStandbys(context)).toEqual({ tag: 'done' });
  expect(await confirmSyncStandbys(context)).toEqual({ tag: 'done' });
  expect(situation.state.confirmedSetting).toBe(71);
  expect(await lastRead(context)).toBe(first);

  // What was proved once is proved anew when it is to be proved again.
  situation.remember({ confirmedSetting: null });
  expect(await confirmSyncStandbys(context)).toEqual({ tag: 'done' });
  const again = await lastRead(context);
  expect(again).not.toBe(first);

  assign(context, 72);
  expect(await setSyncStandbys(context)).toEqual({ tag: 'done' });
  expect(await readSince(context)).not.toBe(again);
});

test('a setting that was overwritten meanwhile is read anew', async () => {
  const context = await aloneWithPostgres();
  const { situation } = context;
  assign(context, 71);
  await setSyncStandbys(context);
  const asked = situation.settingAsked;
  await writeSyncNames(situation.config.pgdata, { count: 1, members: [2] });
  await setSyncStandbys(context);
  expect(situation.settingAsked).not.toBe(asked);
  expect(situation.settingAsked?.version).toBe(71);
});
