import { LEADER, type Fault } from './faults.js';
import { MONITOR } from './network.js';
import type { Random } from './random.js';

/**
 * Faults that belong together: each plot is aimed at one thing that must hold, at the instants where it matters. What
 * is left to chance are the nodes and the times.
 */
export type Plot =
  | 'settingChanges'
  | 'memberLeaves'
  | 'newLeaderIsLost'
  | 'newLeaderIsUnseen'
  | 'postgresReturns'
  | 'somebodyBetween'
  | 'monitorForgets'
  | 'monitorIsRestored'
  | 'servicesOverlap'
  | 'favoriteIsBehind'
  | 'someAreAhead'
  | 'somebodyPromotes'
  | 'leaderIsGivenUp'
  | 'leaderIsCutOff'
  | 'leaderReportsMeanwhile'
  | 'whoHasMostRestarts';

type Draw = (random: Random, at: number, nodes: number) => Fault[];

/** From one plot to the next: a lease ends in between. */
const PAUSE = { least: 9000, most: 14_000 };

/** The same plot twice, so that the first one has time to come to its end. */
export function plotFaults(plot: Plot, random: Random, nodes: number): Fault[] {
  const first = random.between(0, 3000);
  const second = first + random.between(PAUSE.least, PAUSE.most);
  return [first, second].flatMap((at) => PLOTS[plot](random, at, nodes));
}

