import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { postmastersAmong, sendSignal } from '@pgaf/testing/end-processes';
import type { Measurement } from './measurement.js';
import type { Shape, System, SystemNode } from './systems/system.js';

/** Something that happens to a system under a client that writes without pause. */
export interface Scenario extends Measurement {
  /** To whom it happens. */
  readonly target: 'primary' | 'standby';
  readonly event: (system: System, target: SystemNode) => Promise<void>;
  /**
   * `restart`: the operator starts the node again; `itself`: nobody does anything; `new`: the system is made anew;
   * `back`: a host that was frozen or cut off is there again as it was.
   */
  readonly mended: 'restart' | 'itself' | 'new' | 'back';
  /** Of the system that it happens to, when not two nodes on loopback. */
  readonly shape?: Shape;
  /** The client gives a statement up that is not answered: nobody will, and no packet says so. */
  readonly impatient?: true;
  /** The primary is as loaded as `busy-primary.ts` says. */
  readonly load?: 'busy';
  /** It is ordered by an operator, so that also a system that only an operator moves has it. */
  readonly byHand?: true;
}

function signalPostmaster(node: SystemNode, signal: NodeJS.Signals): void {
  const [postmaster] = postmastersAmong(node.host.processes());
  if (!postmaster) throw new Error(`${node.host.name} runs no Postgres`);
  sendSignal(postmaster.pid, signal);
}

/** @throws Error when the primary is where it was: that would be the shortest outage of all */
async function switchOver(system: System, old: SystemNode): Promise<void> {
  await system.switchover();
  await system.waitUntilStable();
  if ((await system.primary()).port === old.port) throw new Error(`${old.host.name} is still primary`);
}

/** @throws Error when its Postgres still runs */
async function stop(system: System, node: SystemNode): Promise<void> {
  await system.stop(node);
  if (postmastersAmong(node.host.processes()).length > 0)
    throw new Error(`${node.host.name} still runs Postgres`);
}

const seconds = { unit: 's', digits: 3 } as const;

export const SCENARIOS: readonly Scenario[] = [
  {
    ...seconds,
    id: 'switchover',
    title: 'planned switchover, outage of writes',
    budget: 0.4,
    target: 'primary',
    event: switchOver,
    mended: 'itself',
    byHand: true,
  },
  {
    ...seconds,
    id: 'postmaster',
    title: 'postmaster killed, outage of writes',
    budget: 0.8,
    target: 'primary',
    event: async (_system, primary) => signalPostmaster(primary, 'SIGKILL'),
    mended: 'itself',
  },
  {
    ...seconds,
    id: 'pg-control',
    title: '`pg_control` removed and Postgres stopped, outage of writes',
    budget: 2,
    target: 'primary',
    event: async (_system, primary) => {
      rmSync(join(primary.host.pgdata, 'global', 'pg_control'));
      signalPostmaster(primary, 'SIGQUIT');
    },
    mended: 'new',
  },
  {
    ...seconds,
    id: 'node',
    title: 'every process of the primary’s node killed, outage of writes',
    budget: 4,
    target: 'primary',
    event: (_system, primary) => primary.host.killEverything(),
    mended: 'restart',
  },
  {
    ...seconds,
    id: 'standby',
    title: 'every process of the standby’s node killed, stall of writes',
    budget: 2,
    target: 'standby',
    event: (_system, standby) => standby.host.killEverything(),
    mended: 'restart',
  },
  {
    ...seconds,
    id: 'standby-stop',
    title: 'standby stopped as planned, stall of writes',
    budget: 0.2,
    target: 'standby',
    event: stop,
    mended: 'restart',
  },
  {
    ...seconds,
    id: 'busy-switchover',
    title: 'planned switchover with ten busy backends and 1 GB of dirty buffers',
    budget: 1,
    target: 'primary',
    event: switchOver,
    mended: 'itself',
    load: 'busy',
    byHand: true,
  },
  {
    ...seconds,
    id: 'frozen',
    title: 'every process of the primary’s node frozen, outage of writes',
    budget: 9,
    target: 'primary',
    event: async (_system, primary) => primary.host.freeze(),
    mended: 'back',
    impatient: true,
  },
  {
    ...seconds,
    id: 'unreachable',
    title: 'the primary’s host unreachable, outage of writes',
    budget: 9,
    target: 'primary',
    event: async ({ network }, primary) => network?.isolate(primary.host),
    mended: 'back',
    shape: { nodes: 2, hosts: 'network' },
    impatient: true,
  },
  {
    ...seconds,
    id: 'switchover-of-3',
    title: 'three nodes: planned switchover, outage of writes',
    budget: 0.6,
    target: 'primary',
    event: switchOver,
    mended: 'itself',
    shape: { nodes: 3, hosts: 'loopback' },
    byHand: true,
  },
  {
    ...seconds,
    id: 'node-of-3',
    title: 'three nodes: every process of the primary’s node killed, outage of writes',
    budget: 4.5,
    target: 'primary',
    event: (_system, primary) => primary.host.killEverything(),
    mended: 'restart',
    shape: { nodes: 3, hosts: 'loopback' },
  },
];
