import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { atRest, twoNodes, until } from './testing/test-nodes.js';

test('a keeper that cannot write its state goes on, and does what it was told when it can', async () => {
  const { monitor, first, second } = await twoNodes();
  const folders = [first, second].map((node) => dirname(node.config.statePath));
  for (const folder of folders) chmodSync(folder, 0o500);
  try {
    monitor.command({ kind: 'perform_failover' });
    await until('the keeper says what is wrong', monitor, () =>
      /state/.test(monitor.node(1).report.facts.waitingFor ?? ''),
    );
    expect(monitor.node(1).reported).toBe('primary');
    expect(await first.sql.query('SELECT 1')).toHaveLength(1);
  } finally {
    for (const folder of folders) chmodSync(folder, 0o700);
  }
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
});
