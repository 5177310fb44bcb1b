import { canTakeWrites } from '@pgaf/core/states';
import { strangerThatLeads } from '@pgaf/fsm/restored';
import { EventQueue } from './event-queue.js';
import type { Occasion } from './faults.js';
import { Invariants } from './invariants.js';
import type { Machine } from './machine.js';
import { ModelKeeper } from './model-keeper.js';
import { ModelMonitor, newGroup, newNode } from './model-monitor.js';
import { ModelPostgres } from './model-postgres.js';
import { Network } from './network.js';
import { Random } from './random.js';

/** The first thing that was not as it must be. */
export interface Violation {
  readonly at: number;
  readonly what: string;
}

export interface Host {
  readonly id: number;
  readonly postgres: ModelPostgres;
  readonly keeper: ModelKeeper;
  readonly wanted: NodeSetup;
}

/** How its operator wants a node. */
export interface NodeSetup {
  readonly candidatePriority: number;
  readonly quorum: boolean;
}

export const PLAIN_NODE: NodeSetup = { candidatePriority: 50, quorum: true };

const NOTES_KEPT = 60;
/** Clients write more while something happens: what they lose, they lose then. */
const BUSY_FOR = 1500;
const REPLACE_RETRY = 100;
const GIVE_UP_RETRY = 130;

/** One run: hosts, network, monitor, clients that write wherever they can, and the clock. */
export class World {
  readonly queue = new EventQueue();
  readonly random: Random;
  readonly network: Network;
  readonly monitor: ModelMonitor;
  readonly checks: Invariants;
  /** Every host that there ever was, by node id. */
  readonly hosts: Host[] = [];
  /** The hosts of the group; one that was dropped gives its place to another. */
  readonly places: Host[] = [];
  /** Events that changed something. */
  steps = 0;
  violation: Violation | null = null;
  /** From here on nothing goes wrong any more. */
  faultsAreOver = false;
  readonly #upon: Record<Occasion, (() => void)[]> = { decision: [], setting: [], promotion: [] };
  #notes: string[] = [];
  #lastNoteAt = 0;
  #somethingChanged = false;

  constructor(
    seed: number,
    private readonly machine: Machine,
  ) {
    this.random = new Random(seed);
    this.network = new Network(this.queue, this.random);
    this.checks = new Invariants(this);
    this.monitor = new ModelMonitor(this, machine, newGroup());
    this.monitor.startService();
    this.#write();
  }

  /** A host with a node of its own in the group. */
  addNode(wanted: NodeSetup = PLAIN_NODE): void {
    const host = this.#newHost(wanted);
    if (host) this.places.push(host);
    else this.fail('the monitor refused a new node');
  }

  /** Drops the node in this place, unless the monitor refuses, and puts a new one there. */
  replace(place: number): void {
    const old = this.places[place - 1];
    if (!old) return;
    if (!this.monitor.isIdle) return this.queue.after(1, () => this.replace(place));
    const { nodes } = this.monitor.group;
    // Who drops the last node wants to be rid of the data.
    if (!nodes.some((node) => node.id !== old.id && node.goal !== 'dropped')) return;
    this.monitor.command({ kind: 'remove_node', node: old.id, force: false });
    this.#replaceWhenGone(place, old);
  }

  /** The host in this place never comes back, unless no other one has data. Its operator gives up what only it has. */
  loseForGood(place: number): void {
    const old = this.places[place - 1];
    if (!old || !this.places.some((other) => other !== old && !other.keeper.isGone && other.postgres.usable))
      return;
    old.keeper.kill();
    old.keeper.isGone = true;
    old.postgres.crash();
    this.#giveUp(place, old);
  }

  #giveUp(place: number, old: Host): void {
    if (this.places[place - 1] !== old) return;
    const { monitor } = this;
    if (monitor.group.nodes.some(({ id }) => id === old.id))
      monitor.command({ kind: 'remove_node', node: old.id, force: true });
    else if (strangerThatLeads(monitor.snapshot()) !== null)
      monitor.command({ kind: 'perform_lossy_failover' });
    else {
      this.#nameCandidates();
      const host = this.#newHost(old.wanted);
      if (host) this.places[place - 1] = host;
    }
    this.queue.after(GIVE_UP_RETRY, () => this.#giveUp(place, old));
  }

