import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '@pgaf/testing/deadline';
import type { Member } from '@pgaf/testing/formation';
import type { Milliseconds } from '@pgaf/core/durations';
import { onNode } from '../connect-to.js';
import { childrenOf, postmasterPid, watchdogPid } from './node-processes.js';
import type { Shape } from './operations.js';
import type { Stage } from './stage.js';

/** Where Debian's Postgres, and pgaf with it, puts its sockets. */
const SOCKETS = '/var/run/postgresql';
/** What ends by itself, such as a session whose client is gone, has ended by then. */
const ENDS_WITHIN: Milliseconds = 15_000;
const LOOK_EVERY: Milliseconds = 100;

/** Names of files that are there only while something is being written. */
const TEMPORARY = /(\.new|pgaf-new|\.rewind|^\.pgaf-unfinished|^pgsql_tmp.*|^backup_manifest\.tmp|\.tmp)$/;
/**
 * Those of Postgres that hold a name like that for good, or are as many as there are relations; and `pg_stat`, where one that
 * is killed while it stops leaves the file that its next stop writes over.
 */
const NOT_WALKED = new Set(['base', 'pg_wal', 'pg_xact', 'pg_subtrans', 'pg_multixact', 'pg_stat', 'log']);

/** What is left behind, one sentence each; what may end by itself is given the time to. */
export async function leaksOf(stage: Stage, shape: Shape): Promise<string[]> {
  let left: string[] = [];
  const look = async (): Promise<boolean> => {
    left = [
      ...stage.members.flatMap((member) => strayProcesses(stage, member)),
      ...stage.nodes.flatMap((node) => strayFiles(stage, node)),
      ...stage.members.flatMap((member) => straySockets(stage, member)),
      ...(await openCommands(stage)),
      ...(shape === 'one' || shape === 'two' ? await straySlots(stage) : []),
      ...straySessions(stage),
    ];
    return left.length === 0;
  };
  await until({ what: 'nothing to be left', deadlineMs: ENDS_WITHIN, everyMs: LOOK_EVERY }, look).catch(
    (error: unknown) => {
      if (left.length === 0) throw error;
    },
  );
  return left;
}

/** Every process is the service, the postmaster, the watchdog, or what one of the latter two started. */
function strayProcesses(stage: Stage, member: Member): string[] {
  const all = member.host.processes();
  const postmaster = postmasterPid(member);
  const kept = stage.isKept(member);
  const watchdog = kept ? watchdogPid(member) : null;
  const expected = new Set([member.service?.pid, kept ? postmaster : null, watchdog]);
  return all
    .filter(({ pid, parent }) => !expected.has(pid) && parent !== postmaster && parent !== watchdog)
    .map(({ pid, command }) => `process ${pid} on ${member.host.name}: ${command}`);
}

function strayFiles(stage: Stage, node: Member): string[] {
  const { host } = node;
  if (!stage.isKept(node)) {
    if (stage.lost === node) return [];
    const folders = [
      host.pgdata,
      ...['config', 'share', 'run'].map((name) => join(host.directory, name, 'pg_autoctl')),
    ];
    return folders.filter(existsSync).map((path) => `${path} of a node that was dropped`);
  }
  return ['data', 'config', 'share', 'run'].flatMap((folder) => temporaryIn(join(host.directory, folder)));
}

function temporaryIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (TEMPORARY.test(entry.name)) return [`file ${path}`];
    return entry.isDirectory() && !NOT_WALKED.has(entry.name) ? temporaryIn(path) : [];
  });
}

/** A socket, and its lock, belong to a postmaster that runs. */
function straySockets(stage: Stage, member: Member): string[] {
  const lock = `${SOCKETS}/.s.PGSQL.${member.port}.lock`;
  if (!existsSync(lock) || stage.lost === member) return [];
  const holder = Number(readFileSync(lock, 'utf8').split('\n')[0]);
  return holder === postmasterPid(member) ? [] : [`socket lock ${lock} of pid ${holder}`];
}

async function openCommands(stage: Stage): Promise<string[]> {
  const rows = await stage.formation.probe.query<{ kind: string; status: string }>(
    "SELECT kind, status FROM pgautofailover.command WHERE status IN ('new', 'running')",
  );
  return rows.map(({ kind, status }) => `command ${kind} is ${status}`);
}

/** Each node keeps one slot for each other one, and the primary has a walsender on each. */
async function straySlots(stage: Stage): Promise<string[]> {
  const rows = await stage.formation.probe.query<{ id: number; name: string }>(
    'SELECT nodeid::int AS id, nodename AS name FROM pgautofailover.node',
  );
  const found: string[] = [];
  for (const node of stage.presentNodes()) {
    const { host } = node;
    const expected = rows
      .filter(({ name }) => name !== host.name)
      .map(({ id }) => `pgautofailover_standby_${id}`);
    const { rows: slots } = await onNode(node, (client) =>
      client.query<{ name: string }>('SELECT slot_name AS name FROM pg_replication_slots ORDER BY 1'),
    );
    const names = slots.map(({ name }) => name);
    if (names.join() !== expected.sort().join())
      found.push(
        `slots of ${host.name}: ${names.join(', ') || 'none'}; expected: ${expected.join(', ') || 'none'}`,
      );
  }
  return found;
}

/** Two of the service that decides and one of the tests'; one more for each keeper. */
const MONITOR_SESSIONS = 3;
/**
 * Three of the keeper, by which it looks, works and asks the least question; one of the tests that looks whether writes are
 * taken, one of the last health check.
 */
const NODE_SESSIONS = 5;
/** `postgres: [cluster: ]user database address …` */
const SESSION = /^postgres: (?:.*: )?(\S+) \S+ (?:\[local\]|[\d.]+\(\d+\))/;

/** More sessions than a formation at rest needs: those of clients that are gone, or of their dblink. */
function straySessions(stage: Stage): string[] {
  return stage.members.flatMap((member) => {
    const atMonitor = member === stage.formation.monitor;
    const limit = atMonitor ? MONITOR_SESSIONS + stage.presentNodes().length : NODE_SESSIONS;
    const sessions = childrenOf(postmasterPid(member) ?? 0)
      .map(({ title }) => title)
      .filter((title) => SESSION.test(title) && !title.includes('walsender'));
    return sessions.length <= limit
      ? []
      : [`${sessions.length} sessions at ${member.host.name}:\n${sessions.join('\n')}`];
  });
}
