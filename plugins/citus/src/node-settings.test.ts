import { expect, it } from 'vitest';
import { settingsFor } from './node-settings.js';

const node = { host: 'w1', port: 5432, sslmode: 'require', sslrootcert: null, sslcrl: null, settings: {} };

it('nodes reach each other as the formation’s TLS says', () => {
  expect(settingsFor(node)).toEqual({
    'citus.node_conninfo': expect.stringMatching(/^sslmode=require keepalives_idle=2 /),
    'citus.local_hostname': 'w1',
  });
  const verified = { ...node, sslmode: 'verify-ca', sslrootcert: '/etc/my ca.crt', sslcrl: '/etc/ca.crl' };
  expect(settingsFor(verified)['citus.node_conninfo']).toMatch(
    /^sslmode=verify-ca sslrootcert='\/etc\/my ca\.crt' sslcrl=\/etc\/ca\.crl /,
  );
});

it('a read replica reads from its own cluster', () => {
  expect(settingsFor({ ...node, settings: { secondary: 'true', cluster: 'readers' } })).toMatchObject({
    'citus.cluster_name': 'readers',
    'citus.use_secondary_nodes': 'always',
  });
});
