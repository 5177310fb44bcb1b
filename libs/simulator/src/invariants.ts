import { canTakeWrites } from '@pgaf/core/states';
import { isHealthy, seemsDown } from '@pgaf/fsm/health';
import { heardAt } from '@pgaf/fsm/lease';
import { ledBefore } from '@pgaf/fsm/may-have-more';
import type { Transition } from '@pgaf/fsm/settle';
import type { GroupSnapshot } from '@pgaf/plugin-api/snapshot';
import type { ModelPostgres } from './model-postgres.js';
import { isPrefix, sharedUpTo, type Branch } from './wal.js';
import type { World } from './world.js';

/** A node that was superseded while it was frozen has this long to find out, and to stop. */
const FENCED_WITHIN = 1000;

/** A stream that brought something so lately is none that hangs. */
const HEARD_LATELY = 1500;

/** What a node has told the monitor it will never do; the monitor decides on the strength of it. */
interface Oaths {
  promised: number;
  stoppedBelow: number;
}

/** What must hold after every event. The first thing that does not ends the run. */
export class Invariants {
  acknowledgedCommits = 0;
  readonly #oaths = new Map<number, Oaths>();
  /** When what the monitor believes of each node was so. */
  readonly #saidAt = new Map<number, number>();
  readonly #acknowledgedOn = new Set<Branch>();
  /** Each timeline is written by one node alone: nothing could tell apart what two wrote on it. */
  readonly #writers = new Map<Branch, ModelPostgres>();
  #newest: ModelPostgres | null = null;
  #newestEpoch = 0;
  #isGivenUp = false;

  constructor(private readonly world: World) {}

  /** A node told the monitor so; from now on others may act on it. */
  sworn(node: number, promised: number, stoppedBelow: number): void {
    const oaths = this.#oathsOf(node);
    oaths.promised = Math.max(oaths.promised, promised);
    oaths.stoppedBelow = Math.max(oaths.stoppedBelow, stoppedBelow);
  }

  /** The monitor takes a report of how the node was then: it forgets nothing that it has heard since. */
  reported(node: number, then: number): void {
    const newest = this.#saidAt.get(node) ?? 0;
    if (then < newest)
      this.world.fail(`the monitor takes what node ${node} said before what it has heard since`);
    this.#saidAt.set(node, then);
  }

