import { expect, test } from 'vitest';
import { atRest, twoNodes, until } from './testing/test-nodes.js';

test('the target of a switchover says what it has when its primary has ended the stream, and need not promise first', async () => {
  const { monitor, first } = await twoNodes();
  await first.sql.query('CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)');
  monitor.command({ kind: 'perform_failover' });
  const goals: string[] = [];
  await until('it has taken over', monitor, () => {
    const { goal } = monitor.node(2);
    if (goals.at(-1) !== goal) goals.push(goal);
    return monitor.node(2).reported === 'primary' && monitor.node(1).reported === 'secondary';
  });
  expect(goals).not.toContain('prepare_promotion');
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
});
