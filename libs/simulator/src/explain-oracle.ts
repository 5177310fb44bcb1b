import { canTakeWrites } from '@pgaf/core/states';
import { explain, type Explanation } from '@pgaf/fsm/explain';
import { textOfOutlook } from '@pgaf/fsm/explain-text';
import { decideCommand } from '@pgaf/fsm/operator';
import { orderOf, type Remedy } from '@pgaf/fsm/remedies';
import { isHealthy } from '@pgaf/fsm/health';
import type { GroupSnapshot } from '@pgaf/plugin-api/snapshot';
import { describe, LEADER, type Fault } from './faults.js';
import { schedule } from './inject.js';
import type { Machine } from './machine.js';
import { MONITOR } from './network.js';
import { Random } from './random.js';
import { form } from './run-scenario.js';
import { randomScenario } from './scenario.js';
import { World, type Host } from './world.js';

/** What `explain` said of a group, and whether it was true. */
export interface Hearing {
  readonly outlook: Explanation['outlook']['tag'];
  /** What was done of what it named. */
  readonly done: readonly string[];
  /** Null when it was right. */
  readonly wrong: string | null;
  readonly story: readonly string[];
}

const LONG = 3_600_000;
/** Until the monitor has seen every node by itself, and until all that ills do by themselves is done. */
const SEEN_WITHIN = 3000;
const ILL_FOR = 20_000;
/** What is mended takes effect within this, and a lost primary is replaced. */
const MENDED_WITHIN = 40_000;
const REPLACED_WITHIN = 15_000;
const LOOK_EVERY = 200;

/**
 * Forms a group, does lasting harm to it, and asks: where a failover is called possible, the primary is lost and somebody
 * must take over; where it is not, one of the ways that are named is gone, and then it must be.
 */
export function hear(seed: number, machine: Machine): Hearing {
  const world = new World(seed, machine);
  const random = new Random(seed ^ 0x2545f491);
  const { nodes, numberSyncStandbys } = randomScenario(seed, { nodes: 1 + random.below(4) });
  form(world, nodes, numberSyncStandbys);
  world.run(SEEN_WITHIN);
  const ills = Array.from({ length: random.below(4) }, () => randomIll(random, nodes.length));
  for (const ill of ills) schedule(world, ill);
  world.run(ILL_FOR);
  const explanation = ask(world, machine);
  const { tag } = explanation.outlook;
  const done: string[] = ills.map(describe);
  const wrong = world.violation?.what ?? judge(world, machine, random, done);
  return {
    outlook: tag,
    done,
    wrong,
    story: wrong === null ? [] : [textOfOutlook(explanation), ...explanation.waiting, ...world.story()],
  };
}

function ask(world: World, machine: Machine): Explanation {
  return explain(world.monitor.snapshot(), machine.book);
}

/** Does what is named, and asks again: what one ill has hidden comes to light when it is mended. */
function judge(world: World, machine: Machine, random: Random, done: string[]): string | null {
  const said = new Set<string>();
  for (;;) {
    const { outlook, group } = ask(world, machine);
    if (outlook.tag === 'possible') return loseLeader(world);
    if (outlook.tag === 'underWay' && outlook.ways.length === 0) {
      if (runUntil(world, REPLACED_WITHIN, () => isLed(world.monitor.snapshot()))) continue;
      return 'a failover that was called under way did not come';
    }
    // What is given up is lost: that is not what a run is to find.
    const ways = outlook.ways.filter((way) => !way.some(({ do: what }) => LOSSY.has(what)));
    if (ways.length === 0) return 'it named nothing that would help';
    const way = random.pick(ways);
    const text = JSON.stringify(way);
    if (said.has(text)) return `it named ${text} again, after that was done`;
    said.add(text);
    done.push(`mended: ${text}`);
    apply(world, machine, way);
    const wasLed = isLed(group);
    runUntil(world, MENDED_WITHIN, () => {
      order(world, machine, way);
      return wasLed ? ask(world, machine).outlook.tag === 'possible' : isLed(world.monitor.snapshot());
    });
    if (world.violation) return world.violation.what;
  }
}

/** The monitor counts on its leader. */
function isLed(group: GroupSnapshot): boolean {
  const leader = group.nodes.find(({ id }) => id === group.leader);
  return leader !== undefined && canTakeWrites(leader.reported) && isHealthy(group, leader);
}

const LOSSY: ReadonlySet<Remedy['do']> = new Set(['acceptLoss', 'acceptTimeline']);

