import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '@pgaf/core/testing/free-ports';
import { readPidFile } from './pid-file.js';
import { errorsOf, Sandbox, waitFor } from './testing/run-pgaf.js';

const sandbox = new Sandbox();
const env: Record<string, string> = {};
const at = (member: string): string[] => ['--pgdata', sandbox.path(member)];
const state = async (): Promise<string> => (await sandbox.run(['show', 'state'], env)).stdout;
const keeperPid = (member: string): number => {
  const file = readPidFile(`${sandbox.path('run')}/pg_autoctl${sandbox.path(member)}/pg_autoctl.pid`);
  if (!file?.alive) throw new Error(`the keeper of ${member} does not run`);
  return file.service.pid;
};
const stable = async (): Promise<boolean> => {
  const table = await state();
  return / primary \|\s+primary/.test(table) && / secondary \|\s+secondary/.test(table);
};

beforeAll(async () => {
  const port = String(await freePort());
  env['PG_AUTOCTL_MONITOR'] = `postgres://autoctl_node@127.0.0.1:${port}/pg_auto_failover?sslmode=prefer`;
  const place = ['--pgport', port, '--hostname', '127.0.0.1'];
  sandbox.start(['create', 'monitor', ...at('monitor'), ...place, '--auth', 'trust', '--no-ssl', '--run']);
  await waitFor('the monitor', async () => (await sandbox.run(['show', 'state'], env)).status === 0);
}, 60_000);

afterAll(() => sandbox.dispose());