  /**
   * A node's rows are gone with it, and what it swore in them. Of a host that took writes and never comes back, an
   * operator has given up what the next one lacks.
   */
  forget(node: number): void {
    this.#oaths.delete(node);
    if (this.#newest?.id !== node || !this.world.hosts[node - 1]?.keeper.isGone) return;
    this.#isGivenUp = true;
    this.#newest = null;
    this.#newestEpoch = 0;
  }

  /** What is out of the monitor's sight alone is not given up: a standby that streams from it has said so. */
  gaveUp(before: GroupSnapshot, transitions: readonly Transition[]): void {
    const leader = before.nodes.find(({ id }) => id === before.leader);
    if (!leader || seemsDown(before, leader)) return;
    if (!transitions.some(({ node, rule }) => node === leader.id && rule.startsWith('election.begin')))
      return;
    const hears = before.nodes.find((node) => {
      const { upstream, quietFor } = node.report.facts;
      const isHeardNow = upstream?.node === leader.id && upstream.streaming && quietFor !== undefined;
      return isHeardNow && before.now - heardAt(node) < HEARD_LATELY;
    });
    if (hears) this.world.fail(`node ${leader.id} was given up while node ${hears.id} heard from it`);
  }

  /**
   * In a paused group a leader that takes writes is stopped by an operator's order only. One that is dropped may leave in
   * this very decision, and its pause with it; and what a restored monitor takes over was decided before.
   */
  decided(before: GroupSnapshot, transitions: readonly Transition[]): void {
    if (!before.nodes.some((node) => node.paused && node.goal !== 'dropped')) return;
    const leader = before.nodes.find((node) => node.id === before.leader);
    for (const { node, from, goal, rule } of transitions) {
      const takesWrites = canTakeWrites(from) && leader !== undefined && canTakeWrites(leader.reported);
      if (node !== before.leader || !takesWrites || canTakeWrites(goal)) continue;
      if (!rule.startsWith('operator.') && rule !== 'monitor.restored')
        this.world.fail(`node ${node} of a paused group is ${goal} by ${rule}`);
    }
  }

  opened(postgres: ModelPostgres): void {
    const { id, openedIn: epoch } = postgres;
    // It was confirmed before its host stood still; what it is by now it has to find out.
    if (postgres.startWasHeldUp && epoch < this.#newestEpoch) return this.woken(postgres);
    const justWoken: ModelPostgres[] = [];
    for (const { postgres: other } of this.world.hosts) {
      // What is frozen serves nobody; how it wakes is looked at then.
      if (other === postgres || !other.takesWrites || other.processes.areFrozen) continue;
      if (this.world.queue.now - other.wokenAt < FENCED_WITHIN) justWoken.push(other);
      else {
        this.world.fail(
          `node ${id} was opened for writes in epoch ${epoch} while node ${other.id} still takes them`,
        );
      }
    }
    const writer = this.#writers.get(postgres.branch) ?? postgres;
    if (writer !== postgres) {
      this.world.fail(`node ${id} was opened in epoch ${epoch} on the timeline of node ${writer.id}`);
    }
    this.#writers.set(postgres.branch, postgres);
    if (epoch < this.#newestEpoch) {
      this.world.fail(`node ${id} was opened in epoch ${epoch} after epoch ${this.#newestEpoch} had begun`);
    }
    const oaths = this.#oathsOf(id);
    if (epoch < Math.max(oaths.promised, oaths.stoppedBelow)) {
      this.world.fail(`node ${id} was opened in epoch ${epoch} against its own word`);
    }
    this.#newest = postgres;
    this.#newestEpoch = epoch;
    if (this.#isGivenUp) this.#forgetWhatIsLost(postgres);
    this.#requireAcknowledged(postgres, `epoch ${epoch} began on node ${id}`);
    for (const other of justWoken) this.woken(other);
  }

  /**
   * What nobody has who is there, and could have said so, is what the operator has given up by removing the leader; and not
   * what one has, there or not, that led before and was not removed.
   */
  #forgetWhatIsLost(opened: ModelPostgres): void {
    this.#isGivenUp = false;
    const group = this.world.monitor.snapshot();
    const left = group.nodes
      .filter((node) => isHealthy(group, node) || ledBefore(group, node))
      .filter((node) => !node.report.facts.strayed)
      .flatMap(({ id }) => this.world.postgresOf(id) ?? []);
    for (const branch of this.#acknowledgedOn) {
      const there = [opened, ...left].map((node) => sharedUpTo(branch, node.branch, node.flushed));
      branch.acknowledged = Math.min(branch.acknowledged, Math.max(...there));
    }
  }

  #requireAcknowledged({ branch: tip, flushed }: ModelPostgres, what: string): void {
    for (const branch of this.#acknowledgedOn) {
      const shared = sharedUpTo(branch, tip, flushed);
      if (shared >= branch.acknowledged) continue;
      this.world.fail(
        `${what} without a commit acknowledged at ${branch.acknowledged} of epoch ${branch.epoch}; it has that ` +
          `up to ${shared}`,
      );
    }
  }

  /** Woken in another epoch than its own, it stops before anybody can rely on it. */
  woken(postgres: ModelPostgres): void {
    if (!postgres.takesWrites || this.#newest === postgres || this.#newest === null) return;
    const stillThere = postgres.processes.whileAlive(() => {
      if (!postgres.takesWrites) return;
      this.world.fail(
        `node ${postgres.id} of epoch ${postgres.openedIn} still takes writes ${FENCED_WITHIN / 1000} s after it ` +
          `was woken in epoch ${this.#newestEpoch}`,
      );
    });
    this.world.queue.after(FENCED_WITHIN, stillThere);
  }

  /** The group is whole: every node has every acknowledged commit of what the leader wrote when it was opened. */
  whole({ leader, nodes }: GroupSnapshot): void {
    const leading = leader === null ? null : this.world.postgresOf(leader);
    if (!leading) return this.world.fail('the group is whole without a leader');
    this.#requireAcknowledged(leading, `node ${leading.id} leads`);
    for (const { id } of nodes) {
      const postgres = this.world.postgresOf(id);
      if (postgres && !isPrefix(postgres.branch, postgres.flushed, leading.branch, leading.flushed)) {
        this.world.fail(`node ${id} has WAL that its leader, node ${leading.id}, has not`);
      }
    }
  }

  acknowledged(branch: Branch, lsn: number): void {
    this.acknowledgedCommits++;
    if (lsn > branch.acknowledged) branch.acknowledged = lsn;
    this.#acknowledgedOn.add(branch);
    const newest = this.#newest;
    if (newest && newest.branch !== branch && sharedUpTo(branch, newest.branch, newest.flushed) < lsn) {
      this.world.fail(
        `a commit at ${lsn} of epoch ${branch.epoch} was acknowledged after epoch ${this.#newestEpoch} had ` +
          `begun without it`,
      );
    }
  }

  /**
   * The epoch of what a node sends. A standby that is cut off for an epoch hands on nothing that is older than its own
   * promise; any other one hands on what the leader of its epoch sends. Who was promoted by hand receives nothing more:
   * what it sends it had before its promise, or wrote itself.
   */
  epochOf(sender: ModelPostgres): number {
    const { promised } = this.#oathsOf(sender.id);
    if (!sender.inRecovery)
      return sender.openedByHand ? Math.max(sender.openedIn, promised) : sender.openedIn;
    const follows = this.world.hosts[sender.id - 1]?.keeper.memory.epoch ?? 0;
    return Math.max(promised, follows);
  }

  received(standby: ModelPostgres, epoch: number): void {
    const { promised } = this.#oathsOf(standby.id);
    if (epoch < promised) {
      this.world.fail(`node ${standby.id} promised for epoch ${promised} and streams from epoch ${epoch}`);
    }
  }

  #oathsOf(node: number): Oaths {
    let oaths = this.#oaths.get(node);
    if (!oaths) {
      oaths = { promised: 0, stoppedBelow: 0 };
      this.#oaths.set(node, oaths);
    }
    return oaths;
  }
}
