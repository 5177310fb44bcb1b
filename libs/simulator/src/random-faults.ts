import { PARTITION_POLICIES } from '@pgaf/core/partition-policy';
import { LEADER, type Fault } from './faults.js';
import { MONITOR } from './network.js';
import type { Random } from './random.js';

/** How often each kind is drawn, beside the others. */
const WEIGHTS: Readonly<Record<Fault['do'], number>> = {
  killKeeper: 2,
  killPostmaster: 2,
  killServices: 2,
  killNode: 2,
  freezeNode: 1,
  freezeKeeper: 1,
  freezePostgres: 1,
  breakPostgres: 1,
  powerOff: 1,
  powerCut: 1,
  slowDisk: 1,
  slowReload: 0.5,
  resetSession: 1,
  cut: 1,
  split: 1,
  reject: 0.5,
  mute: 0.5,
  deafen: 0.5,
  partition: 1,
  slowNetwork: 0.5,
  lossyNetwork: 0.5,
  killService: 1,
  crashMonitor: 1,
  restoreMonitor: 0.5,
  slowService: 0.5,
  secondService: 0.5,
  stopNode: 2,
  stopAtOnce: 1,
  stopAll: 1,
  switchover: 3,
  promote: 1,
  pause: 2,
  stopByHand: 1,
  // In a plot of its own.
  promoteByHand: 0,
  promoteByHandInVain: 0,
  maintain: 2,
  setPriority: 0.5,
  setQuorum: 0.5,
  setNumberSync: 0.5,
  setPolicy: 0.5,
  replaceNode: 1,
  // In a plot of its own.
  loseForGood: 0,
};

const KINDS = Object.keys(WEIGHTS) as readonly Fault['do'][];
const TOTAL = Object.values(WEIGHTS).reduce((sum, weight) => sum + weight, 0);

/** Faults that come in bunches, so that one meets what another has begun. */
export function randomFaults(random: Random, nodes: number, bunches: number): Fault[] {
  const faults: Fault[] = [];
  let at = random.between(0, 4000);
  for (let bunch = 0; bunch < bunches; bunch++) {
    const size = 1 + random.below(4);
    for (let index = 0; index < size; index++) {
      const fault = randomFault(random, at, nodes);
      const after = { next: 'decision', by: random.between(0, 120) } as const;
      faults.push(random.chance(0.4) ? { ...fault, after } : fault);
      at += random.chance(0.5) ? random.between(0, 60) : random.between(0, 1500);
    }
    at += random.between(500, 9000);
  }
  return faults;
}

function randomKind(random: Random): Fault['do'] {
  let left = random.between(0, TOTAL);
  for (const kind of KINDS) {
    left -= WEIGHTS[kind];
    if (left < 0) return kind;
  }
  return 'switchover';
}

function randomFault(random: Random, at: number, nodes: number): Fault {
  const kind = randomKind(random);
  const node = random.chance(0.3) ? LEADER : 1 + random.below(nodes);
  const duration = random.chance(0.4) ? random.between(5, 400) : random.between(400, 9000);
  const linger = random.chance(0.5) ? 0 : random.between(0, 3000);
  switch (kind) {
    case 'killKeeper':
    case 'killNode':
    case 'freezeNode':
    case 'freezeKeeper':
    case 'freezePostgres':
    case 'powerOff':
    case 'breakPostgres':
    case 'mute':
    case 'deafen':
    case 'pause':
    case 'stopByHand':
    case 'stopNode':
    case 'stopAtOnce':
    case 'maintain':
      return { do: kind, at, node, for: duration };
    case 'slowDisk':
    case 'slowReload':
      return { do: kind, at, node, for: duration, atMost: random.between(20, 2000) };
    case 'killServices':
      return { do: kind, at, node, for: duration, linger };
    case 'killPostmaster':
      return { do: kind, at, node, linger };
    case 'setPriority':
      return { do: kind, at, node, priority: random.pick([0, 50, 100]) };
    case 'setQuorum':
      return { do: kind, at, node, quorum: random.below(2) };
    case 'setNumberSync':
      return { do: kind, at, number: random.below(nodes) };
    case 'setPolicy':
      return { do: kind, at, policy: random.pick(PARTITION_POLICIES) };
    case 'restoreMonitor':
      return { do: kind, at, for: duration, age: random.between(100, 30_000) };
    case 'promoteByHand':
      return { do: kind, at, node, bytes: random.below(5000) };
    case 'promoteByHandInVain':
      return { do: kind, at, node, reached: random.chance(0.5) ? 'signal' : 'record' };
    case 'resetSession':
    case 'promote':
    case 'replaceNode':
    case 'loseForGood':
      return { do: kind, at, node };
    case 'cut':
    case 'split': {
      const one = 1 + random.below(nodes);
      const other = (one + 1 + random.below(nodes)) % (nodes + 1);
      return kind === 'cut'
        ? { do: kind, at, from: one, to: other, for: duration }
        : { do: kind, at, a: one, b: other, for: duration };
    }
    case 'reject': {
      const one = 1 + random.below(nodes);
      return { do: kind, at, a: one, b: 1 + (one % nodes), for: duration };
    }
    case 'partition':
      return { do: kind, at, hosts: randomHosts(random, nodes), for: duration };
    case 'slowNetwork':
    case 'lossyNetwork':
    case 'killService':
    case 'crashMonitor':
    case 'slowService':
    case 'stopAll':
    case 'powerCut':
      return { do: kind, at, for: duration };
    case 'secondService':
    case 'switchover':
      return { do: kind, at };
  }
}

/** Some hosts, the monitor's too at times, and never all. */
function randomHosts(random: Random, nodes: number): number[] {
  const hosts: number[] = [];
  for (let host = MONITOR; host <= nodes; host++) if (random.chance(0.5)) hosts.push(host);
  if (hosts.length > nodes) hosts.shift();
  return hosts;
}
