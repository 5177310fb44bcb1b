import { describe, expect, expectTypeOf, it } from 'vitest';
import { parseConfig } from './file.js';
import { resolve } from './precedence.js';
import { describeNeedRestart, describeTaken, reload } from './reload.js';
import { keeperSettings, pluginSettings, type KeeperConfig } from './settings.js';

const config = (text: string): KeeperConfig =>
  resolve(keeperSettings, {
    file: parseConfig('/c.cfg', `[postgresql]\npgdata = /d\n${text}`, keeperSettings),
  }).config;

describe('reload', () => {
  it('does not say that the monitor has taken what it has yet to be asked for', () => {
    const before = config('[pg_autoctl]\nname = one');
    const after = config('[pg_autoctl]\nname = uno');
    expect(describeTaken(reload(keeperSettings, before, after))).toBe(
      'pg_autoctl.name is to be uno (was one) when the monitor takes it',
    );
  });

  it('takes what is reloadable, keeps the rest, and says both', () => {
    const before = config('port = 5432\n[timeout]\nnetwork_partition_timeout = 4\n[ssl]\nca_file = /ca');
    const after = config('port = 5433\n[timeout]\nnetwork_partition_timeout = 3500ms');
    const result = reload(keeperSettings, before, after);
    expectTypeOf(result.config).toEqualTypeOf<KeeperConfig>();
    expect(result.config).toEqual({
      ...before,
      ssl: after.ssl,
      timeout: { ...before.timeout, networkPartitionTimeout: 3500 },
    });
    expect(describeTaken(result)).toBe(
      'ssl.ca_file is now unset (was /ca); timeout.network_partition_timeout is now 3500ms (was 4)',
    );
    expect(describeNeedRestart(result)).toBe(
      'postgresql.port stays 5432 until a restart (the file says 5433)',
    );
  });

  it('names what waits for a restart again at the next reload, and not what was taken', () => {
    const after = config('port = 5433\nlisten_addresses = ::1');
    const first = reload(keeperSettings, config('port = 5432'), after);
    const second = reload(keeperSettings, first.config, after);
    expect(describeTaken(second)).toBeNull();
    expect(describeNeedRestart(second)).toBe(describeNeedRestart(first));
  });

  it('says nothing when nothing has changed', () => {
    const same = config('port = 5433');
    const result = reload(keeperSettings, same, same);
    expect(result.config).toEqual(same);
    expect([describeTaken(result), describeNeedRestart(result)]).toEqual([null, null]);
  });

  it('shows no secret', () => {
    const before = config('[replication]\npassword = old-one');
    const result = reload(keeperSettings, before, config('[replication]\npassword = new-one'));
    expect(describeTaken(result)).toBe('replication.password has a new value');
  });

  it('compares the sections of plugins by their rows', () => {
    const rows = pluginSettings([{ name: 'second', options: [{ key: 'wait', default: '1' }] }]);
    const read = (text: string) => resolve(rows, { file: parseConfig('/c.cfg', text, rows) }).config;
    const result = reload(rows, read(''), read('[second]\nwait = 2'));
    expect(describeTaken(result)).toBe('second.wait is now 2 (was 1)');
  });
});
