import { freePort } from '@pgaf/core/testing/free-ports';
import { waitFor, type Sandbox } from './run-pgaf.js';

/** Choices that every `create` must make, the shortest ones. */
export const OPEN = ['--auth', 'trust', '--no-ssl'] as const;

/** What runs in a sandbox: a monitor in its folder `monitor`, a node called `first` in the folder `first`. */
export interface SingleNode {
  readonly monitorUri: string;
  readonly monitorPort: number;
  readonly nodePort: number;
}

/**
 * Starts both, and waits until the node is single.
 * @param more Options of the node.
 */
export async function startSingleNode(sandbox: Sandbox, more: readonly string[] = []): Promise<SingleNode> {
  const [monitorPort, nodePort] = [await freePort(), await freePort()];
  const monitorUri = `postgres://autoctl_node@127.0.0.1:${monitorPort}/pg_auto_failover?sslmode=prefer`;
  const start = (kind: string, folder: string, port: number, ...own: readonly string[]) =>
    sandbox.start([
      ...['create', kind, '--pgdata', sandbox.path(folder), '--pgport', String(port)],
      ...['--hostname', '127.0.0.1', ...OPEN, ...own, '--run'],
    ]);
  const states = () => sandbox.run(['show', 'state', '--monitor', monitorUri]);
  start('monitor', 'monitor', monitorPort);
  await waitFor('the monitor', async () => (await states()).status === 0);
  start('postgres', 'first', nodePort, '--name', 'first', '--monitor', monitorUri, ...more);
  await waitFor('a single node', async () => / single \|\s+single/.test((await states()).stdout));
  return { monitorUri, monitorPort, nodePort };
}
