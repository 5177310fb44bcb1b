import { expect, it } from 'vitest';
import { withoutSecrets } from './hide-secrets.js';

it('hides passwords, whole lines of them and those inside of connection strings', () => {
  const file = [
    '[pg_autoctl]',
    'monitor = postgres://autoctl_node:first@host/pg_auto_failover?sslmode=require',
    'autoctl_node_password = second word',
    '[replication]',
    'password="third one"',
    'maximum_backup_rate = 100M',
    'password =',
  ].join('\n');
  expect(withoutSecrets(file)).toBe(
    [
      '[pg_autoctl]',
      'monitor = postgres://autoctl_node:***@host/pg_auto_failover?sslmode=require',
      'autoctl_node_password = ***',
      '[replication]',
      'password=***',
      'maximum_backup_rate = 100M',
      'password =',
    ].join('\n'),
  );
});
