import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  parseConfig,
  printConfig,
  readConfigFile,
  readRole,
  writeConfigFile,
  warnOfOpenFile,
} from './file.js';
import { baseFolders, pathsFor, pathsUnder } from './paths.js';
import { resolve } from './precedence.js';
import { keeperSettings, monitorSettings, pluginSettings, type KeeperConfig } from './settings.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgaf-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

const read = (text: string) => parseConfig('/c.cfg', text, keeperSettings);
const config = (text: string): KeeperConfig => resolve(keeperSettings, { file: read(text) }).config;

describe('a configuration file', () => {
  it('is read with types and units, and written in the order of the schema', () => {
    const values = config(
      [
        '# a comment',
        '[postgresql]',
        'pgdata = /data/n1',
        'port=6010',
        '[pg_autoctl]',
        'monitor = postgres://autoctl_node@h:1/db?sslmode=require ; = #',
        'nodename = old.name',
        'name =',
        '[timeout]',
        'prepare_promotion_catchup = 30',
        'network_partition_timeout = 4500ms',
        '[ssl]',
        'active = 1',
      ].join('\r\n'),
    );
    expect(values.pgAutoctl).toEqual({
      role: 'keeper',
      monitor: 'postgres://autoctl_node@h:1/db?sslmode=require ; = #',
      formation: 'default',
      hostname: 'old.name',
    });
    expect(values.timeout.networkPartitionTimeout).toBe(4500);
    expect(printConfig(keeperSettings, values)).toBe(`[pg_autoctl]
role = keeper
monitor = postgres://autoctl_node@h:1/db?sslmode=require ; = #
formation = default
hostname = old.name

[postgresql]
pgdata = /data/n1
port = 6010
listen_addresses = *
proxyport = 0
hba_level = minimal

[ssl]
active = 1

[replication]
maximum_backup_rate = 100M
discard_old_data = 0

[timeout]
network_partition_timeout = 4500ms
postgresql_restart_failure_timeout = 20
postgresql_restart_failure_max_retries = 3
listen_notifications_timeout = 60
`);
  });

  it('reads back as it was written, whatever the texts', () => {
    const text = fc.string({ minLength: 1, unit: 'binary' });
    const port = fc.integer({ min: 1, max: 65535 });
    const timeout = fc.integer({ min: 3000, max: 10_000_000 });
    fc.assert(
      fc.property(text, text, port, timeout, fc.boolean(), (name, password, number, ms, active) => {
        const base = config('[postgresql]\npgdata = /d');
        const value: KeeperConfig = {
          ...base,
          pgAutoctl: { ...base.pgAutoctl, name },
          postgresql: { ...base.postgresql, port: number },
          ssl: { ...base.ssl, active },
          replication: { ...base.replication, password },
          timeout: { ...base.timeout, networkPartitionTimeout: ms },
        };
        expect(config(printConfig(keeperSettings, value))).toEqual(value);
      }),
    );
  }, 60_000);

  it.each([
    ['[timeout]\nnetwork_partition_timout = 3', '/c.cfg:2: timeout.network_partition_timout is no setting'],
    ['[tiemout]\nx = 3', '/c.cfg:1: [tiemout] is no section'],
    ['[postgresql]\n\nport', '/c.cfg:3: "port" is no "key = value"'],
    ['port = 1', '/c.cfg:1: "port" stands before the first [section]'],
    ['[postgresql]\nport = 1\nport = 2', '/c.cfg:3: postgresql.port stands on line 2 already'],
    [
      '[postgresql]\npgdata = /d\nport = many',
      '/c.cfg:3: "many" is not allowed for postgresql.port, which must be',
    ],
    [
      '[pg_autoctl]\nrole = monitor',
      '/c.cfg:2: "monitor" is not allowed for pg_autoctl.role, which must be one of',
    ],
  ])('with a fault in %j is refused with file and line', (text, message) => {
    let error: unknown;
    try {
      config(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      exit: 2,
      message: expect.stringContaining(message),
      hint: expect.any(String),
    });
  });

  it('reads over what stands for nothing here, and does not write it again', () => {
    const value = config('[postgresql]\npgdata = /d\n[replication]\nbackup_directory = /b');
    expect(value).toEqual(config('[postgresql]\npgdata = /d'));
    expect(printConfig(keeperSettings, value)).not.toContain('backup_directory');
  });

  it('keeps the section of a plugin that is not there, and reads that of one that is', async () => {
    const text = '[postgresql]\npgdata = /d\n[shards]\n; keep me\nwhat ever\nrole = primary\n';
    const earlier = read(text);
    const { config: values } = resolve(keeperSettings, { file: earlier });
    const path = join(folder, 'plugin.cfg');
    await writeConfigFile(path, keeperSettings, values, earlier);
    expect(await readFile(path, 'utf8')).toMatch(/\n\n\[shards\]\n; keep me\nwhat ever\nrole = primary\n$/);

    const shared = { key: 'proxyport', default: '0', section: 'postgresql' };
    const rows = pluginSettings([{ name: 'shards', options: [{ key: 'role', default: 'none' }, shared] }]);
    const file = parseConfig('/c.cfg', '[shards]\nrole = primary', [...keeperSettings, ...rows]);
    expect(resolve(rows, { file }).config).toEqual({ shards: { role: 'primary' } });
    expect(resolve(rows, {}).config).toEqual({ shards: { role: 'none' } });
  });

  it('is replaced in one step, for its owner alone, with its folders', async () => {
    const path = join(folder, 'a/b/pg_autoctl.cfg');
    await writeConfigFile(path, keeperSettings, config('[postgresql]\npgdata = /d'));
    await writeConfigFile(path, keeperSettings, config('[postgresql]\npgdata = /e'));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'a/b'))).toEqual(['pg_autoctl.cfg']);
    const file = await readConfigFile(path, keeperSettings);
    expect(resolve(keeperSettings, { file }).config.postgresql.pgdata).toBe('/e');
  });

  it('suggests what was meant', () => {
    expect(() => read('[tiemout]')).toThrow(expect.objectContaining({ hint: 'Did you mean [timeout]?' }));
    const mistyped = '[postgresql]\nprot = 5432';
    expect(() => read(mistyped)).toThrow(expect.objectContaining({ hint: 'Did you mean port?' }));
    expect(read('[shards]\nrole = x').foreign).toEqual([
      { name: 'shards', line: 1, lines: ['[shards]', 'role = x'] },
    ]);
  });

  it('is refused when others can write to it, or read its passwords', async () => {
    const path = join(folder, 'open.cfg');
    const text = '[postgresql]\npgdata = /d\n';
    await writeFile(path, text);
    await chmod(path, 0o644);
    await readConfigFile(path, keeperSettings);
    await chmod(path, 0o664);
    await expect(readConfigFile(path, keeperSettings)).rejects.toMatchObject({
      code: 'open-configuration',
      exit: 2,
      message: `${path}: others than its owner can write to it; its mode is 0664.`,
      hint: `Close it: chmod 600 '${path}'`,
    });
    await writeFile(path, `${text}[replication]\npassword = secret\n`);
    await chmod(path, 0o640);
    await expect(readConfigFile(path, keeperSettings)).rejects.toMatchObject({
      code: 'open-configuration',
      exit: 2,
      message: `${path}:4: replication.password can be read by others than the file's owner; its mode is 0640.`,
      hint: `Close it: chmod 600 '${path}'`,
    });
    await chmod(path, 0o600);
    await readConfigFile(path, keeperSettings);
  });

  it.each(['postgres://autoctl_node:hush@m:5432/pg_auto_failover', 'host=m password=hush'])(
    'is refused when others can read %s',
    async (monitor) => {
      const path = join(folder, 'open-monitor.cfg');
      await writeFile(path, `[pg_autoctl]\nmonitor = ${monitor}\n[postgresql]\npgdata = /d\n`);
      await chmod(path, 0o644);
      await expect(readConfigFile(path, keeperSettings)).rejects.toMatchObject({
        code: 'open-configuration',
        message: `${path}:2: pg_autoctl.monitor can be read by others than the file's owner; its mode is 0644.`,
      });
    },
  );

  it('is warned of when others can read it and no password is in it', async () => {
    const path = join(folder, 'readable.cfg');
    await writeFile(path, '[pg_autoctl]\nmonitor = postgres://autoctl_node@m/x\n[postgresql]\npgdata = /d\n');
    await chmod(path, 0o644);
    await readConfigFile(path, keeperSettings);
    expect(await warnOfOpenFile(path)).toBe(
      `${path} can be read by others than its owner (its mode is 0644), and is refused as soon as a password stands in it. Close it: chmod 600 '${path}'`,
    );
    await chmod(path, 0o600);
    expect(await warnOfOpenFile(path)).toBeNull();
  });

  it('says whose it is', async () => {
    const path = join(folder, 'role.cfg');
    await writeFile(path, '[postgresql]\nrole = x\n[pg_autoctl]\nhostname = h\n role=monitor\n[ssl]\n');
    expect(await readRole(path)).toBe('monitor');
    await writeFile(path, '[pg_autoctl]\nhostname = h\n[ssl]\nrole = x\n');
    expect(await readRole(path)).toBe('keeper');
    await writeFile(path, '[pg_autoctl]\nrole =\n role = "monitor"\n');
    expect(await readRole(path)).toBe('monitor');
    await writeFile(path, '[postgresql]\nport = x\n[pg_autoctl]\n\nrole = monitr\n');
    await expect(readRole(path)).rejects.toMatchObject({
      exit: 2,
      message: `${path}:5: "monitr" is not allowed for pg_autoctl.role, which must be monitor or keeper.`,
    });
  });

  it('that is missing is named', async () => {
    await expect(readConfigFile(join(folder, 'none.cfg'), monitorSettings)).rejects.toMatchObject({
      code: 'no-configuration',
      exit: 2,
      message: `There is no configuration file ${join(folder, 'none.cfg')}.`,
    });
  });
});

