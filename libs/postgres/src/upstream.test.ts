import { expect, test } from 'vitest';
import { upstreamConninfo } from './upstream.js';

test('names the standby and quotes what must be', () => {
  const upstream = {
    host: 'n1',
    port: 5501,
    user: 'r',
    dbname: 'my db',
    passfile: '/x/my pass',
    sslMode: 'require',
  } as const;
  const text = upstreamConninfo(upstream, 'pgautofailover_standby_2');
  for (const word of [
    'application_name=pgautofailover_standby_2',
    'host=n1',
    'port=5501',
    'user=r',
    `dbname='my db'`,
  ]) {
    expect(text).toContain(word);
  }
  expect(text).toContain('sslmode=require');
  expect(text).toContain(`passfile='/x/my pass'`);
});
