import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Way } from '../edges/legs.js';
import { leaveUnsentWal } from './divergence.js';
import { momentsOfOrder, momentsOfWay, type Moment } from './moments.js';
import type { Stage } from './stage.js';

/**
 * What stands: no node, a single one, a primary and its standby, or a new primary beside an old one of which
 * every process is gone.
 */
export type Shape = 'empty' | 'one' | 'two' | 'lost';

/** Something that an operator or a crash begins, from one shape to another. */
export interface Operation {
  readonly name: string;
  readonly from: Shape;
  readonly to: Shape;
  /** Goals that the monitor assigns on the way, as `goal before->goal`. */
  readonly orders: readonly Way[];
  /** Edges that the keepers pass on the way. */
  readonly passes: readonly Way[];
  /** The operator's command that waits for it, if there is one that can be killed. */
  readonly command: 'yes' | 'none';
  /** How a line of a keeper's log begins that tells that it went the way it is named for. */
  readonly tells?: string;
  /** At some of its moments no Postgres of a node runs at all. */
  readonly alone: 'yes' | 'no';
  readonly begin: (stage: Stage) => Promise<void>;
}

const HANDOVER: readonly Way[] = ['primary->draining', 'secondary->wait_primary', 'draining->demoted'];
const PROMOTION: readonly Way[] = ['secondary->prepare_promotion', 'prepare_promotion->wait_primary'];
const RETURN: readonly Way[] = ['demoted->catchingup', 'catchingup->secondary', 'wait_primary->primary'];
const JOIN: readonly Way[] = [
  'single->wait_primary',
  'wait_standby->catchingup',
  'catchingup->secondary',
  'wait_primary->primary',
];

export const OPERATIONS: readonly Operation[] = [
  {
    name: 'create of the first node',
    from: 'empty',
    to: 'one',
    orders: [],
    passes: ['init->single'],
    command: 'none',
    alone: 'yes',
    begin: (stage) => stage.create(1),
  },
  {
    name: 'create of the second node',
    from: 'one',
    to: 'two',
    orders: JOIN,
    passes: ['init->wait_standby', ...JOIN],
    command: 'none',
    alone: 'no',
    begin: (stage) => stage.create(stage.absentNode()),
  },
  {
    name: 'switchover',
    from: 'two',
    to: 'two',
    orders: [...HANDOVER, ...RETURN],
    passes: [...HANDOVER, ...RETURN],
    command: 'yes',
    alone: 'no',
    begin: (stage) => stage.switchOver(),
  },
  {
    name: 'failover',
    from: 'two',
    to: 'lost',
    orders: ['primary->draining', ...PROMOTION, 'draining->demoted'],
    passes: PROMOTION,
    command: 'none',
    alone: 'no',
    begin: async (stage) => {
      const primary = await stage.formation.primary();
      // A stream that began after the primary's last report proves nothing by its end.
      await stage.formation.waitUntilReported();
      await leaveUnsentWal(primary);
      await stage.lose(primary);
    },
  },
  {
    name: 'return by rewind',
    from: 'lost',
    to: 'two',
    tells: 'Rewound to node',
    orders: RETURN,
    passes: ['primary->demoted', ...RETURN],
    command: 'none',
    alone: 'no',
    begin: (stage) => stage.bringBack(),
  },
  {
    name: 'return by base backup',
    from: 'lost',
    to: 'two',
    tells: 'Copying node',
    orders: RETURN,
    passes: ['primary->demoted', ...RETURN],
    command: 'none',
    alone: 'no',
    begin: async (stage) => {
      rmSync(join(stage.lostNode().host.pgdata, 'global', 'pg_control'), { force: true });
      await stage.bringBack();
    },
  },
  {
    name: 'drop of the standby',
    from: 'two',
    to: 'one',
    orders: ['secondary->dropped', 'primary->single'],
    passes: ['secondary->dropped', 'primary->single'],
    command: 'yes',
    alone: 'no',
    begin: async (stage) => stage.drop(await stage.formation.standby()),
  },
  {
    name: 'drop of the primary',
    from: 'two',
    to: 'one',
    orders: ['primary->dropped', ...PROMOTION, 'wait_primary->single'],
    passes: ['primary->dropped', 'secondary->prepare_promotion', 'prepare_promotion->single'],
    command: 'yes',
    alone: 'no',
    begin: async (stage) => stage.drop(await stage.formation.primary()),
  },
  {
    name: 'drop of the last node',
    from: 'one',
    to: 'empty',
    orders: ['single->dropped'],
    passes: ['single->dropped'],
    command: 'yes',
    alone: 'yes',
    begin: (stage) => stage.drop(stage.presentNode()),
  },
];

/** Every instant at which something is to be killed, each once, in the order of the ways. */
export function momentsOf({ orders, passes }: Operation): Moment[] {
  const ways = [...new Set([...passes, ...orders])];
  return ways.flatMap((way) => [
    ...(orders.includes(way) ? momentsOfOrder(way) : []),
    ...(passes.includes(way) ? momentsOfWay(way) : []),
  ]);
}
