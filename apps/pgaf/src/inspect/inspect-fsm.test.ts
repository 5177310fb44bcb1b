import { afterAll, expect, it } from 'vitest';
import { Sandbox, errorsOf } from '../testing/run-pgaf.js';

const sandbox = new Sandbox();
afterAll(() => sandbox.dispose());

it('lists every way with its steps', async () => {
  const table = await sandbox.run(['inspect', 'fsm', 'list']);
  expect(table).toMatchObject({ status: 0, stderr: '' });
  expect(table.stdout).toMatch(/^ +Current State \| +Assigned State \| Steps\n/);
  expect(table.stdout).toMatch(
    / primary \| +draining \| checkpoint, verifyTarget, stopPostgres, recordStop\n/,
  );
  const json = JSON.parse((await sandbox.run(['inspect', 'fsm', 'list', '--json'])).stdout) as object[];
  expect(json).toContainEqual({ from: 'secondary', to: 'wait_maintenance', steps: [] });
});

it('finds that rules and edges fit together', async () => {
  expect(await sandbox.run(['inspect', 'fsm', 'check'])).toMatchObject({ status: 0 });
  const { stdout } = await sandbox.run(['inspect', 'fsm', 'check', '--json']);
  expect(JSON.parse(stdout)).toEqual({ ok: true, mismatches: [] });
});

it('draws the states', async () => {
  const { status, stdout } = await sandbox.run(['inspect', 'fsm', 'mermaid']);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^stateDiagram-v2\n/);
  expect(stdout).toContain('  wait_primary --> primary\n');
});

it.each([
  [['--kind', 'unheard'], 2, /no plugin for the formation kind "unheard"/],
  [['--role', 'unheard'], 1, /have no role "unheard"/],
])('refuses %j', async (flags, status, message) => {
  const ended = await sandbox.run(['inspect', 'fsm', 'list', ...flags]);
  expect(ended.status).toBe(status);
  expect(errorsOf(ended.stderr)[0]?.msg).toMatch(message);
});
