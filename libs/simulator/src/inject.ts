import { canTakeWrites, type State } from '@pgaf/core/states';
import { describe, LEADER, type Fault } from './faults.js';
import { CALM, MONITOR, type Weather } from './network.js';
import { STANDBY } from './postgres-of-state.js';
import type { Host, World } from './world.js';

type LastingFault = Extract<Fault, { readonly for: number }>;

const SLOW: Weather = { ...CALM, late: 0.3 };
const LOSSY: Weather = { ...CALM, lost: 0.1, doubled: 0.1 };
const COMES_BACK_WITHIN = 6000;
const SLOW_COMMIT = 600;
const ASK_AGAIN = 500;
const IN_MAINTENANCE: ReadonlySet<State> = new Set([
  'maintenance',
  'wait_maintenance',
  'prepare_maintenance',
]);

/** Puts a fault, and its end, into the queue of a run whose faults count from now on. */
export function schedule(world: World, fault: Fault): void {
  world.queue.after(fault.at, () => {
    const { after } = fault;
    if (!after) return happen(world, fault);
    world.onNext(after.next, () => world.queue.after(after.by, () => happen(world, fault)));
  });
}

function happen(world: World, drawn: Fault): void {
  if (world.faultsAreOver) return;
  const fault = withPlaces(world, drawn);
  world.note(`fault ${describe(fault)}`);
  begin(world, fault);
  world.changed();
  if (!('for' in fault)) return;
  world.queue.after(fault.for, () => {
    world.note(`over: fault ${describe(fault)}`);
    end(world, fault);
    world.changed();
  });
}

/** The leader's place is asked for once: the end of a fault is for whom its beginning was. */
function withPlaces(world: World, fault: Fault): Fault {
  const leader = world.places.findIndex(({ id }) => id === world.monitor.group.leader) + 1;
  const place = (drawn: number): number => (drawn === LEADER ? Math.max(1, leader) : drawn);
  switch (fault.do) {
    case 'cut':
      return { ...fault, from: place(fault.from), to: place(fault.to) };
    case 'split':
    case 'reject':
      return { ...fault, a: place(fault.a), b: place(fault.b) };
    case 'partition':
      return { ...fault, hosts: fault.hosts.map(place) };
    default:
      return 'node' in fault ? { ...fault, node: place(fault.node) } : fault;
  }
}

/** Every process runs and every link works again, whatever is still under way, and nothing new goes wrong. */
export function mendAll(world: World): void {
  world.faultsAreOver = true;
  const hosts = hostsOf(world);
  for (const from of hosts) for (const to of hosts) if (from !== to) world.network.heal(from, to);
  for (const a of hosts) for (const b of hosts) world.network.admit(a, b);
  world.network.weather = CALM;
  world.monitor.slowCommit = 0;
  world.monitor.restart();
  for (const host of world.places) {
    host.postgres.brokenUntil = 0;
    host.postgres.slowDisk = { until: 0, atMost: 0 };
    host.postgres.slowReload = { until: 0, atMost: 0 };
    wake(host);
    host.keeper.start();
    world.monitor.setPaused(host.id, 'resumed');
    endMaintenance(world, host.id);
  }
}

