import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { EXIT, UserError } from '@pgaf/core/errors';
import { versionOf } from './binaries.js';
import type { RunningPostgres } from './existing-postgres.js';
import { localClient } from './query.js';
import { fallsShort } from './setting-value.js';
import { SETTINGS_FILES, type Setting } from './settings.js';

/** Of the monitor's settings, in the file of ours: what tells its data directory from a node's. */
const MONITOR_MARK = "cluster_name = 'pg_auto_failover monitor'";
const CONFIGURATION = ['postgresql.conf', 'pg_hba.conf'] as const;
const PROBE_MS = 2000;

function refuse(message: string, code: string, hint: string): UserError {
  return new UserError(message, { code, exit: EXIT.badState, hint });
}

/** True for the data directory of a monitor, of this host or copied from another. */
export async function isOfMonitor(pgdata: string): Promise<boolean> {
  const text = await readFile(join(pgdata, SETTINGS_FILES.node), 'utf8').catch(() => '');
  return text.includes(MONITOR_MARK);
}

/**
 * Whether a Postgres of these programs, started by this user, can run in an existing data directory.
 * @throws UserError `pgdata-owner`, `pgdata-mode`, `other-version`.
 */
export async function requireUsableDataDirectory(bindir: string, pgdata: string): Promise<void> {
  const { uid, mode } = statSync(pgdata);
  const user = userInfo();
  if (uid !== user.uid) {
    throw refuse(
      `${pgdata} belongs to the user with id ${uid}, not to "${user.username}", who runs pgaf.`,
      'pgdata-owner',
      'Run pgaf as the owner of the data directory.',
    );
  }
  if ((mode & 0o027) !== 0) {
    throw refuse(
      `${pgdata} has the mode ${(mode & 0o777).toString(8).padStart(4, '0')}, with which Postgres does not start.`,
      'pgdata-mode',
      `Close it to others: chmod 0700 '${pgdata}'`,
    );
  }
  const has = (await readFile(join(pgdata, 'PG_VERSION'), 'utf8')).trim();
  const { major } = await versionOf(bindir);
  if (has !== String(major)) {
    throw refuse(
      `${pgdata} is of PostgreSQL ${has}, and the programs in ${bindir} are of PostgreSQL ${major}.`,
      'other-version',
      `Give the pg_ctl of PostgreSQL ${has} with --pgctl.`,
    );
  }
}

/**
 * Whether settings of ours have a place in it: Debian's packages keep the configuration elsewhere, and a file that
 * pgaf made instead would leave the user's settings out.
 * @throws UserError `configuration-elsewhere`, `pgdata-of-monitor`, `unfinished-recovery`.
 */
export async function requireWholeDataDirectory(pgdata: string): Promise<void> {
  if (await isOfMonitor(pgdata)) {
    throw refuse(
      `${pgdata} is the data directory of a monitor.`,
      'pgdata-of-monitor',
      'Choose another --pgdata for the node.',
    );
  }
  const missing = CONFIGURATION.filter((name) => !existsSync(join(pgdata, name)));
  if (missing.length > 0) {
    throw refuse(
      `${pgdata} has no ${missing.join(' and no ')}: its configuration is kept elsewhere.`,
      'configuration-elsewhere',
      'Move postgresql.conf, pg_hba.conf and pg_ident.conf into the data directory, without the lines data_directory, hba_file and ident_file.',
    );
  }
  if (existsSync(join(pgdata, 'recovery.signal'))) {
    throw refuse(
      `${pgdata} is being restored: there is a recovery.signal.`,
      'unfinished-recovery',
      'Let Postgres end its recovery and promote it, then run the same command again.',
    );
  }
}

interface NeededSetting {
  readonly name: string;
  readonly suffices: (value: string, row: Readonly<Record<string, string>>) => boolean;
  readonly needed: string;
}

