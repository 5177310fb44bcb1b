import type { State } from '@pgaf/core/states';
import { withGoal } from '@pgaf/fsm/group';
import { livingProcess, sendSignal } from '@pgaf/postgres/processes';
import { expect, test } from 'vitest';
import { DEFAULT_PACE } from './node-config.js';
import { twoNodes, until } from './testing/test-nodes.js';

test('an order is heard before the look at Postgres that its news begins has ended', async () => {
  const { monitor, second } = await twoNodes();
  // Nothing is decided any more but what the test orders.
  monitor.seesNothing = true;
  await second.end('handOff');
  second.pace = { ...DEFAULT_PACE, calm: 60_000 };
  second.run();
  const { keeper } = second;
  const goals: State[] = [];
  keeper?.onPass(({ goal }) => goals.push(goal));
  await until('the keeper is calm', monitor, () => goals.length > 0 && keeper?.waitingFor === null);

  const sessions = await second.sql.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE application_name = 'pgaf keeper' AND pid <> pg_backend_pid()`,
  );
  const frozen = sessions.flatMap(({ pid }) => livingProcess(pid) ?? []);
  for (const one of frozen) sendSignal(one, 'SIGSTOP');
  try {
    const passes = goals.length;
    monitor.order((group) => withGoal(group, 2, 'prepare_promotion'));
    await until('the look ends', monitor, () => goals.length > passes);
    expect(goals[passes]).toBe('prepare_promotion');
  } finally {
    for (const one of frozen) sendSignal(one, 'SIGCONT');
  }
});
