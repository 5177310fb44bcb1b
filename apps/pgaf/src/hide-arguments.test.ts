import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Sandbox, waitFor } from './testing/run-pgaf.js';
import { SilentServer } from './testing/silent-server.js';

const sandbox = new Sandbox();
let silent: SilentServer;

beforeAll(async () => {
  silent = await SilentServer.start();
});

afterAll(async () => {
  silent?.close();
  await sandbox.dispose();
});

it('takes a password out of the process list, and says that it stood there', async () => {
  const uri = `postgres://autoctl_node:hush@127.0.0.1:${silent.port}/pg_auto_failover?connect_timeout=30`;
  const child = sandbox.start(['show', 'state', '--monitor', uri]);
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const seen = (): string => readFileSync(`/proc/${child.pid}/cmdline`, 'utf8');
  await waitFor('the password to be gone', () => seen().startsWith('pgaf\0') && !seen().includes('hush'));
  await waitFor('a warning', () => /WARN .*password/.test(stderr));
  expect(stderr).not.toContain('hush');
  expect(stderr).toContain('--autoctl-node-password-file');
});