describe('two nodes, command by command', () => {
  it('are created without --run and left stopped', async () => {
    for (const name of ['one', 'two']) {
      const place = ['--pgport', String(await freePort()), '--name', name];
      const create = [
        'create',
        'postgres',
        ...at(name),
        ...place,
        '--auth',
        'trust',
        '--no-ssl',
        '--pg-hba-lan',
      ];
      // The second one is copied from the first, which must run for that.
      const created = await sandbox.run(create, env);
      expect(created.status, created.stderr).toBe(0);
      expect(existsSync(`${sandbox.path(name)}/postmaster.pid`)).toBe(false);
      expect((await sandbox.run(['status', ...at(name)])).status).toBe(3);
      sandbox.start(['run', ...at(name)]);
      await waitFor(`${name} to run`, async () => (await sandbox.run(['status', ...at(name)])).status === 0);
    }
    await waitFor('a primary and a secondary', stable);
  }, 90_000);

  it('found out how the other hosts reach them from the route to the monitor', async () => {
    expect(await state()).toMatch(/ one \|.* 127\.0\.0\.1:\d+ \|/);
  });

  it('have a state file, which is shown as it is', async () => {
    const folder = `${sandbox.path('data')}/pg_autoctl${sandbox.path('one')}`;
    const show = async (...args: string[]) =>
      (await sandbox.run(['show', 'file', ...at('one'), ...args])).stdout;
    expect(await show('--state')).toBe(`${folder}/pg_autoctl.state\n`);
    const titles = (await show()).split('\n').map((line) => line.split('|')[0]?.trim());
    expect(titles.slice(2, 5)).toEqual(['Config', 'State', 'Pid']);
    expect(JSON.parse(await show('-sC'))).toMatchObject({ version: 1, name: 'one', nodeId: 1, group: 0 });
  });

  it('write their lines of pg_hba.conf again at a reload', async () => {
    const hba = `${sandbox.path('two')}/pg_hba.conf`;
    const before = readFileSync(hba, 'utf8');
    const pid = keeperPid('two');
    const without = before.replace(/^host.*pgautofailover_replicator.*$/gm, '');
    expect(without).not.toBe(before);
    writeFileSync(hba, without);
    expect((await sandbox.run(['reload', ...at('two')])).status).toBe(0);
    await waitFor('the lines', () => readFileSync(hba, 'utf8') === before);
    expect(keeperPid('two')).toBe(pid);
  }, 60_000);

  it('switch over, and say it line by line', async () => {
    const ended = await sandbox.run(['perform', 'switchover', ...at('monitor')]);
    expect(ended.status, ended.stderr).toBe(0);
    const lines = ended.stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(
      /^ {4}Time \| +Name \| +Node \| +Host:Port \| +Current State \| +Assigned State$/,
    );
    expect(lines[1]).toMatch(/^-{9}\+-+\+-+\+-+\+-+\+-+$/);
    expect(lines.at(-1)).toMatch(/^\d\d:\d\d:\d\d \| +two \| .* primary \| +primary$/);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    await waitFor('both to be stable', stable);
  }, 60_000);

  it('start under another name and on another port, once the monitor has taken them', async () => {
    const config = `${sandbox.path('config')}/pg_autoctl${sandbox.path('one')}/pg_autoctl.cfg`;
    const twice = await sandbox.run(['run', ...at('one'), '--name', 'other']);
    expect(twice.status).toBe(12);
    expect(errorsOf(twice.stderr)[0]?.msg).toMatch(/^A service for ".*" is running already, with pid \d+\.$/);
    expect((await sandbox.run(['stop', ...at('one')])).status).toBe(0);

    const before = readFileSync(config, 'utf8');
    const bad = await sandbox.run(['run', ...at('one'), '--pgport', 'high']);
    expect(bad.status, bad.stderr).toBe(1);
    const taken = await sandbox.run(['run', ...at('one'), '--name', 'two']);
    expect(taken.status, taken.stderr).toBe(6);
    expect(readFileSync(config, 'utf8')).toBe(before);

    const port = await freePort();
    sandbox.start(['run', ...at('one'), '--name', 'uno', '--pgport', String(port)]);
    await waitFor('its new row', async () =>
      new RegExp(` uno \\|.* 127\\.0\\.0\\.1:${port} \\|`).test(await state()),
    );
    await waitFor('both to be stable', stable);
    expect(readFileSync(config, 'utf8')).toMatch(/^name = uno$/m);
    const local = await sandbox.run(['show', 'state', '--local', ...at('one'), '--json']);
    expect(JSON.parse(local.stdout)).toMatchObject({ nodename: 'uno' });
    const back = await sandbox.run(['stop', ...at('one')]);
    expect(back.status).toBe(0);
    sandbox.start(['run', ...at('one'), '--name', 'one']);
    await waitFor('both to be stable', async () => (await stable()) && / one \|/.test(await state()));
  }, 120_000);

  it('keep a primary that cannot hand over, unless forced', async () => {
    process.kill(keeperPid('two'), 'SIGKILL');
    const ended = await sandbox.run(['drop', 'node', ...at('two'), '--destroy']);
    expect(ended.status, ended.stderr).toBe(3);
    expect(errorsOf(ended.stderr)[0]).toMatchObject({
      msg: expect.stringContaining('cannot hand over'),
      hint: expect.stringContaining('--force'),
    });
    expect(existsSync(sandbox.path('two'))).toBe(true);
    sandbox.start(['run', ...at('two')]);
    await waitFor('its service', async () => (await sandbox.run(['status', ...at('two')])).status === 0);
    await waitFor('both to be stable', stable);
  }, 60_000);

  it('are dropped by name from elsewhere, and by themselves with everything', async () => {
    const away = await sandbox.run(['drop', 'node', '--name', 'one'], env);
    expect(away.status, away.stderr).toBe(0);
    expect(await state()).not.toMatch(/ one \|/);
    await waitFor(
      'its service to end',
      async () => (await sandbox.run(['status', ...at('one')])).status === 3,
    );
    const config = `${sandbox.path('config')}/pg_autoctl${sandbox.directory}`;
    expect(readdirSync(config)).toContain('one');
    const here = await sandbox.run(['drop', 'node', ...at('two'), '--destroy']);
    expect(here.status, here.stderr).toBe(0);
    expect(existsSync(sandbox.path('two'))).toBe(false);
    expect(readdirSync(config)).not.toContain('two');
    expect((await sandbox.run(['show', 'state', '--json'], env)).stdout).toBe('[]\n');
    const gone = await sandbox.run(['perform', 'failover'], env);
    expect(errorsOf(gone.stderr)[0]?.msg).toBe('The formation "default" has no nodes.');
  }, 90_000);
});
