import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { hbaFile, renderHbaRule, withHbaRules, writeHbaRules, type HbaRule } from './hba.js';
import { reloadAndWait } from './reload.js';
import { newPrimary } from './testing/servers.js';

const RULES: HbaRule[] = [
  { type: 'local', database: 'all', user: 'all', method: 'trust' },
  {
    type: 'hostssl',
    database: 'replication',
    user: 'r',
    address: '10.0.0.1',
    method: 'cert',
    options: 'map=pgautofailover',
  },
  { type: 'host', database: 'a"b', user: 'all', address: 'fe80::1', method: 'scram-sha-256' },
  { type: 'host', database: 'all', user: 'all', address: '10.0.0.0/8', method: 'reject' },
  { type: 'host', database: 'all', user: 'all', address: 'node2.local', method: 'trust' },
];

test('a rule is rendered as Postgres reads it', () => {
  expect(RULES.map(renderHbaRule)).toEqual([
    'local all all trust',
    'hostssl replication "r" 10.0.0.1/32 cert map=pgautofailover',
    'host "a""b" all fe80::1/128 scram-sha-256',
    'host all all 10.0.0.0/8 reject',
    'host all all node2.local trust',
  ]);
  expect(() => renderHbaRule({ type: 'host', database: 'all', user: 'all', method: 'trust' })).toThrow(
    /no address/,
  );
  expect(() => renderHbaRule({ type: 'local', database: 'all', user: 'a\nb', method: 'trust' })).toThrow(
    /line break/,
  );
});

test('the block stands first and once, other bytes stay', () => {
  const rest = '# caf\xe9 in Latin-1\nhost all all 0.0.0.0/0 md5';
  const once = withHbaRules(rest, RULES, 'pg_hba.conf');
  expect(once.endsWith(rest)).toBe(true);
  expect(withHbaRules(once, RULES, 'pg_hba.conf')).toBe(once);
  expect(withHbaRules(`# moved above\n${once}`, [], 'pg_hba.conf')).toMatch(
    /^# BEGIN pgaf.*\n# END pgaf\n# moved above\n# caf/,
  );
});

test('Postgres reads the rules, whatever the names', async () => {
  const one = await newPrimary();
  const names = ['naïve', 'a"b', '"', 'two words', 'a,b', '#', '@file', '+role', '\\', 'host', "it's", ' '];
  const rules: HbaRule[] = [
    { type: 'local', database: 'all', user: 'all', method: 'trust' },
    ...names.map((name) => {
      return { type: 'host', database: name, user: name, address: '127.0.0.1', method: 'reject' } as const;
    }),
  ];
  expect(await writeHbaRules(one.pgdata, rules)).toBe('changed');
  expect(await writeHbaRules(one.pgdata, rules)).toBe('unchanged');
  await reloadAndWait(one.client, one.server);
  const lines = await one.client.query(
    `SELECT type, database, user_name, address, auth_method, error
       FROM pg_hba_file_rules ORDER BY line_number LIMIT ${rules.length}`,
  );
  expect(lines).toEqual(
    rules.map(({ type, database, user, address, method }) => ({
      type,
      database: [database],
      user_name: [user],
      address: address ?? null,
      auth_method: method,
      error: null,
    })),
  );
  expect(await readFile(hbaFile(one.pgdata), 'utf8')).toMatch(/^# BEGIN pgaf/);
});
