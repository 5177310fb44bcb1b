import type { Milliseconds } from '@pgaf/core/durations';
import type { PartitionPolicy } from '@pgaf/core/partition-policy';
import { addNode } from '@pgaf/fsm/add-node';
import { DEFAULT_TIMINGS } from '@pgaf/fsm/default-timings';
import { emptyGroup } from '@pgaf/fsm/empty-group';
import type { OperatorCommand } from '@pgaf/fsm/operator';
import { doubted, isBehindItsNodes } from '@pgaf/fsm/restored';
import type { Settled } from '@pgaf/fsm/settle';
import type { GroupSnapshot, NodeSnapshot, Sighting } from '@pgaf/plugin-api/snapshot';
import type { Machine } from './machine.js';
import type { HealthCheck } from './model-health-checker.js';
import type { NodeActive } from './model-report.js';
import { ModelService } from './model-service.js';
import { isNews } from './monitor-news.js';
import { MONITOR, type Connection } from './network.js';
import type { World } from './world.js';

type Seen = Pick<Sighting, 'health' | 'healthSince' | 'refused'>;

const NOT_SEEN: Seen = { health: 'unknown', healthSince: 0, refused: false };

/** A keeper's session, as the monitor's Postgres has it. */
interface Session {
  readonly connection: Connection;
  open: boolean;
  /** Something was said over it. */
  reported: boolean;
}

/** The tables as they were once. */
interface Backup {
  readonly at: Milliseconds;
  readonly group: GroupSnapshot;
}

const BACKUPS_KEPT = 100;

/** The monitor: its Postgres, which holds the rows and the keepers' sessions, and the service that decides. */
export class ModelMonitor {
  group: GroupSnapshot;
  postgresRuns = true;
  /** How long a decision may take to be committed, in ms; 0: as usual. */
  slowCommit = 0;
  #service: ModelService | null = null;
  /** Those that do not know yet that their term is over. */
  readonly #outdated: ModelService[] = [];
  #term = 0;
  #sessions = new Map<number, Session>();
  /** The connections that were the session of their keeper, or are. */
  readonly #begun = new WeakSet<Connection>();
  /** The rows as of each of the last commits that were flushed: reports are not. */
  #backups: readonly Backup[] = [];

  constructor(
    private readonly world: World,
    private readonly machine: Machine,
    group: GroupSnapshot,
  ) {
    this.group = group;
    this.#flushed();
  }

  get isIdle(): boolean {
    return this.#service?.isIdle ?? true;
  }

  // The service

