import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findBindir } from '@pgaf/postgres/binaries';
import type { Formation } from '@pgaf/testing/formation';
import { postgresOwner } from '@pgaf/testing/owner';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { layOutCitus } from './citus-formation.js';
import { citusVersion } from './real-citus.js';

const version = await citusVersion();

describe.skipIf(version === null)('beside a coordinator, a Citus node is not made', () => {
  let formation: Formation;
  let bindir = '';
  beforeAll(async () => {
    bindir = await findBindir({ env: process.env });
    formation = await layOutCitus(1);
    await formation.startNode(1, 'coordinator');
    await formation.onMonitor(['create', 'formation', '--formation', 'plain', '--kind', 'pgsql']);
    const plain = formation.node(2);
    plain.service = await plain.host.start(
      formation.createCommand(plain, 'postgres', ['--formation', 'plain']),
    );
    await formation.wait('both formations to have their node', async () => (await nodes()) === 2);
  });
  afterEach(() => {
    const { host } = formation.node(3);
    if (!existsSync(host.pgdata)) return;
    if (existsSync(join(host.pgdata, 'postmaster.pid'))) run('pg_ctl', 'stop', '-w', '-D', host.pgdata);
    rmSync(host.pgdata, { recursive: true });
  });
  afterAll(() => formation?.dispose());

  const run = (program: string, ...args: readonly string[]): void => {
    const options = { ...postgresOwner(), cwd: '/', stdio: 'ignore' as const };
    execFileSync(join(bindir, program), args, options);
  };
  /** In all formations, those that are what they are to be. */
  const nodes = async (): Promise<number | undefined> => {
    const [row] = await formation.probe.query<{ count: number }>(
      `SELECT count(*)::int FROM pgautofailover.node WHERE reportedstate = 'single'`,
    );
    return row?.count;
  };
  /** Of pgaf and of Postgres, but for what a Postgres writes that runs. */
  const filesOfNode = (): string[] => {
    const { directory } = formation.node(3).host;
    return ['config', 'share', 'run', 'data']
      .map((folder) => join(directory, folder))
      .filter((folder) => existsSync(folder))
      .flatMap((folder) => [folder, ...readdirSync(folder).map((name) => join(folder, name))]);
  };
  /** What is said; nothing was made. */
  const refusal = async (...words: readonly [role: string, ...flags: string[]]): Promise<string> => {
    const before = filesOfNode();
    const [role, ...flags] = words;
    const { host } = formation.node(3);
    const command = formation.createCommand(formation.node(3), role, flags);
    // Logs of a service are JSON.
    const { status, stderr } = await host.run(command.filter((word) => word !== '--run'));
    expect(status, stderr).not.toBe(0);
    expect(stderr).toContain('hint: ');
    expect(filesOfNode()).toEqual(before);
    expect(await nodes()).toBe(2);
    return stderr;
  };
  /** A data directory that pgaf has not made. */
  const initdb = (...autoConf: readonly string[]): void => {
    const { host, port } = formation.node(3);
    run('initdb', '--pgdata', host.pgdata, '--auth=trust', '--username=postgres');
    const settings = [`port = ${port}`, `unix_socket_directories = '${host.directory}'`];
    settings.push('wal_log_hints = on', `listen_addresses = '127.0.0.1'`);
    appendFileSync(join(host.pgdata, 'postgresql.conf'), `${settings.join('\n')}\n`);
    appendFileSync(join(host.pgdata, 'postgresql.auto.conf'), `${autoConf.join('\n')}\n`);
  };

  it('in a formation of plain Postgres', async () => {
    expect(await refusal('coordinator', '--formation', 'plain')).toContain(
      'formation "plain" is of kind pgsql and takes no node of kind citus',
    );
    expect(await refusal('worker', '--formation', 'plain', '--group', '1')).toContain(
      'Create the node in a formation of its own kind.',
    );
  });

  it('as plain Postgres in a formation of Citus', async () => {
    expect(await refusal('postgres')).toContain('is of kind citus and takes no node of kind pgsql');
  });

  it('with another database than the formation’s', async () => {
    const said = await refusal('worker', '--dbname', 'other');
    expect(said).toContain('formation "default" has the database "citus", not "other"');
    expect(said).toContain('Create the node with --dbname citus.');
  });

  it('as a coordinator of another group', async () => {
    expect(await refusal('coordinator', '--group', '1')).toContain('A coordinator is in group 0');
  });

  it('as a read replica without a primary', async () => {
    const flags = ['--citus-secondary', '--citus-cluster', 'readers', '--group', '1'];
    expect(await refusal('worker', ...flags)).toContain('The first node of a group is its primary');
  });

  it('where a file that is read after ours has Citus not first in shared_preload_libraries', async () => {
    initdb(`shared_preload_libraries = 'pg_stat_statements, citus'`);
    const said = await refusal('worker');
    expect(said).toMatch(
      /shared_preload_libraries is 'pg_stat_statements, citus' by .*postgresql\.auto\.conf:\d+/,
    );
    expect(said).toContain('ALTER SYSTEM RESET shared_preload_libraries');
  });

  it('where a file that is read after ours leaves too few prepared transactions', async () => {
    initdb(`max_prepared_transactions = '5'`);
    expect(await refusal('worker')).toMatch(/max_prepared_transactions is '5' by .*, and it must have '200'/);
  });

  it('of a Postgres that runs without Citus', async () => {
    initdb();
    const { host } = formation.node(3);
    run('pg_ctl', 'start', '-w', '-D', host.pgdata, '-l', join(host.directory, 'startup.txt'));
    const said = await refusal('worker');
    expect(said).toContain("needs a restart: shared_preload_libraries is '' and must be citus");
    expect(said).toContain('max_prepared_transactions is 0 and must be 200');
    expect(said).toContain('Stop it, then run the same command again');
  });
});
