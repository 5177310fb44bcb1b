import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { resolve } from '@pgaf/config/precedence';
import { monitorSettings } from '@pgaf/config/settings';
import { freePort } from '@pgaf/core/testing/free-ports';
import { DEFAULT_SETTINGS } from '@pgaf/monitor/monitor-settings';
import { Sandbox, waitFor } from '../testing/run-pgaf.js';
import { settingsOf } from './monitor-in-force.js';

vi.setConfig({ testTimeout: 60_000 });

const sandbox = new Sandbox();
const pgdata = sandbox.path('monitor');
const here = ['--pgdata', pgdata];
const file = `${sandbox.path('config')}/pg_autoctl${pgdata}/pg_autoctl.cfg`;
let log = '';
let servicePid = 0;
let port = 0;

beforeAll(async () => {
  port = await freePort();
  const place = ['--pgport', String(port), '--hostname', '127.0.0.1', '--auth', 'trust', '--no-ssl'];
  const service = sandbox.start(['create', 'monitor', ...here, ...place, '--run']);
  servicePid = service.pid ?? 0;
  service.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
  await waitFor('the monitor', async () => (await sandbox.run(['show', 'state', ...here])).status === 0);
}, 90_000);

afterAll(() => sandbox.dispose());

/** Edits the file, reloads, and returns what the log says of it. */
async function reload(edit: (text: string) => string, said: RegExp): Promise<string> {
  const before = log.length;
  writeFileSync(file, edit(readFileSync(file, 'utf8')));
  expect((await sandbox.run(['reload', ...here])).status).toBe(0);
  await waitFor(`the log to say ${said}`, () => said.test(log.slice(before)));
  return log.slice(before);
}

test('the file of a monitor says what it goes by, and its defaults are those of the service', () => {
  expect(readFileSync(file, 'utf8')).toMatch(/\[history\]\nmaximum_age = 90d\nmaximum_rows = 100000\n/);
  const { config } = resolve(monitorSettings, { flags: { pgdata } });
  expect(settingsOf(config)).toEqual(DEFAULT_SETTINGS);
});

test('a reload takes what it can, and names what waits for a restart', async () => {
  const said = await reload(
    (text) =>
      text
        .replace('health_check_period = 1', 'health_check_period = 500ms')
        .replace(`port = ${port}`, 'port = 1'),
    /Not taken by a reload/,
  );
  expect(said).toContain('timeout.health_check_period is now 500ms (was 1)');
  expect(said).toContain(`postgresql.port stays ${port} until a restart (the file says 1)`);
  const back = await reload((text) => text.replace('port = 1\n', `port = ${port}\n`), /nothing to take/);
  expect(back).not.toContain('Not taken');
});

test('a file that is wrong is named with its line, and what was in force goes on', async () => {
  const before = log.length;
  writeFileSync(file, readFileSync(file, 'utf8').replace('maximum_rows = 100000', 'maximum_rows = few'));
  const refused = await sandbox.run(['reload', ...here]);
  expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining('pg_autoctl.cfg:') });
  process.kill(servicePid, 'SIGHUP');
  await waitFor('the log to say so', () => /The reload has failed/.test(log.slice(before)));
  const said = log.slice(before);
  const line = readFileSync(file, 'utf8').split('\n').indexOf('maximum_rows = few') + 1;
  expect(said).toContain(`pg_autoctl.cfg:${line}`);
  const uri = `postgres://autoctl_node@127.0.0.1:${port}/pg_auto_failover?sslmode=prefer`;
  expect((await sandbox.run(['show', 'state', '--monitor', uri])).status).toBe(0);
  await reload((text) => text.replace('maximum_rows = few', 'maximum_rows = 5000'), /is now 5000/);
});

test('the level of the log is one of the settings', async () => {
  await reload((text) => `${text}\n[log]\nlevel = debug\n`, /log\.level is now debug \(was unset\)/);
});
