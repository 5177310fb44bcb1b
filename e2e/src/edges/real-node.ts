import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import { readStateFile } from '@pgaf/keeper/state-file';
import type { TestNode } from '@pgaf/keeper/testing/test-nodes';
import { readControlData } from '@pgaf/postgres/control-data';
import { nodeIdOf } from '@pgaf/postgres/names';
import { observe, type Observation } from '@pgaf/postgres/observe';
import { SETTINGS_FILES, type SettingsFile } from '@pgaf/postgres/settings';
import { comparable, memoryOf, type DataDirectory, type EndState, type Processes } from './end-state.js';

/** Reads off the disk, the Postgres and the last report of a node where it stands. */
export async function endStateOfNode(node: TestNode): Promise<EndState> {
  const memory = readStateFile(node.config.statePath);
  if (!memory) throw new RangeError(`node ${node.id} has no state file`);
  const seen = await observe(node.sql).catch(() => null);
  const { reported, report } = node.monitor.node(node.id);
  return {
    postgres: processesOf(node, seen),
    directory: await directoryOf(node, Math.max(memory.tli, seen?.timeline ?? 0)),
    memory: memoryOf(memory),
    report: { state: reported, postgresRunning: report.postgresRunning, facts: comparable(report.facts) },
  };
}

function processesOf(node: TestNode, seen: Observation | null): Processes {
  if (!seen) {
    return { running: false, inRecovery: null, follows: null, streamsFrom: null, commitsWait: null };
  }
  const follows = seen.inRecovery ? nodeOf(node, seen.primaryConninfo) : null;
  return {
    running: true,
    inRecovery: seen.inRecovery,
    follows,
    streamsFrom: seen.walReceiver?.status === 'streaming' ? follows : null,
    commitsWait: seen.synchronousStandbyNames !== '',
  };
}

async function directoryOf(node: TestNode, knownTimeline: number): Promise<DataDirectory | null> {
  const { pgdata, bindir } = node.config;
  if (!existsSync(join(pgdata, 'PG_VERSION'))) return null;
  const control = await readControlData(bindir, pgdata);
  return {
    standbySignal: existsSync(join(pgdata, 'standby.signal')),
    upstream: nodeOf(node, settingIn(pgdata, 'standby', 'primary_conninfo')),
    sync: settingIn(pgdata, 'sync', 'synchronous_standby_names').replaceAll('pgautofailover_standby_', ''),
    slots: readdirSync(join(pgdata, 'pg_replslot'))
      .flatMap((name) => nodeIdOf(name) ?? [])
      .sort((a, b) => a - b),
    timeline: Math.max(knownTimeline, control.timeline, control.minRecoveryTimeline),
  };
}

/** '' when the file is not there or does not name it. */
function settingIn(pgdata: string, file: SettingsFile, name: string): string {
  const path = join(pgdata, SETTINGS_FILES[file]);
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const value = new RegExp(`^${name} = '(.*)'$`, 'm').exec(text)?.[1] ?? '';
  return value.replaceAll("''", "'");
}

function nodeOf(node: TestNode, conninfo: string): number | null {
  if (conninfo === '') return null;
  const port = parseConnInfo(conninfo).hosts[0]?.port;
  return node.monitor.group.nodes.find((one) => one.port === port)?.id ?? null;
}
