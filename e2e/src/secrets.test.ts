import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chownSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { passfileLine } from '@pgaf/conninfo/passfile';
import { CertificateAuthority } from '@pgaf/core/testing/certificate-authority';
import { findBindir } from '@pgaf/postgres/binaries';
import { Formation, type Member } from '@pgaf/testing/formation';
import { makeOwnedDirectory, postgresOwner } from '@pgaf/testing/owner';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { filesWith, ProcessWatch } from './secret-search.js';
import { whileWriting } from './while-writing.js';

const owner = postgresOwner();
const word = (): string => `hush-${randomBytes(9).toString('hex')}`;
const secrets = { replication: word(), monitor: word(), application: word() };
const renewed = { replication: word(), monitor: word() };
const all = [...Object.values(secrets), ...Object.values(renewed)];

let directory: string;
let formation: Formation;
let watch: ProcessWatch;

/** A file that only the service's user can read, outside of what the formation makes. */
function closedFile(name: string, text: string): string {
  const path = join(directory, 'given', name);
  writeFileSync(path, text, { mode: 0o600 });
  if (owner) chownSync(path, owner.uid, owner.gid);
  return path;
}

async function psql(member: Member, statement: string): Promise<string> {
  const program = join(await findBindir(), 'psql');
  const [socket] = (
    await promisify(execFile)('sh', ['-c', `sed -n 5p '${member.host.pgdata}/postmaster.pid'`])
  ).stdout
    .trim()
    .split('\n');
  const args = ['-h', socket ?? '', '-p', String(member.port), '-U', 'postgres', '-d', 'postgres', '-XAtq'];
  const child = spawn(program, args, { ...owner, cwd: '/', stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(statement);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const status = await new Promise((resolve) => child.once('close', resolve));
  expect(status).toBe(0);
  return output;
}

beforeAll(async () => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'pgaf-secrets-')));
  makeOwnedDirectory(directory, owner);
  makeOwnedDirectory(join(directory, 'given'), owner);
  const authority = await CertificateAuthority.create(join(directory, 'authority'), owner);
  const server = await authority.issue({ name: 'server', altNames: ['IP:127.0.0.1'] });
  const replicationFile = closedFile('replication', `${secrets.replication}\n`);
  const monitorFile = closedFile('monitor', `${secrets.monitor}\n`);
  const any = { host: '*', port: '*', dbname: '*' };
  const passfile = closedFile(
    'passfile',
    [
      passfileLine({ ...any, user: 'autoctl_node' }, secrets.monitor),
      passfileLine({ ...any, user: 'app' }, secrets.application),
      '',
    ].join('\n'),
  );
  const tls = ['--server-cert', server.certFile, '--server-key', server.keyFile];
  const common = [
    ...['--auth', 'scram-sha-256', ...tls, '--ssl-ca-file', authority.certFile],
    ...['--autoctl-node-password-file', monitorFile],
  ];
  const verified = `sslmode=verify-full&sslrootcert=${authority.certFile}`;
  const withPassfile = `${verified}&passfile=${passfile}`;
  formation = await Formation.layOut({
    nodes: 2,
    directory,
    monitorSecurity: common,
    security: [
      ...common,
      ...['--replication-password-file', replicationFile],
      ...['--username', 'app', '--pg-hba-lan'],
    ],
    monitorParameters: verified,
    login: { user: 'app', monitorParameters: withPassfile, nodeParameters: withPassfile },
  });
  watch = new ProcessWatch(directory, all);
  await formation.startMonitor();
  await formation.startNode(1);
  await formation.waitForState('node_1', 'single');
  // As `\password` of psql does it, so that it stands in no log.
  await psql(
    formation.node(1),
    `\\set word \`cat ${closedFile('application', secrets.application)}\`
SET log_statement = 'none';
ALTER ROLE app PASSWORD :'word';`,
  );
  await formation.startNode(2);
  await formation.waitUntilStable();
});

afterAll(() => formation?.dispose());

it('prints the monitor as its nodes were given it, without a password', async () => {
  const shown = await formation.onMonitor(['show', 'uri', '--formation', 'monitor']);
  expect(shown.stdout.trim()).toBe(formation.monitorUri);
  const node = formation.node(2).host;
  const there = await node.run(['show', 'uri', '--json', '--pgdata', node.pgdata]);
  expect(there.status, there.stderr).toBe(0);
  const [monitor, own] = JSON.parse(there.stdout) as { uri: string }[];
  expect(monitor?.uri).toBe(formation.monitorUri);
  expect(own?.uri).toMatch(/sslmode=verify-full&sslrootcert=.*authority\/ca\.crt$/);
});

it('streams through TLS that is verified', async () => {
  const primary = await formation.primary();
  const standby = await formation.standby();
  expect(await psql(primary, 'SELECT ssl FROM pg_stat_ssl JOIN pg_stat_replication USING (pid)')).toBe('t\n');
  const conninfo = await psql(standby, 'SHOW primary_conninfo');
  expect(conninfo).toContain('sslmode=verify-full');
  expect(conninfo).toContain('passfile=');
});

it('lets nobody in over the network without a password, nor over the socket as somebody else', async () => {
  const primary = await formation.primary();
  const rules = await psql(
    primary,
    `SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'trust' AND user_name <> '{pgautofailover_monitor}'`,
  );
  expect(rules).toBe('0\n');
});

