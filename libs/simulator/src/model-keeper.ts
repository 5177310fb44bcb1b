import { canTakeWrites, handsOver, type State } from '@pgaf/core/states';
import { DEFAULT_LEASE } from '@pgaf/fsm/default-timings';
import { findEdge } from '@pgaf/fsm/edge-table';
import type { GroupSnapshot } from '@pgaf/plugin-api/snapshot';
import type { Step } from '@pgaf/plugin-api/steps';
import { isTakenBack, newMemory, type KeeperMemory } from './keeper-memory.js';
import { KeeperSession } from './keeper-session.js';
import type { Machine } from './machine.js';
import { ModelFarewell } from './model-farewell.js';
import { ModelLease } from './model-lease.js';
import type { ModelPostgres } from './model-postgres.js';
import type { NodeActive } from './model-report.js';
import { isCutOff, type Progress, type Scratch } from './model-steps.js';
import { ModelUpkeep } from './model-upkeep.js';
import { ModelUpstream, type StreamEnd } from './model-upstream.js';
import { needsPostgres, STANDBY, STOPPED } from './postgres-of-state.js';
import { Processes } from './processes.js';
import type { World } from './world.js';

const REPORT_EVERY = 1000;
const REPORT_SOON = 200;
/** A source that gave nothing is not tried for so long. */
const IN_VAIN_FOR = 10_000;

/** What a keeper does besides watching: the way to its goal, or what its state asks for. */
interface Run {
  readonly steps: readonly Step[];
  readonly from: State;
  /** The state that is reached; null for upkeep. */
  readonly reaches: State | null;
}

/**
 * One keeper: observes, reports, takes or refuses orders, runs the steps of the real edges on the model of
 * its Postgres. What is private here is lost when it is killed; `memory` is its state file.
 */
export class ModelKeeper {
  memory: KeeperMemory;
  isRunning = false;
  /** Its host does not come back. */
  isGone = false;
  readonly #processes: Processes;
  readonly #session: KeeperSession;
  readonly #upstream: ModelUpstream;
  readonly #upkeep: ModelUpkeep;
  readonly #lease: ModelLease;
  #group: GroupSnapshot | null = null;
  /**
   * When the newest report was sent that the monitor has answered since this keeper began and since Postgres last died; null
   * when there is none.
   */
  #confirmedAt: number | null = null;
  #deaths = 0;
  #deathsTold = 0;
  /** As it was last seen. */
  #ran = false;
  #abandoned: string | null = null;
  /** When nothing came from a node that this one was to receive from. */
  readonly #noWalFrom = new Map<number, number>();
  #run: Run | null = null;
  #onDisk: KeeperMemory | null = null;
  /** Null until it is told to stop. */
  #farewell: ModelFarewell | null = null;
  /** It is to be started again as soon as it has ended. */
  #startAgain = false;

