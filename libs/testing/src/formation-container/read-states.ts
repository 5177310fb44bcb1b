import type { StartedTestContainer } from 'testcontainers';
import type { NodeState } from './node-states.js';

/** One JSON array of {@link NodeState}. */
const QUERY = `SELECT coalesce(json_agg(json_build_object('name', nodename, 'group', group_id,
  'reported', current_group_state, 'assigned', assigned_group_state, 'health', health) ORDER BY node_id), '[]')
  FROM pgautofailover.current_state('default')`;

/** @throws Error when the monitor does not answer. */
export async function readStates(monitor: StartedTestContainer): Promise<readonly NodeState[]> {
  const { exitCode, stdout, output } = await monitor.exec([
    'psql',
    '-XAtqd',
    'pg_auto_failover',
    '-c',
    QUERY,
  ]);
  if (exitCode !== 0) throw new Error(`the monitor does not answer: ${output.trim()}`);
  return JSON.parse(stdout) as NodeState[];
}