/** What only a restart changes, and a primary needs: two standbys that stream, one that is copied, and pg_rewind. */
const NEEDED: readonly NeededSetting[] = [
  {
    name: 'wal_level',
    suffices: (value) => value === 'replica' || value === 'logical',
    needed: 'replica',
  },
  { name: 'max_wal_senders', suffices: (value) => Number(value) >= 5, needed: 'at least 5' },
  { name: 'max_replication_slots', suffices: (value) => Number(value) >= 5, needed: 'at least 5' },
  {
    name: 'wal_log_hints',
    suffices: (value, row) => value === 'on' || row['data_checksums'] === 'on',
    needed: 'on',
  },
];

/** Of the formation kind; those of which more or less can be told. */
function asNeeded([name, value]: Setting): NeededSetting {
  return { name, suffices: (has) => !fallsShort(name, has, value), needed: value };
}

const FACTS = ['config_file', 'hba_file', 'data_checksums', 'is_superuser', 'listen_addresses'];

/**
 * Whether a Postgres that runs can become a node as it runs: nothing restarts it. `wanted` are the settings of the
 * formation kind.
 * @throws UserError `postgres-is-standby`, `no-superuser`, `restart-needed`, `configuration-elsewhere`,
 * `not-listening`, `pgdata-of-monitor`.
 */
export async function requireTakeable(
  pgdata: string,
  running: RunningPostgres,
  { host, wanted }: { readonly host: string; readonly wanted: readonly Setting[] },
): Promise<void> {
  const stopIt = 'Stop it, then run the same command again: pgaf starts it with what it needs.';
  if (running.role === 'standby') {
    throw refuse(
      `A standby runs in ${pgdata}, and follows whom its own settings say.`,
      'postgres-is-standby',
      'Stop it, then run the same command again: its data are kept, and it follows the primary of its group.',
    );
  }
  if (running.socketDirectory === '') {
    throw refuse(`Postgres in ${pgdata} listens on no Unix socket.`, 'no-socket', stopIt);
  }
  const { username } = userInfo();
  const client = localClient({
    socketDirectory: running.socketDirectory,
    port: running.port,
    database: 'postgres',
    user: username,
    applicationName: 'pgaf create',
    statementTimeoutMs: 5000,
  });
  try {
    const needed = [...NEEDED, ...wanted.map(asNeeded)];
    const names = new Set([...FACTS, ...needed.map(({ name }) => name)]);
    const columns = [...names].map((name) => `current_setting('${name}', true) AS "${name}"`);
    const [row] = await client.query<Record<string, string>>(`SELECT ${columns.join(', ')}`);
    const facts = row ?? {};
    if (facts['is_superuser'] !== 'on') throw noSuperuser(pgdata, username, 'it is no superuser');
    for (const [name, file] of [
      ['config_file', 'postgresql.conf'],
      ['hba_file', 'pg_hba.conf'],
    ] as const) {
      if (facts[name] === join(pgdata, file)) continue;
      throw refuse(
        `Postgres in ${pgdata} reads ${facts[name]}, not the ${file} of its data directory.`,
        'configuration-elsewhere',
        `Stop it, move that file to ${join(pgdata, file)}, then run the same command again.`,
      );
    }
    const lacking = needed.filter(({ name, suffices }) => !suffices(facts[name] ?? '', facts));
    if (lacking.length > 0) {
      const list = lacking.map(
        ({ name, needed: least }) => `${name} is ${facts[name] || "''"} and must be ${least}`,
      );
      throw refuse(`Postgres in ${pgdata} needs a restart: ${list.join(', ')}.`, 'restart-needed', stopIt);
    }
    if (!(await takesConnections(host, running.port))) {
      throw refuse(
        `Postgres in ${pgdata} does not answer at ${host}:${running.port}: its listen_addresses is '${facts['listen_addresses']}'.`,
        'not-listening',
        stopIt,
      );
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw noSuperuser(pgdata, username, error instanceof Error ? error.message : String(error));
  } finally {
    await client.close();
  }
}

function noSuperuser(pgdata: string, username: string, why: string): UserError {
  return refuse(
    `pgaf cannot manage the Postgres in ${pgdata} as "${username}": ${why}.`,
    'no-superuser',
    `Make "${username}" a superuser of it who may log in by the Unix socket, with the method peer or trust.`,
  );
}

function takesConnections(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: PROBE_MS });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}