function begin(world: World, fault: Fault): void {
  switch (fault.do) {
    case 'killKeeper':
      return host(world, fault.node).keeper.kill();
    case 'killPostmaster':
      return killPostmaster(world, fault);
    case 'killNode':
      return killNode(host(world, fault.node));
    case 'killServices':
      host(world, fault.node).keeper.kill();
      return killPostmaster(world, fault);
    case 'freezeNode':
      host(world, fault.node).keeper.freeze();
      return host(world, fault.node).postgres.freeze();
    case 'freezeKeeper':
      return host(world, fault.node).keeper.freeze();
    case 'freezePostgres':
      return host(world, fault.node).postgres.freeze();
    case 'powerOff':
      cutOff(world, fault.node, 'both');
      return killNode(host(world, fault.node));
    case 'breakPostgres':
      host(world, fault.node).postgres.brokenUntil = world.queue.now + fault.for;
      return host(world, fault.node).postgres.killPostmaster(0);
    case 'slowDisk':
      host(world, fault.node).postgres.slowDisk = {
        until: world.queue.now + fault.for,
        atMost: fault.atMost,
      };
      return;
    case 'slowReload':
      host(world, fault.node).postgres.slowReload = {
        until: world.queue.now + fault.for,
        atMost: fault.atMost,
      };
      return;
    case 'stopNode':
      return host(world, fault.node).keeper.terminate();
    case 'stopAtOnce':
      return host(world, fault.node).keeper.quit();
    case 'stopAll':
      for (const { keeper } of world.places) keeper.terminate();
      return;
    case 'powerCut':
      world.monitor.crash();
      world.places.forEach(killNode);
      return;
    case 'resetSession':
      return host(world, fault.node).keeper.closeSession();
    case 'cut':
      return world.network.cut(address(world, fault.from), address(world, fault.to));
    case 'split':
      world.network.cut(address(world, fault.a), address(world, fault.b));
      return world.network.cut(address(world, fault.b), address(world, fault.a));
    case 'reject':
      return reject(world, host(world, fault.a), host(world, fault.b));
    case 'mute':
      return cutOff(world, fault.node, 'sends');
    case 'deafen':
      return cutOff(world, fault.node, 'hears');
    case 'partition':
      return acrossPartition(world, fault.hosts, (a, b) => world.network.cut(a, b));
    case 'slowNetwork':
      world.network.weather = SLOW;
      return;
    case 'lossyNetwork':
      world.network.weather = LOSSY;
      return;
    case 'killService':
      return world.monitor.killService();
    case 'crashMonitor':
    case 'restoreMonitor':
      return world.monitor.crash();
    case 'slowService':
      world.monitor.slowCommit = SLOW_COMMIT;
      return;
    case 'secondService':
      return world.monitor.startAnotherService();
    case 'switchover':
      return world.monitor.command({ kind: 'perform_failover' });
    case 'promote':
      return world.monitor.command({ kind: 'perform_promotion', name: nameOf(world, fault.node) });
    case 'maintain':
      return world.monitor.command({ kind: 'start_maintenance', node: host(world, fault.node).id });
    case 'setPriority':
      return world.monitor.command({
        kind: 'set_candidate_priority',
        name: nameOf(world, fault.node),
        priority: fault.priority,
      });
    case 'setQuorum':
      return world.monitor.command({
        kind: 'set_replication_quorum',
        name: nameOf(world, fault.node),
        quorum: fault.quorum > 0,
      });
    case 'setNumberSync':
      return world.monitor.command({ kind: 'set_number_sync_standbys', number: fault.number });
    case 'setPolicy':
      return world.monitor.setPartitionPolicy(fault.policy);
    case 'replaceNode':
      return world.replace(fault.node);
    case 'loseForGood':
      return world.loseForGood(fault.node);
    case 'pause':
      return world.monitor.setPaused(host(world, fault.node).id, 'paused');
    case 'stopByHand':
      return host(world, fault.node).postgres.stopByHand();
    case 'promoteByHand':
      if (isToStayStandby(host(world, fault.node)))
        host(world, fault.node).postgres.promoteByHand(fault.bytes);
      return;
    case 'promoteByHandInVain':
      if (isToStayStandby(host(world, fault.node)))
        host(world, fault.node).postgres.promoteByHandInVain(fault.reached);
      return;
  }
}

function end(world: World, fault: LastingFault): void {
  switch (fault.do) {
    case 'killKeeper':
    case 'killNode':
    case 'killServices':
    case 'stopNode':
    case 'stopAtOnce':
      return host(world, fault.node).keeper.start();
    case 'freezeNode':
    case 'freezeKeeper':
    case 'freezePostgres':
      return wake(host(world, fault.node));
    case 'stopAll':
      return inOwnTime(world, keeperStarts(world));
    case 'powerCut':
      return inOwnTime(world, [() => world.monitor.restart(), ...keeperStarts(world)]);
    case 'powerOff':
      reconnect(world, fault.node);
      return host(world, fault.node).keeper.start();
    case 'cut':
      return world.network.heal(address(world, fault.from), address(world, fault.to));
    case 'split':
      world.network.heal(address(world, fault.a), address(world, fault.b));
      return world.network.heal(address(world, fault.b), address(world, fault.a));
    case 'reject':
      return world.network.admit(address(world, fault.a), address(world, fault.b));
    case 'mute':
    case 'deafen':
      return reconnect(world, fault.node);
    case 'partition':
      return acrossPartition(world, fault.hosts, (a, b) => world.network.heal(a, b));
    case 'slowNetwork':
    case 'lossyNetwork':
      world.network.weather = CALM;
      return;
    case 'killService':
      return world.monitor.startService();
    case 'crashMonitor':
      return world.monitor.restart();
    case 'restoreMonitor':
      return world.faultsAreOver ? undefined : world.monitor.restore(fault.age + fault.for);
    case 'slowService':
      world.monitor.slowCommit = 0;
      return;
    case 'pause':
      return world.monitor.setPaused(host(world, fault.node).id, 'resumed');
    case 'maintain':
      workOn(world, host(world, fault.node));
      return endMaintenance(world, host(world, fault.node).id);
    case 'stopByHand':
      return startByHand(world, host(world, fault.node));
    case 'breakPostgres':
    case 'slowDisk':
    case 'slowReload':
      return;
  }
}