  constructor(
    private readonly world: World,
    readonly id: number,
    private readonly postgres: ModelPostgres,
    private readonly machine: Machine,
  ) {
    this.memory = newMemory(id);
    this.#processes = new Processes(world.queue);
    this.#session = new KeeperSession(world, id, this.#processes, {
      describe: () => this.#describe(),
      answered: (group, said) => this.#answered(group, said),
    });
    this.#lease = new ModelLease(
      world,
      postgres,
      {
        memory: () => this.memory,
        isFrozen: () => this.#processes.areFrozen,
        fenced: () => this.#processes.do(() => this.postgresDied()),
      },
      machine.lease,
    );
    const later = (delay: number, action: () => void): void => this.#processes.later(delay, action);
    const report = (): void => this.#session.report();
    this.#upstream = new ModelUpstream(world, id, { later, changed: report });
    this.#upkeep = new ModelUpkeep({
      postgres,
      memory: () => this.memory,
      remember: (change) => this.#remember(change),
      group: () => this.#group,
      later,
      mayOpen: () => this.#mayOpen(),
      mayBeProved: () => this.#mayBeProved(),
      report,
      act: () => this.#act(),
      run: (steps) => this.#begin({ steps, from: this.memory.current, reaches: null }),
    });
  }

  start(): void {
    if (this.isGone) return;
    if (this.isRunning) {
      this.#startAgain = this.#farewell !== null;
      return;
    }
    this.isRunning = true;
    this.#lease.reported(this.#lease.toHold);
    this.#heartbeat();
    this.#session.connect();
    this.#act();
    this.world.changed();
  }

  /** Told to stop in an orderly way. */
  terminate(): void {
    if (this.#processes.areFrozen) return this.#processes.do(() => this.terminate());
    if (!this.isRunning || this.#farewell) return;
    if (this.memory.paused) return this.kill();
    this.#farewell = this.#newFarewell();
    this.#processes.later(0.1, () => this.#session.report());
    this.#farewell.sayOrderly();
  }

  /** Told to stop at once. */
  quit(): void {
    if (this.#processes.areFrozen) return this.#processes.do(() => this.quit());
    if (!this.isRunning) return;
    this.#farewell = this.#newFarewell();
    this.#farewell.sayAtOnce();
  }

  #newFarewell(): ModelFarewell {
    return new ModelFarewell({
      postgres: this.postgres,
      memory: () => this.memory,
      remember: (change) => this.#remember(change),
      group: () => this.#group,
      now: () => this.world.queue.now,
      later: (delay, action) => this.#processes.later(delay, action),
      hasSession: () => this.#session.isOpen,
      act: () => this.#act(),
      halt: () => (this.#run = null),
      report: () => this.#session.sayLast(),
      end: () => this.#end(),
    });
  }

  #end(): void {
    const again = this.#startAgain;
    this.kill();
    if (again) this.start();
  }

  /** Killed: its connections are closed by its host, its Postgres goes on. */
  kill(): void {
    if (!this.isRunning) return;
    this.isRunning = false;
    this.#processes.end();
    this.#session.close();
    this.#confirmedAt = null;
    this.#group = null;
    this.#upstream.forget();
    this.#abandoned = null;
    this.#noWalFrom.clear();
    this.#upkeep.beginAnew();
    this.#run = null;
    this.#farewell = null;
    this.#startAgain = false;
    this.memory = this.#onDisk ?? this.memory;
    this.world.changed();
  }

  /** Stands still: its host answers in its place. */
  freeze(): void {
    if (this.isRunning) this.#processes.freeze();
  }

  thaw(): void {
    this.#processes.wake();
  }

  /** The network resets it. */
  closeSession(): void {
    this.#session.close();
  }

  postgresDied(): void {
    if (!this.isRunning) return;
    this.#lost();
    this.#ran = false;
    this.#processes.later(this.world.random.between(0.1, 5), () => {
      this.#session.report();
      this.#act();
    });
  }

  receiverEnded(upstream: number, how: StreamEnd): void {
    // What this node ended itself, by a promise or by a crash of its own, says nothing of the upstream.
    if (!this.isRunning) return;
    this.#processes.do(() => this.#upstream.ended(upstream, how));
    if (this.#isHandedTo()) this.#processes.do(() => this.#session.report());
  }

  #isHandedTo(): boolean {
    const leader = this.#group?.nodes.find(({ id }) => id === this.#group?.leader);
    return this.#group?.switchoverTarget === this.id && leader?.goal === 'draining';
  }

  /** The monitor announced a change. */
  wake(): void {
    if (this.isRunning) this.#processes.do(() => this.#session.report());
  }

  #heartbeat(): void {
    const unsettled = this.memory.current !== this.memory.goal || this.memory.current === 'catchingup';
    const soon = unsettled || this.#lease.isMissed;
    this.#processes.later(soon ? REPORT_SOON : REPORT_EVERY, () => {
      this.#lease.witness();
      this.#admit();
      this.#session.connect();
      this.#act();
      this.#session.report();
      this.#heartbeat();
    });
  }

  /** The monitor's word counts while it is that this node takes writes, and for no longer than a lease. */
  #mayOpen(): boolean {
    if (this.#lease.isFencing) return false;
    const isFresh = this.#confirmedAt !== null && this.world.queue.now - this.#confirmedAt < DEFAULT_LEASE;
    const confirmed = isFresh && canTakeWrites(this.memory.goal);
    return this.machine.opens(confirmed ? 'confirmed' : 'unconfirmed');
  }

  #mayBeProved(): boolean {
    if (this.#lease.isFencing) return false;
    const { current, goal, promised, epoch } = this.memory;
    return canTakeWrites(current) && canTakeWrites(goal) && promised <= epoch && this.#lease.isMissed;
  }

  /** Lets clients in once somebody has confirmed what was started without them. */
  #admit(): void {
    const { life, rejectsClients, upSince, inRecovery } = this.postgres;
    if (!rejectsClients || life !== 'up' || inRecovery || !canTakeWrites(this.memory.current)) return;
    if (this.#mayOpen() || this.#lease.witnessedAt > upSince) this.postgres.admitClients();
  }

  #describe(): NodeActive | null {
    if (this.#farewell?.phase === 'stops') return null;
    this.#observe();
    this.#deathsTold = this.#deaths;
    const { memory, postgres } = this;
    const report = this.machine.report({
      memory,
      postgres,
      now: this.world.queue.now,
      startsFail: this.#upkeep.startsFail,
      leaving: this.#farewell !== null,
      upstream: this.#upstream.seen,
      abandoned: this.#abandoned,
      noWalFrom: [...this.#noWalFrom]
        .filter(([, at]) => this.world.queue.now - at < IN_VAIN_FOR)
        .map(([source]) => source),
      lease: this.#lease.toHold,
    });
    this.#lease.reported(report.facts.lease ?? null);
    const { promise, stopped } = report.facts;
    this.world.checks.sworn(this.id, promise?.epoch ?? 0, stopped?.belowEpoch ?? 0);
    return report;
  }

  #observe(): void {
    const { receiver, life, inRecovery } = this.postgres;
    if (!STANDBY.has(this.memory.current) || (life === 'up' && !inRecovery)) this.#upstream.forget();
    else if (receiver) this.#upstream.streamsFrom(receiver.upstream.id, this.postgres.heardAt);
    this.#noteWhoWrote();
    this.#measurePromise();
  }

  /** What was written here cannot be told from what the leader wrote: no position of this node says what it received. */
  #noteWhoWrote(): void {
    const { memory, postgres } = this;
    if (postgres.strayed !== memory.strayed) this.#remember({ strayed: postgres.strayed });
  }

  #measurePromise(): void {
    const { memory, postgres } = this;
    if (memory.strayed) return;
    if (memory.promised <= memory.epoch || !isCutOff(postgres)) return;
    const promise = { epoch: memory.promised, tli: postgres.branch.tli, lsn: postgres.flushed };
    const { epoch, tli, lsn } = memory.promise ?? { epoch: 0, tli: 0, lsn: 0 };
    if (epoch !== promise.epoch || tli !== promise.tli || lsn !== promise.lsn) this.#remember({ promise });
  }

  #answered(group: GroupSnapshot, said: NodeActive): void {
    if (this.#farewell && said.facts.leaving) this.#farewell.heard = true;
    if (this.#farewell?.phase === 'says') this.#processes.later(0, () => this.#end());
    if (group.restored) return;
    this.#lease.answered(said.facts.lease ?? null);
    const self = group.nodes.find((node) => node.id === this.id);
    if (!self) return;
    const order = { epoch: group.epoch, goal: self.goal, leader: group.leader };
    const verdict = this.machine.accept(this.memory, order);
    if (verdict.tag === 'refused') return;
    // What must hold is another thing with other peers.
    if (this.#run?.reaches === null && peersKey(group) !== peersKey(this.#group)) this.#run = null;
    this.#group = group;
    this.#confirmedAt = this.#deathsTold === this.#deaths ? (said.at ?? 0) : null;
    if (group.leader === this.id) this.#lease.granted(said.at ?? 0);
    if (canTakeWrites(self.goal)) this.#admit();
    const setting = group.settingsInForce.at(-1) ?? null;
    if (setting?.version !== this.memory.setting?.version) this.#remember({ setting });
    if (!handsOver(self.goal) && self.goal !== 'dropped') this.#abandoned = null;
    const { epoch, leader, goal, paused } = this.memory;
    if (paused && !self.paused) this.#upkeep.beginAnew();
    const { state } = verdict;
    if (state.epoch !== epoch || state.leader !== leader || state.goal !== goal || self.paused !== paused) {
      const sworn = { ...(state.leader !== undefined && { leader: state.leader }), goal: state.goal };
      const orderTakenBack = this.memory.orderTakenBack || isTakenBack(this.memory, state.goal);
      const position = this.#positionAtOrder(state);
      this.#remember({ epoch: state.epoch, ...sworn, ...position, paused: self.paused, orderTakenBack });
      this.world.changed();
    }
    this.#act();
  }

  /** Who is told to take over without having promised first promises by taking the order. */
  #positionAtOrder({ epoch, goal }: KeeperMemory): Pick<KeeperMemory, 'promised' | 'promise'> | null {
    const { memory, postgres } = this;
    if (!canTakeWrites(goal) || epoch <= memory.promised || epoch <= memory.epoch) return null;
    const isStandby = STANDBY.has(memory.current) && postgres.life === 'up' && postgres.inRecovery;
    if (!isStandby || memory.strayed) return null;
    return { promised: epoch, promise: { epoch, tli: postgres.branch.tli, lsn: postgres.flushed } };
  }

  /** A keeper that leaves does no more than it is ordered to stop. */
  get #startsNothing(): boolean {
    if (!this.#farewell) return false;
    return this.#farewell.phase !== 'waits' || !STOPPED.has(this.memory.goal);
  }

  /** Who stopped Postgres need not have told: the watchdog does not. */
  #survey(): void {
    const runs = this.postgres.life !== 'down';
    if (this.#ran && !runs) this.#lost();
    this.#ran = runs;
  }

  #lost(): void {
    this.#deaths++;
    this.#confirmedAt = null;
  }

  #act(): void {
    this.#survey();
    if (this.#run || this.#startsNothing) return;
    const { current, goal } = this.memory;
    if (current === goal || !this.#group) return this.#upkeep.keep(current);
    if (this.#leavesAlone(current, goal)) return;
    const edge = findEdge(this.machine.edges, current, goal);
    if (edge) return this.#begin({ steps: edge.steps, from: current, reaches: goal });
    this.world.fail(`node ${this.id} is in ${current} and no edge leads to ${goal}`);
  }

  /** Somebody works on the node, and the way would start the Postgres that was stopped for that. */
  #leavesAlone(current: State, goal: State): boolean {
    if (!this.memory.paused || this.postgres.life !== 'down' || !needsPostgres(current)) return false;
    return needsPostgres(goal) && canTakeWrites(current) === canTakeWrites(goal);
  }

  #begin(run: Run): void {
    this.#run = run;
    this.#step(run, 0, {});
  }

  #step(run: Run, index: number, scratch: Scratch): void {
    if (this.#run !== run) return;
    if (this.memory.goal !== (run.reaches ?? run.from) || this.#startsNothing) return this.#endRun();
    const step = run.steps[index];
    if (!step) {
      if (run.reaches) this.#remember({ current: run.reaches });
      this.#endRun();
      this.#session.report();
      return;
    }
    const { random } = this.world;
    const progress = this.#perform(step, scratch);
    if (progress === 'again') {
      this.#processes.later(random.between(0.5, 8), () => this.#step(run, index, scratch));
    } else if (progress.tag === 'done') {
      this.#processes.later(random.between(0.05, 2), () => this.#step(run, index + 1, {}));
    } else {
      this.#processes.later(random.between(20, 200), () => this.#step(run, 0, {}));
      if (this.#abandoned !== null) this.#session.report();
      const goal = run.reaches ?? run.from;
      if (needsPostgres(run.from) && needsPostgres(goal)) this.#upkeep.keepRunning(canTakeWrites(run.from));
    }
  }

  #endRun(): void {
    this.#run = null;
    this.world.changed();
    this.#act();
  }

  #perform(step: Step, scratch: Scratch): Progress {
    const group = this.#group;
    if (!group) return 'again';
    this.world.changed();
    return this.machine.runStep(step, {
      world: this.world,
      postgres: this.postgres,
      memory: this.memory,
      remember: (change) => this.#remember(change),
      group,
      opening: () => (this.#mayOpen() ? 'admitted' : this.#mayBeProved() ? 'rejected' : null),
      abandon: (reason) => {
        this.#abandoned = reason;
      },
      receivedNothing: (source) => void this.#noWalFrom.set(source, this.world.queue.now),
      scratch,
    });
  }

  #remember(change: Partial<KeeperMemory>): void {
    const before = this.memory;
    this.memory = { ...before, ...change };
    this.#onDisk = this.machine.write(this.#onDisk ?? before, this.memory);
    if (this.memory.epoch < before.epoch) this.world.fail(`node ${this.id} went back to an earlier epoch`);
  }
}

function peersKey(group: GroupSnapshot | null): string {
  return group === null ? '' : group.nodes.map(({ id, goal }) => (goal === 'dropped' ? '' : id)).join();
}