function randomIll(random: Random, count: number): Fault {
  const node = random.chance(0.3) ? LEADER : 1 + random.below(count);
  const at = random.between(0, 2000);
  const lasting = { at, node, for: LONG };
  const other = 1 + random.below(count);
  return random.pick<Fault>([
    { do: 'killNode', ...lasting },
    { do: 'killKeeper', ...lasting },
    { do: 'freezeNode', ...lasting },
    { do: 'freezePostgres', ...lasting },
    { do: 'breakPostgres', ...lasting },
    { do: 'powerOff', ...lasting },
    { do: 'stopNode', ...lasting },
    { do: 'maintain', ...lasting },
    { do: 'pause', ...lasting },
    { do: 'setPriority', at, node, priority: 0 },
    { do: 'setQuorum', at, node, quorum: 0 },
    { do: 'split', at, a: other, b: random.below(count + 1), for: LONG },
  ]);
}

/** What is done once; orders follow as soon as they are accepted. */
function apply(world: World, machine: Machine, way: readonly Remedy[]): void {
  for (const remedy of way) {
    if (remedy.do === 'addStandby') {
      world.run(1000, () => world.monitor.isIdle);
      world.addNode();
    }
    if (!('node' in remedy)) continue;
    const host = world.hosts[remedy.node - 1];
    if (!host) continue;
    world.note(`mended: ${remedy.do} ${remedy.node}`);
    switch (remedy.do) {
      case 'resume':
        world.monitor.setPaused(host.id, 'resumed');
        break;
      case 'start':
      case 'connect':
        host.postgres.brokenUntil = 0;
        host.postgres.wake();
        host.keeper.thaw();
        reach(world, host, [MONITOR, ...world.hosts.map(({ id }) => id)]);
        host.keeper.start();
        break;
      // What hinders its keeper is what that says of it.
      case 'await':
      case 'mendPostgres':
        host.postgres.brokenUntil = 0;
        host.postgres.wake();
        reach(world, host, [world.monitor.group.leader ?? host.id]);
        break;
      case 'reconnect':
        reach(world, host, [world.monitor.group.leader ?? host.id]);
        break;
      case 'stop':
        host.keeper.kill();
        host.postgres.crash();
        break;
      default:
    }
  }
  order(world, machine, way);
}

/** An operator types an order until it is accepted, and not again once it is. */
function order(world: World, machine: Machine, way: readonly Remedy[]): void {
  if (!world.monitor.isIdle) return;
  for (const remedy of way) {
    const snapshot = world.monitor.snapshot();
    const wanted = orderOf(snapshot, remedy);
    if (!wanted) continue;
    const decision = decideCommand(snapshot, wanted, machine.book);
    if (decision.tag === 'accepted' && changes(decision.settled.group, snapshot))
      world.monitor.command(wanted);
  }
}

function changes(after: GroupSnapshot, before: GroupSnapshot): boolean {
  const essence = ({ nodes }: GroupSnapshot): string =>
    JSON.stringify(
      nodes.map(({ id, goal, candidatePriority, quorum }) => [id, goal, candidatePriority, quorum]),
    );
  return essence(after) !== essence(before);
}

function reach(world: World, { id }: Host, others: readonly number[]): void {
  for (const other of others) {
    if (other === id) continue;
    world.network.heal(id, other);
    world.network.heal(other, id);
  }
}

/** Null when somebody else takes over from a leader whose every process is killed. */
function loseLeader(world: World): string | null {
  const { leader } = world.monitor.group;
  const lost = world.hosts.find(({ id }) => id === leader);
  if (!lost) return 'a failover was called possible in a group without a leader';
  world.note(`node ${lost.id} is lost`);
  // Over a line between standbys nothing is sent before, so nobody can know that it is cut.
  const standbys = world.hosts.filter((host) => host !== lost);
  for (const host of standbys)
    reach(
      world,
      host,
      standbys.map(({ id }) => id),
    );
  lost.keeper.kill();
  lost.postgres.crash();
  if (someoneTakesWrites(world, REPLACED_WITHIN)) return null;
  return (
    world.violation?.what ??
    `nobody took over within ${REPLACED_WITHIN / 1000} s, though it was called possible`
  );
}

function someoneTakesWrites(world: World, within: number): boolean {
  return runUntil(world, within, () => writers(world).length > 0);
}

function writers(world: World): Host[] {
  return world.hosts.filter(({ id, postgres }) => takesWrites(world, id) && !postgres.processes.areFrozen);
}

function takesWrites(world: World, id: number | null): boolean {
  return id !== null && world.postgresOf(id)?.takesWrites === true;
}

/** As `run`, also while nothing changes. */
function runUntil(world: World, within: number, until: () => boolean): boolean {
  const end = world.queue.now + within;
  while (world.queue.now < end && world.violation === null) {
    if (until()) return true;
    world.run(LOOK_EVERY);
  }
  return until();
}
