import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { parseConfig } from './file.js';
import { describeSource, resolve, type Inputs } from './precedence.js';
import { keeperSettings, monitorSettings, nameOf, type KeeperConfig } from './settings.js';
import { allowedFor, parseValue, printValue } from './value.js';

const file = (text: string) => parseConfig('/c.cfg', text, keeperSettings);
const PGDATA = { PGDATA: '/d' };

describe('resolve', () => {
  it('refuses a duration that is too short, and writes days as such', () => {
    const age = monitorSettings.find(({ key }) => key === 'maximum_age');
    if (!age) throw new Error('no such setting');
    expect(parseValue(age, '59min')).toBeUndefined();
    expect(allowedFor(age)).toMatch(/of at least 3600$/);
    expect(printValue(age, parseValue(age, '2160h') ?? 0)).toBe('90d');
  });

  it('takes the flag, else the variable, else the file, else the default, and says which', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), fc.boolean(), (flag, env, inFile) => {
        const inputs: Inputs = {
          flags: { pgdata: '/d', pgport: flag ? 1 : undefined },
          env: { PGPORT: env ? '2' : '' },
          file: file(inFile ? '[postgresql]\nport = 3' : ''),
        };
        const { config, sources } = resolve(keeperSettings, inputs);
        const expected = flag
          ? [1, '--pgport']
          : env
            ? [2, 'PGPORT']
            : inFile
              ? [3, '/c.cfg:2']
              : [5432, 'the default'];
        const source = sources.get('postgresql.port');
        expect([config.postgresql.port, source && describeSource(source)]).toEqual(expected);
      }),
    );
  });

  it.each<[string, Inputs, object]>([
    [
      'a flag',
      { flags: { pgport: '70000' }, env: PGDATA },
      {
        code: 'bad-setting',
        exit: 1,
        message:
          '--pgport: "70000" is not allowed for postgresql.port, which must be a whole number from 1 to 65535.',
        hint: 'Correct --pgport.',
      },
    ],
    [
      'a variable',
      { env: { ...PGDATA, PGPORT: 'x' } },
      { exit: 1, message: expect.stringMatching(/^PGPORT: "x"/) },
    ],
    [
      'the file',
      { env: PGDATA, file: file('[ssl]\n\nactive = maybe') },
      { exit: 2, message: expect.stringMatching(/^\/c\.cfg:3: "maybe" .* 0 or 1\.$/) },
    ],
    [
      'nowhere',
      {},
      {
        code: 'missing-setting',
        exit: 1,
        hint: 'Set --pgdata or PGDATA or postgresql.pgdata in the configuration file.',
      },
    ],
  ])('refuses a bad value from %s', (_, inputs, expected) => {
    let error: unknown;
    try {
      resolve(keeperSettings, inputs);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject(expected);
  });

  it('gives the defaults of our own', () => {
    const { config } = resolve(keeperSettings, { env: PGDATA });
    expect(config.timeout).toEqual({
      networkPartitionTimeout: 4000,
      postgresqlRestartFailureTimeout: 20_000,
      postgresqlRestartFailureMaxRetries: 3,
      listenNotificationsTimeout: 60_000,
    });
    expect(resolve(monitorSettings, { env: PGDATA }).config.pgAutoctl.role).toBe('monitor');
  });

  it('is typed by the schema', () => {
    expectTypeOf<KeeperConfig['postgresql']['port']>().toEqualTypeOf<number>();
    expectTypeOf<KeeperConfig['postgresql']['pgdata']>().toEqualTypeOf<string>();
    expectTypeOf<KeeperConfig['pgAutoctl']['monitor']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<KeeperConfig['postgresql']['hbaLevel']>().toEqualTypeOf<'skip' | 'minimal' | 'app'>();
    expectTypeOf<KeeperConfig['timeout']['networkPartitionTimeout']>().toEqualTypeOf<number>();
  });
});

describe('the schemas', () => {
  it.each([
    ['keeper', keeperSettings],
    ['monitor', monitorSettings],
  ])('%s: names are unique, and defaults are values that the file may hold', (_, schema) => {
    const names = schema.map(nameOf);
    expect(new Set(names).size).toBe(names.length);
    for (const setting of schema) {
      if (!('default' in setting)) continue;
      expect(parseValue(setting, printValue(setting, setting.default)), allowedFor(setting)).toBe(
        setting.default,
      );
    }
  });
});