  startService(): void {
    if (this.#service || !this.postgresRuns) return;
    this.#term++;
    this.group = {
      ...this.group,
      timings: { ...this.group.timings, serviceStartedAt: this.world.queue.now },
    };
    this.#service = new ModelService(this.world, this.machine, this.#term);
    this.world.changed();
  }

  /** The one that decides does not know of it, and goes on. */
  startAnotherService(): void {
    if (!this.#service) return;
    this.#outdated.push(this.#service);
    this.#service = null;
    this.startService();
  }

  killService(): void {
    for (const service of this.#outdated.splice(0)) service.end();
    this.#service?.end();
    this.#service = null;
    this.world.changed();
  }

  /** Its Postgres crashes: reports since the last decision are lost, and so are all sessions. */
  crash(): void {
    this.killService();
    this.postgresRuns = false;
    const durable = this.#backups.at(-1)?.group ?? this.group;
    const nodes = this.group.nodes.map((node) => {
      const before = durable.nodes.find((each) => each.id === node.id);
      return before ? { ...node, reported: before.reported, report: before.report } : node;
    });
    this.group = { ...this.group, nodes };
    for (const { connection } of this.#sessions.values()) this.world.network.close(connection, 'to');
    this.#sessions.clear();
  }

  restart(): void {
    this.postgresRuns = true;
    this.startService();
  }

  /**
   * Comes back from a backup that was made so long ago, or since when its nodes are the same: who is not in it would
   * have to be created again.
   */
  restore(age: Milliseconds): void {
    this.#bringBack(age, { restored: true });
  }

  /** The same, of the files as they were, on the same timeline: the monitor sees no difference by itself. */
  putBack(age: Milliseconds): void {
    this.#bringBack(age, {});
  }

  #bringBack(age: Milliseconds, known: Partial<Pick<GroupSnapshot, 'restored'>>): void {
    this.crash();
    const made = this.world.queue.now - age;
    const usable = this.#backups.filter(({ group }) => hasSameNodes(group, this.group));
    const backup = usable.findLast(({ at }) => at <= made) ?? usable[0];
    if (backup) this.group = { ...backup.group, timings: this.group.timings, ...known };
    this.#flushed();
    this.restart();
  }

  #flushed(): void {
    const { now } = this.world.queue;
    this.#backups = [...this.#backups, { at: now, group: this.group }].slice(-BACKUPS_KEPT);
  }

  // The keepers' sessions

  /** In the model a connection is open, and the keeper knows that its session has begun, at the same instant. */
  accept(node: number, ended: (how: 'closed' | 'timeout') => void): Connection | null {
    if (!this.postgresRuns) return null;
    const connection = this.world.network.connect(node, MONITOR, {
      from: ended,
      to: () => {
        const session = this.#sessions.get(node);
        if (session?.connection !== connection) return;
        session.open = false;
        this.#forgetRefusal(node);
        this.world.changed();
        this.#service?.checkHealth(node);
        this.#service?.decideSoon();
      },
    });
    if (this.machine.sessionBegins === 'beforeItsFirstReport' && this.#row(node))
      this.#beginSession(node, connection);
    return connection;
  }

  #beginSession(node: number, connection: Connection): void {
    this.#begun.add(connection);
    this.#sessions.set(node, { connection, open: connection.open.to, reported: false });
  }

  nodeActive(
    id: number,
    connection: Connection,
    report: NodeActive,
    answer: (group: GroupSnapshot) => void,
  ): void {
    if (!this.postgresRuns) return;
    const before = this.#row(id);
    if (!before) return;
    if (this.#sessions.get(id)?.connection !== connection) {
      // The keeper has given it up for a newer one.
      if (this.#begun.has(connection)) return this.world.network.close(connection, 'to');
      this.#beginSession(id, connection);
    }
    this.world.checks.reported(id, report.at ?? 0);
    const { reported, ...rest } = report;
    const session = this.#sessions.get(id);
    if (session) session.reported = true;
    const changedAt = reported === before.reported ? before.changedAt : this.world.queue.now;
    const changed = isNews(before, report);
    this.#replace({ ...before, reported, changedAt, report: { ...rest, at: this.world.queue.now } });
    if (changed) {
      this.world.changed();
      this.#service?.decideSoon();
      if (!report.postgresRunning) this.#service?.checkHealth(id);
    }
    const group = isBehindItsNodes(this.group) ? doubted(this.group) : this.group;
    this.world.network.send(connection, 'to', () => answer(group));
  }

  // What operators do

  /** False when the monitor refuses the node now. */
  register(node: NodeSnapshot): boolean {
    if (!this.#service?.isIdle) return false;
    const placed = addNode(this.snapshot(), node);
    if (placed.tag === 'refused') return false;
    this.group = placed.group;
    this.#flushed();
    this.#service.decideSoon();
    return true;
  }

  command(command: OperatorCommand): void {
    this.#service?.command(command);
  }

  setPartitionPolicy(partitionPolicy: PartitionPolicy): void {
    this.group = { ...this.group, formation: { ...this.group.formation, partitionPolicy } };
    this.#flushed();
    this.#service?.decideSoon();
  }

  /** As its operator wants it from the beginning. */
  setNumberSyncStandbys(numberSyncStandbys: number): void {
    this.group = { ...this.group, formation: { ...this.group.formation, numberSyncStandbys } };
    this.#flushed();
    this.#service?.decideSoon();
  }

  /** An operator takes a node into his own hands, or gives it back. */
  setPaused(id: number, wanted: 'paused' | 'resumed'): void {
    if (!this.#service) return;
    if (!this.#service.isIdle) return this.world.queue.after(1, () => this.setPaused(id, wanted));
    const node = this.#row(id);
    if (!node) return;
    this.#replace({ ...node, paused: wanted === 'paused' });
    this.#flushed();
    this.world.note(`node ${id} is ${wanted}`);
    this.#announce();
    this.#service.decideSoon();
    this.world.changed();
  }

  // The tables

  snapshot(): GroupSnapshot {
    const nodes = this.group.nodes.map((node): NodeSnapshot => {
      const session = this.#sessions.get(node.id);
      const state = stateOf(session);
      return node.seen.session === state ? node : { ...node, seen: { ...node.seen, session: state } };
    });
    return { ...this.group, now: this.world.queue.now, nodes };
  }

  /** None of these nodes was heard of since, and none of their keepers has come back. */
  isUnchanged(nodes: readonly number[], since: GroupSnapshot): boolean {
    if (!this.machine.aborts.nodeHasReported) return true;
    return nodes.every((id) => {
      const before = since.nodes.find((node) => node.id === id);
      const reopened = before?.seen.session === 'closed' && this.#sessions.get(id)?.open === true;
      return before?.report === this.#row(id)?.report && !reopened;
    });
  }

  /** One transaction: the whole decision, or nothing when the term of the service is over. */
  commit(term: number, settled: Settled): 'committed' | 'termIsOver' {
    if (term !== this.#term && this.machine.aborts.termIsOver) return 'termIsOver';
    if (settled.group.epoch < this.group.epoch) this.world.fail('the epoch went down');
    this.world.checks.decided(this.group, settled.transitions);
    const isNewSetting = newestVersion(settled.group) !== newestVersion(this.group);
    const gone = new Set(settled.removed);
    const decided = new Map(settled.group.nodes.map((node) => [node.id, node]));
    const nodes = this.group.nodes
      .filter((node) => !gone.has(node.id))
      .map((node) => {
        const { goal, candidatePriority, quorum } = decided.get(node.id) ?? node;
        const changedAt = goal === node.goal ? node.changedAt : this.world.queue.now;
        return { ...node, goal, changedAt, candidatePriority, quorum };
      });
    this.group = { ...settled.group, timings: this.group.timings, nodes };
    this.#flushed();
    for (const { node, from, goal, rule } of settled.transitions) {
      this.world.note(`epoch ${this.group.epoch}: node ${node} ${from} -> ${goal} (${rule})`);
    }
    for (const id of gone) this.world.checks.forget(id);
    this.world.changed();
    this.#announce();
    if (settled.transitions.length > 0) this.world.happened('decision');
    if (isNewSetting) this.world.happened('setting');
    if (settled.epochRaised) this.world.happened('promotion');
    return 'committed';
  }

  /** True when it is another health than before. */
  recordHealth(id: number, { health, refused }: HealthCheck): boolean {
    const node = this.#row(id);
    if (!node || (node.seen.health === health && node.seen.refused === refused)) return false;
    const healthSince = node.seen.health === health ? node.seen.healthSince : this.world.queue.now;
    this.#replace({ ...node, seen: { ...node.seen, health, healthSince, refused } });
    this.world.changed();
    return true;
  }

  /** A refusal proves something only when it comes after the keeper's session ended. */
  #forgetRefusal(id: number): void {
    const node = this.#row(id);
    if (node?.seen.refused) this.#replace({ ...node, seen: { ...node.seen, refused: false } });
  }

  #announce(): void {
    for (const [id, { connection }] of this.#sessions) {
      this.world.network.send(connection, 'to', () => this.world.wakeKeeper(id));
    }
  }

  #row(id: number): NodeSnapshot | undefined {
    return this.group.nodes.find((node) => node.id === id);
  }

  #replace(node: NodeSnapshot): void {
    this.group = {
      ...this.group,
      nodes: this.group.nodes.map((each) => (each.id === node.id ? node : each)),
    };
  }
}

function stateOf(session: Session | undefined): Sighting['session'] {
  if (!session) return 'unknown';
  if (!session.open) return 'closed';
  return session.reported ? 'open' : 'begun';
}

function hasSameNodes(one: GroupSnapshot, other: GroupSnapshot): boolean {
  const ids = ({ nodes }: GroupSnapshot): string => nodes.map(({ id }) => id).join();
  return ids(one) === ids(other);
}

function newestVersion({ settingsInForce }: GroupSnapshot): number {
  return settingsInForce.at(-1)?.version ?? 0;
}

export function newNode(id: number, candidatePriority: number, quorum: boolean): NodeSnapshot {
  return {
    id,
    name: `node_${id}`,
    host: `host${id}`,
    port: 5432,
    role: 'node',
    cluster: 'default',
    reported: 'init',
    goal: 'init',
    candidatePriority,
    quorum,
    changedAt: 0,
    paused: false,
    report: { at: null, postgresRunning: false, tli: 0, lsn: 0n, facts: {} },
    seen: { ...NOT_SEEN, session: 'unknown' },
  };
}

/** The group of a simulation before its first node. */
export function newGroup(): GroupSnapshot {
  return emptyGroup({
    now: 0,
    timings: { ...DEFAULT_TIMINGS, serviceStartedAt: 0 },
    formation: {
      id: 'default',
      kind: 'pgsql',
      dbname: 'postgres',
      numberSyncStandbys: 0,
      partitionPolicy: 'availability',
      secondary: true,
    },
    group: 0,
  });
}
