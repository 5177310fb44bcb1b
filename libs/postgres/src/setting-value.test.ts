import { expect, test } from 'vitest';
import { fallsShort, isAsGood, isSameValue } from './setting-value.js';

const time = { vartype: 'integer', unit: 'ms' };
const blocks = { vartype: 'integer', unit: '8kB' };
const size = { vartype: 'integer', unit: 'MB' };

test('values are compared as Postgres reads them', () => {
  expect(isSameValue('5s', '5000', time)).toBe(true);
  expect(isSameValue('1min', '60s', time)).toBe(true);
  expect(isSameValue('5s', '5001', time)).toBe(false);
  expect(isSameValue('1GB', '1024', size)).toBe(true);
  expect(isSameValue('128MB', '16384', blocks)).toBe(true);
  expect(isSameValue('-1', '0', size)).toBe(false);
  expect(isSameValue('yes', 'on', { vartype: 'bool', unit: '' })).toBe(true);
  expect(isSameValue('FALSE', 'off', { vartype: 'enum', unit: '' })).toBe(true);
  expect(isSameValue('true', 'on', { vartype: 'string', unit: '' })).toBe(false);
});

test('what gives more than is needed is as good', () => {
  const plain = { vartype: 'integer', unit: '' };
  const word = { vartype: 'enum', unit: '' };
  expect(isAsGood('max_wal_senders', '50', '12', plain)).toBe(true);
  expect(isAsGood('max_wal_senders', '5', '12', plain)).toBe(false);
  expect(isAsGood('wal_keep_size', '2GB', '1GB', size)).toBe(true);
  expect(isAsGood('wal_level', 'logical', 'replica', word)).toBe(true);
  expect(isAsGood('wal_level', 'minimal', 'replica', word)).toBe(false);
  expect(isAsGood('synchronous_commit', 'remote_apply', 'on', word)).toBe(true);
  for (const weak of ['off', 'local', 'remote_write', 'no'])
    expect(isAsGood('synchronous_commit', weak, 'on', word)).toBe(false);
});

test('libraries that a formation kind wants come first, in their order', () => {
  const loads = (value: string, wanted: string) =>
    isAsGood('shared_preload_libraries', value, wanted, { vartype: 'string', unit: '' });
  expect(loads('one, pg_stat_statements', 'pg_stat_statements')).toBe(true);
  expect(loads('columns,pg_stat_statements,one', 'columns, pg_stat_statements')).toBe(true);
  expect(loads('columns, one', 'columns')).toBe(true);
  expect(loads('pg_stat_statements, columns', 'columns, pg_stat_statements')).toBe(false);
  expect(loads('one, columns', 'columns')).toBe(false);
  expect(loads('one', 'columns')).toBe(false);
  expect(loads('', 'pg_stat_statements')).toBe(false);
});

test('a value falls short where it is known to give less', () => {
  expect(fallsShort('wal_level', 'replica', 'logical')).toBe(true);
  expect(fallsShort('max_prepared_transactions', '0', '200')).toBe(true);
  expect(fallsShort('max_prepared_transactions', '500', '200')).toBe(false);
  expect(fallsShort('shared_preload_libraries', 'auto_explain', 'columns')).toBe(true);
  expect(fallsShort('columns.recover_2pc_interval', '1min', '5s')).toBe(false);
});