describe('the places of a node', () => {
  it('are those of pg_auto_failover', () => {
    expect(pathsUnder({ config: '/c', data: '/s', runtime: '/r' }, '/data/n1')).toEqual({
      pgdata: '/data/n1',
      config: '/c/pg_autoctl/data/n1/pg_autoctl.cfg',
      state: '/s/pg_autoctl/data/n1/pg_autoctl.state',
      init: '/s/pg_autoctl/data/n1/pg_autoctl.init',
      nodes: '/s/pg_autoctl/data/n1/nodes.json',
      pid: '/r/pg_autoctl/data/n1/pg_autoctl.pid',
      lease: '/r/pg_autoctl/data/n1/pg_autoctl.lease',
      passfile: '/c/pg_autoctl/data/n1/pg_autoctl.pgpass',
      expected: '/r/pg_autoctl/data/n1/pg_autoctl.pg',
    });
  });

  it('follow XDG, where relative folders and a runtime folder that is none do not count', () => {
    expect(baseFolders({}, '/home/u')).toEqual({
      config: '/home/u/.config',
      data: '/home/u/.local/share',
      runtime: '/tmp',
    });
    const env = { XDG_CONFIG_HOME: '/c', XDG_DATA_HOME: 'rel', XDG_RUNTIME_DIR: folder };
    expect(baseFolders(env, '/h')).toEqual({ config: '/c', data: '/h/.local/share', runtime: folder });
    expect(baseFolders({ XDG_RUNTIME_DIR: join(folder, 'none') }, '/h').runtime).toBe('/tmp');
  });

  it('are the same before and after the directory is made, and through a link', async () => {
    const real = join(folder, 'real');
    await mkdir(real);
    await symlink(real, join(folder, 'link'));
    const env = { HOME: folder };
    const before = pathsFor(join(folder, 'link/n1/'), env);
    expect(before.pgdata).toMatch(/\/real\/n1$/);
    await mkdir(join(real, 'n1'));
    expect(pathsFor(join(folder, 'link/n1'), env)).toEqual(before);
    expect(pathsFor(join(real, 'n1'), env)).toEqual(before);
  });
});
