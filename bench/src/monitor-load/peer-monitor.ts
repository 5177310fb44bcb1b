import { appendFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freePorts } from '@pgaf/core/testing/free-ports';
import { until } from '@pgaf/testing/deadline';
import { processorMs } from '@pgaf/testing/process-table';
import { PeerHost } from '../systems/peer-host.js';
import { PATIENCE_MS } from '../systems/system.js';
import { nodeRows, REPORTING, reportScript, type LoadedMonitor } from './loaded-monitor.js';
import { psql } from './psql.js';
import { SilentPostgres } from './silent-postgres.js';

/** Its keepers listen on a session of their own, which costs the one that reports nothing. */
const SCRIPT = reportScript({ session: '', more: '', columns: '*', end: ';' });

/** The extension of pg_auto_failover in a Postgres of its own, with room for as many sessions as ours has. */
export async function makePeerMonitor(pgctl: string, directory: string): Promise<LoadedMonitor> {
  const bindir = dirname(pgctl);
  const postgres = await SilentPostgres.listen();
  const [port = 0] = await freePorts(1);
  const host = new PeerHost('monitor', join(directory, 'monitor'));
  const initdb = [join(bindir, 'initdb'), '--pgdata', host.pgdata, '--username', 'postgres'];
  await host.run([...initdb, '--auth', 'trust', '--encoding', 'UTF8', '--data-checksums']);
  const settings = [
    `port = ${port}`,
    `listen_addresses = '${host.address}'`,
    `unix_socket_directories = '${host.directory}'`,
    `shared_preload_libraries = 'pgautofailover'`,
    'max_connections = 1200',
    'jit = off',
  ];
  appendFileSync(join(host.pgdata, 'postgresql.conf'), `${settings.join('\n')}\n`);
  await host.start([join(bindir, 'postgres'), '-D', host.pgdata]);
  const server = { bindir, socketDirectory: host.directory, port };
  const template = { ...server, database: 'postgres' };
  await until({ what: 'its Postgres', deadlineMs: PATIENCE_MS, seen: () => host.logTail(20) }, () =>
    psql(template, 'SELECT 1'),
  );
  const database = { ...server, database: 'pg_auto_failover' };
  psql(template, `CREATE DATABASE ${database.database}`);
  psql(database, 'CREATE EXTENSION pgautofailover CASCADE');
  return {
    address: { host: host.address, port, user: 'autoctl_node' },
    pgbench: join(bindir, 'pgbench'),
    directory,
    script: SCRIPT,
    register: (nodes) => void psql(database, nodeRows(nodes, postgres.port)),
    reporting: () => Number(psql(database, REPORTING)),
    beginToDecide: () => undefined,
    processorMs: () => host.processes().reduce((sum, { pid }) => sum + processorMs(pid), 0),
    close: async () => {
      postgres.close();
      await host.killEverything();
    },
  };
}
