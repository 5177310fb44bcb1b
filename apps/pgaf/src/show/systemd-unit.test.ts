import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { systemdUnit } from './systemd-unit.js';

const directory = mkdtempSync(join(tmpdir(), 'pgaf-unit-'));
afterAll(() => rmSync(directory, { recursive: true }));

const plain = {
  pgdata: '/srv/pg',
  user: 'postgres',
  home: '/var/lib/postgresql',
  program: ['/usr/bin/node', '/usr/local/bin/pgaf'],
  environment: {},
};

describe('a unit', () => {
  it('runs the service, signals it alone, and reloads it', () => {
    const lines = systemdUnit(plain).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'User=postgres',
        'WorkingDirectory=-/var/lib/postgresql',
        'Environment="PGDATA=/srv/pg"',
        'ExecStart=/usr/bin/node /usr/local/bin/pgaf run',
        'ExecReload=/usr/bin/node /usr/local/bin/pgaf reload',
        'Restart=always',
        'StartLimitBurst=20',
        'KillMode=process',
        'WantedBy=multi-user.target',
      ]),
    );
  });

  it('means each sign of a path as it stands', () => {
    const unit = systemdUnit({
      ...plain,
      pgdata: '/srv/50%/a "b"\\c',
      program: ['/usr/bin/node', '/opt/p g/$HOME/pgaf'],
      environment: { PGAF_PLUGINS: '/a\nUser=root' },
    });
    expect(unit).toContain('\nEnvironment="PGDATA=/srv/50%%/a \\"b\\"\\\\c"\n');
    expect(unit).toContain('\nEnvironment="PGAF_PLUGINS=/a\\x0aUser=root"\n');
    expect(unit).toContain('\nExecStart=/usr/bin/node "/opt/p g/$$HOME/pgaf" run\n');
    expect(unit.match(/^User=/gm)).toHaveLength(1);
  });
});

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

describe.runIf(hasSystemd)('where systemd can be asked', () => {
  it('is valid, with odd paths too', () => {
    const script = join(directory, 'p g$1');
    writeFileSync(script, '#!/bin/sh\n');
    chmodSync(script, 0o755);
    const unit = join(directory, 'pgautofailover.service');
    const text = systemdUnit({
      pgdata: `${directory}/50% "a"`,
      user: userInfo().username,
      home: directory,
      program: [process.execPath, script],
      environment: { PGAF_PLUGINS: `${directory}/b c` },
    });
    writeFileSync(unit, text);
    // Whatever it complains of names the file; other units of the host are not our affair.
    const ended = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' });
    expect(ended.stderr.split('\n').filter((line) => line.includes('pgautofailover'))).toEqual([]);
    writeFileSync(unit, text.replace('KillMode=process', 'KillMode=nonsense'));
    const wrong = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' });
    expect(wrong.stderr).toContain('nonsense');
  });
});
