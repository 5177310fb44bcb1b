import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findUser } from '../system-users.js';
import type { Sandbox } from './run-pgaf.js';

/** Runs SQL in the database of the sandbox's monitor, which runs, as the superuser that pgaf runs as. */
export function asSuperuserOfMonitor(sandbox: Sandbox, sql: string): void {
  const [, , , port = '', socket = ''] = readFileSync(sandbox.path('monitor/postmaster.pid'), 'utf8').split(
    '\n',
  );
  const config = readFileSync(
    sandbox.path(`config/pg_autoctl${sandbox.path('monitor')}/pg_autoctl.cfg`),
    'utf8',
  );
  const bindir = dirname(/^pg_ctl = (.*)$/m.exec(config)?.[1] ?? '');
  const owner = process.getuid?.() === 0 ? findUser('postgres') : null;
  execFileSync(
    join(bindir, 'psql'),
    ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-h', socket, '-p', port, '-d', 'pg_auto_failover', '-c', sql],
    {
      cwd: '/',
      ...(owner ? { uid: owner.uid, gid: owner.gid, env: { ...process.env, USER: owner.name } } : {}),
    },
  );
}
