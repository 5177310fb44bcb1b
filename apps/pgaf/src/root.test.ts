import { chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { freePort } from '@pgaf/core/testing/free-ports';
import { findUser, parsePasswdLine } from './system-users.js';
import { BIN, errorsOf, Sandbox, waitFor } from './testing/run-pgaf.js';

const sandbox = new Sandbox();
/** A checkout that root alone can enter. */
const closed = mkdtempSync(join(tmpdir(), 'pgaf-closed-'));
afterAll(async () => {
  await sandbox.dispose();
  rmSync(closed, { recursive: true });
});

const create = (pgdata: string, port: number): string[] => {
  const place = ['--pgdata', pgdata, '--pgport', String(port), '--hostname', '127.0.0.1'];
  return ['create', 'monitor', ...place, '--auth', 'trust', '--no-ssl'];
};

describe.runIf(process.getuid?.() === 0)('started by root', () => {
  it('becomes postgres, also from a checkout that postgres cannot enter', async () => {
    for (const name of ['bin', 'dist'])
      cpSync(join(dirname(BIN), '..', name), join(closed, name), { recursive: true });
    cpSync(join(dirname(BIN), '..', 'package.json'), join(closed, 'package.json'));
    expect(statSync(closed).mode & 0o777).toBe(0o700);
    const bin = join(closed, 'bin', 'run.js');
    const pgdata = sandbox.path('monitor');
    const created = await sandbox.run(create(pgdata, await freePort()), {}, bin);
    expect(created.status, created.stderr).toBe(0);
    expect(statSync(pgdata).uid).toBe(findUser('postgres')?.uid);
    const service = sandbox.start(['run', '--pgdata', pgdata], {}, bin);
    const answers = async () =>
      (await sandbox.run(['show', 'state', '--pgdata', pgdata], {}, bin)).status === 0;
    await waitFor('the monitor', answers);
    expect(statSync(`/proc/${service.pid}`).uid).toBe(findUser('postgres')?.uid);
  });

  it('drops the XDG folders that were root’s, and keeps those that it can use', async () => {
    const own = join(closed, 'xdg');
    mkdirSync(own, { mode: 0o700 });
    const pgdata = sandbox.path('other');
    const created = await sandbox.run(create(pgdata, await freePort()), { XDG_DATA_HOME: own });
    expect(created.status, created.stderr).toBe(0);
    expect(sandbox.tree()).toContain(`config/pg_autoctl${pgdata}`);
  });

  it('becomes the owner of the data directory', async () => {
    const nobody = findUser('nobody');
    const pgdata = sandbox.folder('nobodys');
    chownSync(pgdata, nobody?.uid ?? 0, nobody?.gid ?? 0);
    const other = await sandbox.run([...create(pgdata, await freePort()), '--os-user', 'postgres']);
    expect(errorsOf(other.stderr)[0]?.msg).toBe(
      `The data directory "${pgdata}" does not belong to "postgres".`,
    );
    expect(other.status).toBe(1);
  });

  it('names the user who cannot read a password file of root, and what to type', async () => {
    const file = join(closed, 'node.pw');
    writeFileSync(file, 'secret\n', { mode: 0o600 });
    const args = create(sandbox.path('with-password'), await freePort());
    const ended = await sandbox.run([...args, '--autoctl-node-password-file', file]);
    expect(errorsOf(ended.stderr)[0]).toMatchObject({
      msg: expect.stringContaining('the user "postgres"'),
      hint: expect.stringContaining(`chown postgres ${file}`),
    });
    expect(ended.status).toBe(1);
  });

  it('refuses a user that is none', async () => {
    for (const name of ['no-such-user', 'root']) {
      const ended = await sandbox.run([...create(sandbox.path('new'), 1), '--os-user', name]);
      expect(errorsOf(ended.stderr)[0]).toMatchObject({
        hint: expect.stringContaining('--os-user'),
      });
      expect(ended.status).toBe(1);
    }
  });
});

describe('a line of passwd', () => {
  it('is read, or is none', () => {
    expect(parsePasswdLine('pg:x:26:27:Postgres:/var/lib/pg:/bin/sh')).toEqual({
      name: 'pg',
      uid: 26,
      gid: 27,
      home: '/var/lib/pg',
    });
    for (const line of ['', '# comment', 'pg:x:a:b:::']) expect(parsePasswdLine(line)).toBeNull();
  });
});