const PLOTS: Readonly<Record<Plot, Draw>> = {
  /** The leader is lost while some of its processes obey one setting and some another, and not every standby has all. */
  settingChanges: (random, at, nodes) => {
    const changed = placeOf(random, nodes);
    const change = drawChange(random, at, changed, nodes);
    const from = Math.max(0, change.at + ('for' in change && random.chance(0.6) ? change.for : 0) - 1);
    const atMost = random.between(50, 1500);
    const upon = (most: number): NonNullable<Fault['after']> => ({
      next: 'setting',
      by: random.between(0, random.chance(0.4) ? 80 : most),
    });
    const cut = random.chance(0.5)
      ? { at: Math.max(0, from - random.between(0, 1500)) }
      : { at: from, after: upon(atMost) };
    const cutOff = random.chance(0.5) ? changed : placeOf(random, nodes);
    const faults: Fault[] = [
      { do: 'slowReload', at: Math.max(0, at - 100), node: LEADER, for: 9000, atMost },
      { do: 'cut', ...cut, from: LEADER, to: cutOff, for: random.between(1000, 9000) },
      change,
      { ...loseLeader(random, from), after: upon(2 * atMost) },
    ];
    if (random.chance(0.5)) return faults;
    const other = { do: 'killNode', node: placeOf(random, nodes), for: random.between(4000, 9000) } as const;
    return [...faults, { ...other, at: from, after: upon(2 * atMost) }];
  },

  /** A member leaves the quorum, and has acknowledged the last that the leader wrote before both are lost. */
  memberLeaves: (random, at, nodes) => {
    const member = placeOf(random, nodes);
    const left = at + 1500;
    const upon = (most: number): Pick<Fault, 'at' | 'after'> => ({
      at: left - 1,
      after: { next: 'setting', by: random.between(0, most) },
    });
    const others = allOf(nodes).filter((place) => place !== member);
    const cut = { do: 'cut', ...upon(800), from: LEADER, for: random.between(2000, 9000) } as const;
    return [
      { do: 'setNumberSync', at, number: 0 },
      { do: 'slowReload', at, node: LEADER, for: 9000, atMost: random.between(100, 2000) },
      { do: 'setQuorum', at: left, node: member, quorum: 0 },
      ...others.map((to) => ({ ...cut, to })),
      { ...loseLeader(random, left), ...upon(2000) },
      { do: 'killNode', ...upon(2000), node: member, for: random.between(6000, 9000) },
    ];
  },

  /** One leader is lost after the other: what the second one wrote first, it wrote under its first setting. */
  newLeaderIsLost: (random, at, nodes) => {
    const lost = at + 1500;
    const upon = (most: number): Pick<Fault, 'at' | 'after'> => ({
      at: lost,
      after: { next: 'promotion', by: random.between(0, most) },
    });
    const faults: Fault[] = [
      { do: 'setNumberSync', at, number: random.chance(0.5) ? Math.max(0, nodes - 2) : random.below(nodes) },
      random.chance(0.4) ? { do: 'switchover', at: lost } : loseLeader(random, lost),
      { do: 'slowReload', ...upon(0), node: LEADER, for: 9000, atMost: 3000 },
      { do: 'cut', ...upon(500), from: LEADER, to: placeOf(random, nodes), for: random.between(2000, 9000) },
      { ...loseLeader(random, lost), ...upon(2000) },
    ];
    if (random.chance(0.4)) return faults;
    const other = { do: 'killNode', node: placeOf(random, nodes), for: random.between(5000, 9000) } as const;
    return [...faults, { ...other, ...upon(2000) }];
  },

  /** The monitor orders a promotion, and hears nothing of what became of it. */
  newLeaderIsUnseen: (random, at, nodes) => {
    const cut = {
      at,
      after: { next: 'promotion', by: random.between(0, 60) },
      for: random.between(2000, 9000),
    } as const;
    return [
      random.chance(0.3) ? { do: 'switchover', at } : loseLeader(random, at),
      { do: 'cut', ...cut, from: LEADER, to: MONITOR },
      ...(random.chance(0.4)
        ? [{ do: 'cut', ...cut, from: LEADER, to: placeOf(random, nodes) } as const]
        : []),
    ];
  },

  /** Postgres is down and its keeper has said so; then it is not told any more what follows, and Postgres starts again. */
  postgresReturns: (random, at) => [
    { do: 'breakPostgres', at, node: LEADER, for: random.between(300, 3500) },
    {
      do: 'cut',
      at: at + random.between(20, 450),
      from: MONITOR,
      to: LEADER,
      for: random.between(3000, 9000),
    },
  ],

  /** A host between two nodes says in the name of each that it is gone. */
  somebodyBetween: (random, at, nodes) => [
    random.chance(0.5)
      ? { do: 'killKeeper', at, node: LEADER, for: random.between(300, 6000) }
      : { do: 'resetSession', at, node: LEADER },
    {
      do: 'reject',
      at: Math.max(0, at + random.between(-300, 800)),
      a: LEADER,
      b: placeOf(random, nodes),
      for: random.between(1000, 9000),
    },
  ],

  /** The monitor comes back with reports of long ago, and the leader, which only it heard lately, is out of sight. */
  monitorForgets: (random, at, nodes) => {
    const others = allOf(nodes);
    const crash = at + random.between(1500, 4800);
    const alone = { do: 'partition', hosts: [LEADER], for: random.between(4000, 9000) } as const;
    return [
      ...others.map((to) => ({ do: 'cut', at, from: LEADER, to, for: 12_000 }) as const),
      { do: 'crashMonitor', at: crash, for: random.between(5, 600) },
      { ...alone, at: crash + random.between(-200, 100) },
    ];
  },

  /** The monitor is restored to before something that its nodes have gone through since, and something follows. */
  monitorIsRestored: (random, at, nodes) => {
    const change = random.chance(0.5)
      ? drawChange(random, at, placeOf(random, nodes), nodes)
      : random.chance(0.5)
        ? ({ do: 'switchover', at } as const)
        : loseLeader(random, at);
    const lost = at + random.between(200, 5000);
    const down = random.between(5, 3000);
    return [
      change,
      { do: 'restoreMonitor', at: lost, for: down, age: random.between(0, 8000) },
      {
        ...loseLeader(random, lost + down),
        ...(random.chance(0.5) && { after: { next: 'setting', by: random.between(0, 900) } }),
      },
    ];
  },

  /** Another service begins while the one before has a decision in hand, and decides meanwhile. */
  servicesOverlap: (random, at) => {
    const begun = at + 500;
    return [
      { do: 'slowService', at, for: random.between(1000, 6000) },
      random.chance(0.5) ? { do: 'switchover', at: begun } : loseLeader(random, begun),
      { do: 'secondService', at: begun, after: { next: 'decision', by: random.between(0, 900) } },
      { do: 'switchover', at: begun + random.between(500, 3000) },
      { do: 'secondService', at: begun + random.between(0, 3000) },
    ];
  },

  /** Whom the operator likes best lacks what another one has. */
  favoriteIsBehind: (random, at, nodes) => {
    const favorite = placeOf(random, nodes);
    return [
      { do: 'setPriority', at: Math.max(0, at - 2000), node: favorite, priority: 100 },
      { do: 'cut', at, from: LEADER, to: favorite, for: random.between(1000, 4500) },
      loseLeader(random, at + random.between(50, 900)),
      ...(random.chance(0.4)
        ? [
            {
              do: 'killNode',
              at,
              after: { next: 'decision', by: random.between(0, 900) },
              node: placeOf(random, nodes),
              for: random.between(1000, 9000),
            } as const,
          ]
        : []),
    ];
  },

  /** Who has most is away when another one is chosen, and comes back when that one is lost. */
  someAreAhead: (random, at, nodes) => {
    const ahead = placeOf(random, nodes);
    const behind = allOf(nodes).filter((place) => place !== ahead);
    const since = at + 2500;
    const lost = since + random.between(1000, 4500);
    const away = random.between(7000, 11_000);
    return [
      { do: 'setNumberSync', at, number: 0 },
      { do: 'setQuorum', at: at + 1000, node: ahead, quorum: 0 },
      ...behind.map((to) => ({ do: 'cut', at: since, from: LEADER, to, for: 12_000 }) as const),
      { do: 'killNode', at: lost - random.between(0, 40), node: ahead, for: away },
      { do: 'killNode', at: lost, node: LEADER, for: random.between(1000, 5000) },
      { ...loseLeader(random, lost), after: { next: 'promotion', by: random.between(1500, 4500) } },
    ];
  },

  /** Somebody opens a standby for writes, about when the leader is lost; who follows that one is lost as well at times. */
  somebodyPromotes: (random, at, nodes) => {
    const node = placeOf(random, nodes);
    // Before it was asked to promise, or when it has promised.
    const opened = at + random.between(0, random.chance(0.5) ? 2500 : 8000);
    const restart = { do: 'killNode', node, for: random.between(100, 2000) } as const;
    return [
      random.chance(0.8)
        ? { do: 'promoteByHand', at: opened, node, bytes: random.chance(0.5) ? 0 : random.below(5000) }
        : {
            do: 'promoteByHandInVain',
            at: opened,
            node,
            reached: random.chance(0.5) ? 'signal' : 'record',
          },
      loseLeader(random, at + random.between(0, 2500)),
      ...(random.chance(0.7) ? [{ ...restart, at: opened + random.between(0, 3000) }] : []),
      ...(random.chance(0.7)
        ? [
            {
              ...loseLeader(random, at),
              after: { next: 'promotion', by: random.between(50, 3000) } as const,
            },
          ]
        : []),
    ];
  },

  /**
   * Who was given the epoch never comes back, and an operator gives up what it has; at times of a monitor that was restored to
   * before it was given that.
   */
  leaderIsGivenUp: (random, at, nodes) => {
    const lost = at + random.between(200, 3000);
    const after = { next: 'promotion', by: random.between(0, random.chance(0.5) ? 100 : 2000) } as const;
    const restored = { for: random.between(5, 1500), age: random.between(0, 8000) };
    const other = { do: 'killNode', node: placeOf(random, nodes), for: random.between(1000, 9000) } as const;
    return [
      random.chance(0.5) ? { do: 'switchover', at } : loseLeader(random, at),
      { do: 'loseForGood', at, after, node: LEADER },
      ...(random.chance(0.6) ? [{ do: 'restoreMonitor', at: lost, after, ...restored } as const] : []),
      ...(random.chance(0.4) ? [{ ...other, at: lost + random.between(0, 3000) }] : []),
    ];
  },

  /** Nobody hears the leader any more, and it has much to send before it stops. */
  leaderIsCutOff: (random, at) => [
    { do: 'slowDisk', at, node: LEADER, for: 9000, atMost: random.between(10, 400) },
    { do: 'partition', at: at + random.between(0, 2000), hosts: [LEADER], for: random.between(6000, 10_000) },
  ],

  /** The leader is back, for a moment, while its promotion is about to be committed. */
  leaderReportsMeanwhile: (random, at) => [
    { do: 'slowService', at, for: 9000 },
    { do: 'killNode', at: at + 1000, node: LEADER, for: random.between(50, 1500) },
    {
      do: 'cut',
      at: at + 1000 + random.between(100, 2500),
      from: MONITOR,
      to: LEADER,
      for: random.between(3000, 9000),
    },
  ],

  /** Who has the last commits restarts when it is asked for its promise. */
  whoHasMostRestarts: (random, at, nodes) => {
    const most = placeOf(random, nodes);
    const others = allOf(nodes).filter((place) => place !== most);
    const lost = at + 1000;
    const cut = { do: 'cut', at: lost - random.between(5, 200), from: LEADER, for: 3000 } as const;
    return [
      ...others.map((to) => ({ ...cut, to })),
      loseLeader(random, lost),
      {
        do: 'killNode',
        at: lost - 1,
        after: { next: 'decision', by: random.between(0, 30) },
        node: most,
        for: random.between(5, 100),
      },
    ];
  },
};

export const PLOT_NAMES = Object.keys(PLOTS) as readonly Plot[];

/** Something that gives the leader another setting. */
function drawChange(random: Random, at: number, node: number, nodes: number): Fault {
  const duration = random.between(400, 4000);
  switch (random.below(5)) {
    case 0:
      return { do: 'setQuorum', at, node, quorum: random.below(2) };
    case 1:
      return { do: 'setNumberSync', at, number: random.below(nodes) };
    case 2:
      return { do: 'maintain', at, node, for: duration };
    default:
      return { do: 'killNode', at, node, for: duration };
  }
}

function loseLeader(random: Random, at: number): Fault {
  const duration = random.between(6000, 12_000);
  return random.chance(0.6)
    ? { do: 'killNode', at, node: LEADER, for: duration }
    : { do: 'powerOff', at, node: LEADER, for: duration };
}

function placeOf(random: Random, nodes: number): number {
  return 1 + random.below(nodes);
}

function allOf(nodes: number): number[] {
  return Array.from({ length: nodes }, (_, index) => index + 1);
}