  /** Where nobody leads, everybody who is left may. */
  #nameCandidates(): void {
    const { leader, nodes } = this.monitor.group;
    if (leader !== null) return;
    for (const { name, candidatePriority } of nodes) {
      if (candidatePriority === 0)
        this.monitor.command({ kind: 'set_candidate_priority', name, priority: 1 });
    }
  }

  #replaceWhenGone(place: number, old: Host): void {
    const row = this.monitor.group.nodes.find((node) => node.id === old.id);
    // A monitor that was restored may not know yet.
    if (row && row.goal !== 'dropped' && old.keeper.memory.goal !== 'dropped') return;
    if (!row && this.places[place - 1] === old) {
      old.keeper.kill();
      old.postgres.crash();
      const host = this.#newHost(old.wanted);
      if (host) {
        this.places[place - 1] = host;
        return;
      }
    }
    this.queue.after(REPLACE_RETRY, () => this.#replaceWhenGone(place, old));
  }

  #newHost(wanted: NodeSetup): Host | null {
    const id = this.hosts.length + 1;
    if (!this.monitor.register(newNode(id, wanted.candidatePriority, wanted.quorum))) return null;
    const postgres = new ModelPostgres(
      this,
      id,
      () => keeper.postgresDied(),
      (upstream, how) => keeper.receiverEnded(upstream, how),
    );
    const keeper = new ModelKeeper(this, id, postgres, this.machine);
    const host: Host = { id, postgres, keeper, wanted };
    this.hosts.push(host);
    keeper.start();
    return host;
  }

  postgresOf(id: number): ModelPostgres | null {
    return this.hosts[id - 1]?.postgres ?? null;
  }

  wakeKeeper(id: number): void {
    this.hosts[id - 1]?.keeper.wake();
  }

  /** Runs until `until` holds, checked between events; false when that takes longer than `atMost`. */
  run(atMost: number, until: () => boolean = () => false): boolean {
    const end = this.queue.now + atMost;
    while (this.violation === null && this.queue.now < end) {
      if (!this.queue.runNext()) return until();
      if (!this.#somethingChanged) continue;
      this.#somethingChanged = false;
      this.steps++;
      if (until()) return true;
    }
    return false;
  }

  /** One node takes writes, every other one follows it, and nothing is left to do. */
  isStable(): boolean {
    const { group } = this.monitor;
    if (group.switchoverTarget !== null || group.nodes.length !== this.places.length) return false;
    if (group.nodes.length > 1 && group.settingsInForce.length !== 1) return false;
    return group.nodes.every((node) => {
      if (node.reported !== node.goal) return false;
      const postgres = this.postgresOf(node.id);
      if (node.id !== group.leader) return node.goal === 'secondary' && postgres?.receiver !== null;
      const goal = group.nodes.length === 1 ? 'single' : 'primary';
      return node.goal === goal && canTakeWrites(node.goal) && postgres?.takesWrites === true;
    });
  }

  onNext(occasion: Occasion, action: () => void): void {
    this.#upon[occasion].push(action);
  }

  /** The monitor has committed that. */
  happened(occasion: Occasion): void {
    for (const action of this.#upon[occasion].splice(0)) action();
  }

  /** Something changed in the event under way, so that it counts as a step. */
  changed(): void {
    this.#somethingChanged = true;
  }

  fail(what: string): void {
    this.violation ??= { at: this.queue.now, what };
  }

  note(text: string): void {
    this.#lastNoteAt = this.queue.now;
    this.#notes.push(`${(this.queue.now / 1000).toFixed(3)} s  ${text}`);
    if (this.#notes.length > NOTES_KEPT) this.#notes.shift();
  }

  /** The last things that happened, and how every node stands. */
  story(): string[] {
    const { group } = this.monitor;
    const states = group.nodes.map((node) => {
      const postgres = this.postgresOf(node.id);
      const memory = this.hosts[node.id - 1]?.keeper.memory;
      return (
        `node ${node.id}${node.id === group.leader ? ' (leader)' : ''}: row ${node.reported}/${node.goal}, ` +
        `keeper ${memory?.current}/${memory?.goal} epoch ${memory?.epoch} promised ${memory?.promised} ` +
        `stopped ${memory?.stopped?.belowEpoch ?? '-'}, Postgres ${postgres?.life}` +
        `${postgres?.inRecovery ? ' in recovery' : ''} tli ${postgres?.branch.tli} at ${postgres?.flushed}, ` +
        `seen ${JSON.stringify(node.seen)}`
      );
    });
    const inForce = group.settingsInForce.map(
      ({ version, required, members }) => `v${version} ANY ${required} (${members.join()})`,
    );
    return [...this.#notes, `epoch ${group.epoch}, in force ${inForce.join('; ')}`, ...states];
  }

  /** Clients commit on every node that lets them. */
  #write(): void {
    for (const { postgres } of this.hosts) {
      if (postgres.takesWrites && !postgres.processes.areFrozen) postgres.commit();
    }
    const isCalm = this.queue.now - this.#lastNoteAt > BUSY_FOR;
    this.queue.after(isCalm ? this.random.between(50, 400) : this.random.between(2, 25), () => this.#write());
  }
}