/**
 * As `show state` tells the operator that it is right to: the node has been primary, and the monitor was not restored since
 * it heard of its nodes. One that was stopped in the midst of its promotion is its keeper's to start, which knows how far
 * that came.
 */
function startByHand(world: World, { id, keeper, postgres }: Host): void {
  const { leader, nodes, restored } = world.monitor.group;
  if (keeper.isGone || restored) return;
  const node = nodes.find((each) => each.id === id);
  const isPrimary = node !== undefined && canTakeWrites(node.reported) && canTakeWrites(node.goal);
  if (leader === id && node?.paused && isPrimary) postgres.start(keeper.memory.epoch);
}

/** Who is about to take over is open soon enough for anybody. */
function isToStayStandby({ keeper: { memory } }: Host): boolean {
  return STANDBY.has(memory.current) && STANDBY.has(memory.goal) && memory.promoted?.epoch !== memory.epoch;
}

/** A Postgres that is the operator's is stopped at times. */
function workOn(world: World, { id, postgres }: Host): void {
  const node = world.monitor.group.nodes.find((each) => each.id === id);
  if (node?.goal === 'maintenance' && node.reported === 'maintenance' && world.random.chance(0.5)) {
    postgres.stopByHand();
  }
}

/** The operator asks until he is heard, also by a monitor that was restored and has to learn of it first. */
function endMaintenance(world: World, id: number): void {
  const node = world.monitor.group.nodes.find((each) => each.id === id);
  const states = [node?.goal, world.hosts[id - 1]?.keeper.memory.current];
  if (!node || !states.some((state) => state && IN_MAINTENANCE.has(state))) return;
  world.monitor.command({ kind: 'stop_maintenance', node: id });
  world.queue.after(ASK_AGAIN, () => endMaintenance(world, id));
}

/** In any order, so that each is the first one at times, and alone for a while. */
function inOwnTime(world: World, starts: readonly (() => void)[]): void {
  for (const start of starts) world.queue.after(world.random.between(0, COMES_BACK_WITHIN), start);
}

function keeperStarts(world: World): (() => void)[] {
  return world.places.map(
    ({ keeper }) =>
      () =>
        keeper.start(),
  );
}

function killPostmaster(world: World, { node, linger }: { node: number; linger: number }): void {
  const { id, postgres } = host(world, node);
  const isRejected = world.hosts.some((other) => world.network.isRejected(id, other.id));
  postgres.killPostmaster(isRejected ? 0 : linger);
}

function killNode({ keeper, postgres }: Host): void {
  keeper.kill();
  postgres.crash();
}

function wake({ keeper, postgres }: Host): void {
  postgres.wake();
  keeper.thaw();
}

function cutOff(world: World, node: number, way: 'sends' | 'hears' | 'both'): void {
  const self = address(world, node);
  for (const other of hostsOf(world)) {
    if (other === self) continue;
    if (way !== 'hears') world.network.cut(self, other);
    if (way !== 'sends') world.network.cut(other, self);
  }
}

/** Together with backends that linger, it would look like the end of a node that serves on: that is beyond any proof. */
function reject(world: World, a: Host, b: Host): void {
  if (!a.postgres.leftOvers && !b.postgres.leftOvers) world.network.reject(a.id, b.id);
}

function reconnect(world: World, node: number): void {
  const self = address(world, node);
  for (const other of hostsOf(world)) {
    if (other === self) continue;
    world.network.heal(self, other);
    world.network.heal(other, self);
  }
}

function acrossPartition(
  world: World,
  places: readonly number[],
  change: (from: number, to: number) => void,
): void {
  const inside = new Set(places.map((place) => address(world, place)));
  const hosts = hostsOf(world);
  for (const a of hosts) {
    for (const b of hosts) if (inside.has(a) !== inside.has(b)) change(a, b);
  }
}

function hostsOf(world: World): number[] {
  return [MONITOR, ...world.hosts.map(({ id }) => id)];
}

/** Of the host that has this place now. */
function address(world: World, place: number): number {
  return place === MONITOR ? MONITOR : host(world, place).id;
}

function host(world: World, place: number): Host {
  const found = world.places[place - 1];
  if (!found) throw new RangeError(`there is no node ${place}`);
  return found;
}

function nameOf(world: World, place: number): string {
  return `node_${host(world, place).id}`;
}