it('switches over, fails over, and takes nodes back by rewind and by base backup', async () => {
  await whileWriting(formation, async (writer) => {
    const switchover = await formation.onMonitor(['perform', 'switchover']);
    expect(switchover.status, switchover.stderr).toBe(0);
    await formation.waitUntilStable();

    const rewound = await formation.primary();
    const promoted = await formation.standby();
    await rewound.host.killEverything();
    await formation.waitForState(promoted.host.name, 'wait_primary');
    await writer.untilWriting();
    await formation.restart(rewound);
    await formation.waitUntilStable();
    expect(await rewound.host.logTail(2000)).toMatch(/Rewound to node/);

    const copied = await formation.primary();
    const next = await formation.standby();
    await copied.host.killEverything();
    // What an interrupted rewind leaves behind: only a base backup mends it.
    const marker = `${stateFile(copied)}.rewind`;
    writeFileSync(marker, '');
    if (owner) chownSync(marker, owner.uid, owner.gid);
    await formation.waitForState(next.host.name, 'wait_primary');
    await writer.untilWriting();
    await formation.restart(copied);
    await formation.waitUntilStable();
    expect(await copied.host.logTail(2000)).toMatch(/Copying node/);
  });
});

it('takes new passwords at a reload of all services, one after the other', async () => {
  await whileWriting(formation, async () => {
    for (const member of [formation.monitor, ...formation.nodes]) {
      const path = join(
        directory,
        member.host.name,
        'config/pg_autoctl',
        member.host.pgdata,
        'pg_autoctl.cfg',
      );
      const text = readFileSync(path, 'utf8');
      const next = text
        .replace(secrets.replication, renewed.replication)
        .replace(secrets.monitor, renewed.monitor);
      expect(next).not.toBe(text);
      writeFileSync(path, next);
      const reload = await member.host.run(['reload', '--pgdata', member.host.pgdata]);
      expect(reload.status, reload.stderr).toBe(0);
    }
    const passfile = join(directory, 'given', 'passfile');
    writeFileSync(passfile, readFileSync(passfile, 'utf8').replace(secrets.monitor, renewed.monitor));
    const shown = (member: Member) => member.host.run(['show', 'state', '--pgdata', member.host.pgdata]);
    const areServed = async () =>
      (await Promise.all(formation.nodes.map(shown))).every(({ status }) => status === 0);
    await formation.wait('commands on the nodes to log in by the new password', areServed);
    const primary = await formation.primary();
    // Both the stream and the sessions with the monitor must come back by themselves.
    await formation.wait('the new password at the primary', async () =>
      (await primary.host.logTail(500)).includes('The replication role has the password'),
    );
    await psql(primary, 'SELECT pg_terminate_backend(pid) FROM pg_stat_replication');
    await psql(
      formation.monitor,
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $$autoctl_node$$',
    );
    await formation.wait('the stream to come back', async () =>
      (await psql(primary, `SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'`)).startsWith(
        '1',
      ),
    );
  });
});

function stateFile({ host }: Member): string {
  return join(directory, host.name, 'share/pg_autoctl', host.pgdata, 'pg_autoctl.state');
}

it('says no password in anything that it shows, nor keeps one in a table of the monitor', async () => {
  const outputs: string[] = [];
  for (const member of [formation.monitor, ...formation.nodes]) {
    for (const command of [
      ['show', 'file', '--config', '--contents'],
      ['show', 'file', '--config', '--contents', '--json'],
      ['show', 'uri'],
      ['show', 'state', '--json'],
      ['show', 'events', '--json'],
      ['status', '--json'],
    ]) {
      const shown = await member.host.run([...command, '--pgdata', member.host.pgdata]);
      expect(shown.status, `${command.join(' ')} ${shown.stderr}`).toBe(0);
      outputs.push(shown.stdout, shown.stderr);
    }
  }
  const tables = await formation.probe.query<{ name: string }>(
    `SELECT oid::regclass::text AS name FROM pg_class
      WHERE relnamespace = 'pgautofailover'::regnamespace AND relkind = 'r'`,
  );
  expect(tables.map(({ name }) => name)).toContain('pgautofailover.command');
  for (const { name } of tables) {
    const rows = await formation.probe.query(`SELECT to_jsonb(t) FROM ${name} AS t`);
    outputs.push(JSON.stringify(rows));
  }
  for (const member of formation.nodes) {
    outputs.push(await psql(member, 'SELECT to_jsonb(s) FROM pg_settings AS s; TABLE pg_stat_statements;'));
  }
  for (const secret of all) expect(outputs.join('\n')).not.toContain(secret);
});

it('has passwords in no arguments, environments and logs, and in closed files of two names only', () => {
  expect(watch.stop()).toEqual([]);
  const found = filesWith(directory, all).filter(({ path }) => !path.startsWith(join(directory, 'given')));
  const names = new Set(found.map(({ path }) => basename(path)));
  expect([...names].sort()).toEqual(['pg_autoctl.cfg', 'pg_autoctl.pgpass']);
  expect(found.filter(({ mode }) => mode !== '600')).toEqual([]);
});

it('would have found them', async () => {
  const [secret] = all;
  const log = formation.monitor.service?.logFile ?? '';
  appendFileSync(log, `\n${secret}`);
  expect(filesWith(directory, all).map(({ path }) => path)).toContain(log);
  expect(statSync(log).mode & 0o077).not.toBe(0);
  const again = new ProcessWatch(directory, all);
  const child = spawn('sleep', ['60'], { argv0: `sleep ${secret}`, cwd: directory });
  await expect.poll(() => again.stop().length, { timeout: 20_000 }).toBeGreaterThan(0);
  child.kill();
});
