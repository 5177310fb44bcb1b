import { dirname } from 'node:path';
import { mkdir } from 'node:fs/promises';
import { serverSettings, type SslFiles } from '@pgaf/postgres/data-node-settings';
import { writeHbaRules, type HbaRule } from '@pgaf/postgres/hba';
import { initdb } from '@pgaf/postgres/initdb';
import { startPostmaster, type Postmaster } from '@pgaf/postgres/postmaster';
import { includeSettingsFiles, writeSettings, type Setting } from '@pgaf/postgres/settings';
import { stopPostmaster } from '@pgaf/postgres/stop-postmaster';
import pg from 'pg';
import { makeFirstFormations } from './first-formations.js';
import { migrate } from './migrate.js';
import { setNodePassword } from './node-password.js';

export interface MonitorPostgres {
  readonly bindir: string;
  readonly pgdata: string;
  readonly port: number;
  /** As `listen_addresses`. */
  readonly listenAddresses: string;
  readonly socketDirectory: string;
  /** Standard output and error of the postmaster, before its own log files begin. */
  readonly logFile: string;
  readonly ssl?: SslFiles | undefined;
  /** How nodes and operators log in, as in pg_hba.conf. */
  readonly authMethod: string;
  /** Whether pg_hba.conf lets in the networks of this host, or is left to the user. */
  readonly hba: 'lan' | 'skip';
}

export interface CreateMonitorOptions extends MonitorPostgres {
  /** Role of the superuser: the operating system's user. */
  readonly superuser: string;
  /** Of the role `autoctl_node`, for an authentication method that asks for one. */
  readonly password?: string | undefined;
  /** Besides `default`. */
  readonly formations?: readonly string[] | undefined;
  readonly onProgress?: ((step: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export const MONITOR_DATABASE = 'pg_auto_failover';
const STALL_MS = 20_000;

/**
 * Makes the monitor: its Postgres, the database and the schema. Cut off anywhere, the next call goes on from
 * there. Leaves Postgres running; on failure it is as it was found.
 * @throws UserError, ProgramError of the parts; 14 `schema-too-new` over a newer schema.
 */
export async function createMonitor(options: CreateMonitorOptions): Promise<Postmaster> {
  const { bindir, pgdata, superuser, signal, onProgress } = options;
  onProgress?.(`Initialising the monitor's Postgres in ${pgdata}`);
  await initdb({ bindir, pgdata, superuser, checksums: 'on', localAccess: 'socket', signal });
  await writeMonitorFiles(options);
  onProgress?.(`Starting the monitor's Postgres on port ${options.port}`);
  const postmaster = await startMonitorPostgres(options, signal);
  try {
    onProgress?.(`Creating the database ${MONITOR_DATABASE}`);
    await createDatabase(options);
    await createSchema(options);
    return postmaster;
  } catch (error) {
    if (postmaster.origin === 'started') await stopPostmaster(pgdata, { mode: 'fast' });
    throw error;
  }
}

/** Settings and pg_hba.conf as the options say; a running Postgres reads them at its next reload or start. */
export async function writeMonitorFiles(options: MonitorPostgres): Promise<void> {
  await writeSettings(options.pgdata, 'node', monitorSettings(options));
  await includeSettingsFiles(options.pgdata);
  if (options.hba === 'lan') await writeHbaRules(options.pgdata, monitorHbaRules(options));
}

/** Starts the monitor's Postgres, or adopts it when it runs already. */
export async function startMonitorPostgres(
  options: MonitorPostgres,
  signal?: AbortSignal,
): Promise<Postmaster> {
  const { bindir, pgdata, port, listenAddresses, socketDirectory, logFile } = options;
  await mkdir(dirname(logFile), { recursive: true });
  return startPostmaster({
    bindir,
    pgdata,
    port,
    listenAddresses,
    socketDirectory,
    logFile,
    stallMs: STALL_MS,
    ...(signal && { signal }),
  });
}

/** A small database with many short connections, whose every commit counts. */
function monitorSettings(options: MonitorPostgres): Setting[] {
  const { port, listenAddresses, socketDirectory, ssl, authMethod } = options;
  return serverSettings({
    port,
    listenAddresses,
    socketDirectory,
    ssl,
    authMethod,
    extra: [
      ['cluster_name', 'pg_auto_failover monitor'],
      ['log_statement', 'ddl'],
      ['max_connections', '1200'],
      // The service and its operator always come in, however many keepers and clients there are.
      ['superuser_reserved_connections', '10'],
      ['shared_buffers', '32MB'],
      ['max_wal_size', '256MB'],
      ['jit', 'off'],
      ['max_parallel_workers_per_gather', '0'],
      // A host that vanished holds its session for this long and no longer.
      ['tcp_keepalives_idle', '30'],
      ['tcp_keepalives_interval', '10'],
      ['tcp_keepalives_count', '6'],
      ['tcp_user_timeout', '60000'],
    ],
  });
}

/** `samenet` is every network that this host is in, the loopback included, as they are at each login. */
function monitorHbaRules({ ssl, authMethod }: MonitorPostgres): HbaRule[] {
  const rule = { database: MONITOR_DATABASE, user: 'autoctl_node', method: authMethod };
  return [{ ...rule, type: ssl ? 'hostssl' : 'host', address: 'samenet' }];
}

async function createDatabase(options: CreateMonitorOptions): Promise<void> {
  await withClient(options, 'postgres', async (client) => {
    if (!(await exists(client, 'SELECT FROM pg_roles WHERE rolname = $1', 'autoctl'))) {
      await client.query('CREATE ROLE autoctl LOGIN');
    }
    if (!(await exists(client, 'SELECT FROM pg_database WHERE datname = $1', MONITOR_DATABASE))) {
      await client.query(`CREATE DATABASE ${MONITOR_DATABASE} OWNER autoctl`);
    }
  });
}

async function createSchema(options: CreateMonitorOptions): Promise<void> {
  await withClient(options, MONITOR_DATABASE, async (client) => {
    await migrate(client);
    if (options.password !== undefined) await setNodePassword(client, options.password);
    await makeFirstFormations(client, options.formations ?? []);
  });
}

async function exists(client: pg.Client, query: string, name: string): Promise<boolean> {
  const { rowCount } = await client.query(query, [name]);
  return rowCount !== 0;
}

async function withClient(
  { socketDirectory, port, superuser }: CreateMonitorOptions,
  database: string,
  work: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const client = new pg.Client({
    host: socketDirectory,
    port,
    user: superuser,
    database,
    application_name: 'pgaf create monitor',
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
