import type { JsonObject } from '@pgaf/core/json';
import type { Milliseconds } from '@pgaf/core/durations';
import { canTakeWrites, promises } from '@pgaf/core/states';
import { Turns } from '@pgaf/core/turns';
import { endsWithLease, leaseEnd, type Lease } from '@pgaf/fsm/held-lease';
import type { Finding } from '@pgaf/postgres/finding';
import type { Observation } from '@pgaf/postgres/observe';
import type { ServerTime } from '@pgaf/postgres/reload';
import type { Logger } from '@pgaf/logging/logger';
import type { NodeRequirements } from '@pgaf/plugin-api';
import { Instance } from './instance.js';
import type { Assignment, Peer } from '@pgaf/monitor-client/reports';
import type { MonitorLink } from './monitor-link.js';
import type { NodeConfig } from './node-config.js';
import { NO_ATTEMPTS, postmasterDied, type RestartAttempts } from './restart-attempts.js';
import type { Obstacle } from './run-edge.js';
import { beginQuiet, type Quiet } from './quiet.js';
import { NO_TRIES, type SourceTries } from './source-tries.js';
import { steadyNow } from './steady-clock.js';
import { writeStateFile, type KeeperState } from './state-file.js';
import type { Standstill } from './standstill.js';
import type { UpstreamWatch } from './upstream-watch.js';

/** `confirmed`: the monitor's. `byForce`: an operator's, until the monitor says anything. */
export type Opening = 'confirmed' | 'byForce';

/** The version of a setting, and the moment before the reload that read it; each process is told of a quorum by now. */
export interface SettingAsked {
  readonly version: number;
  readonly since: ServerTime;
}

/** Everything that the parts of a keeper know together. Only `state` outlives the process. */
export class Situation {
  /** Replaced when the configuration was read again. */
  config: NodeConfig;
  readonly instance: Instance;
  readonly monitor: MonitorLink;
  readonly log: Logger;
  /** What the formation's kind asks of this node's role; null when nothing. */
  readonly requirements: NodeRequirements | null;

  /** The last assignment that was accepted. */
  assignment: Assignment | null = null;
  /**
   * When the report was sent whose answer let this node take writes; null before the first one, and once it was
   * taken back. Of the steady clock.
   */
  grantedAt: Milliseconds | null = null;
  /** When the last report was sent that the monitor answered, naming this node as the leader. Of the steady clock. */
  heardAt: Milliseconds = -Infinity;
  /** For how long this node may take writes as the leader. */
  lease: Lease;
  /** Postgres is being stopped because the lease is over. */
  fencing = false;
  /** Since when Postgres runs with its clients rejected; null while it lets them in. Of the steady clock. */
  closedAt: Milliseconds | null = null;
  /** When the newest WAL message was written that enough standbys have flushed. Of the steady clock. */
  witnessedAt: Milliseconds = -Infinity;
  /** The last report was not answered. */
  monitorIsSilent = false;
  /** Why what the monitor answers is no order, a sentence; null when it is one. */
  doubt: string | null = null;
  /** Whose word opens Postgres for writes from a cold start. */
  opening: Opening;
  /** Postgres ran when it was last looked at. */
  ran = false;
  /** The last report said that Postgres hangs. */
  saidToHang = false;
  /** Why the last look found that Postgres is too busy for it; null when it was not. */
  saidToBeBusy: string | null = null;
  /** When a Postgres that had run was first seen to run no more, or was fenced. Of the steady clock. */
  lostAt: Milliseconds = -Infinity;
  observation: Observation | null = null;
  /** The version of the assigned setting, once Postgres was seen to use another one; null when it is confirmed. */
  overriddenSetting: number | null = null;
  /** Postgres was asked to read the assigned setting, as its file says it since; null when that is not known. */
  settingAsked: SettingAsked | null = null;
  /** How to log in upstream may have changed, so that it is to be written again. */
  followAgain = false;
  /** Why this standby cannot stream, as it was found; null when nothing was. */
  standstill: Standstill | null = null;
  /** What was found when Postgres was last looked over; null before the first time. */
  findings: readonly Finding[] | null = null;
  /** When it was last looked over; null to do so at the next pass. Monotonic. */
  inspectedAt: Milliseconds | null = null;
  /**
   * The nodes that streamed from here when Postgres last answered, in order. Kept while it does not answer: only
   * the end of a stream that was seen here tells its standby that this node went down.
   */
  streams: readonly number[] = [];
  upstream: UpstreamWatch | null = null;
  /** Since when nothing has come to this standby. */
  quiet: Quiet = beginQuiet(steadyNow());
  /** What came of receiving from others that promised. */
  sourceTries: SourceTries = NO_TRIES;
  /** When this keeper last did what ends the stream; null when the last end was none of its doing. Monotonic. */
  streamCutAt: Milliseconds | null = null;
  attempts: RestartAttempts = NO_ATTEMPTS;
  abandoned: string | null = null;
  /** Walsenders, by pid, whose standbys a planned stop does not wait for; their postmaster is the one of that look. */
  laggards: readonly number[] = [];
  /** Why the edge under way is not done yet. */
  obstacle: Obstacle | null = null;
  /** What the plugin says to those of other nodes, by name. */
  said: JsonObject = {};
  /** The hosts of the whole formation, sorted, as they were last heard of; null before that. */
  formationHosts: readonly string[] | null = null;
  /** By host name, the addresses that its name does not let in. */
  hostAddresses: ReadonlyMap<string, readonly string[]> = new Map();
  /** How far the step under way is. */
  progress: string | null = null;
  /** Why the last assignment was refused. */
  refusal: string | null = null;
  /** This keeper is about to stop Postgres and go: it starts nothing any more. */
  leaving = false;
  /** The peers and hosts, as `hbaKey`, that our settings and hba were last written for in this process's life. */
  hbaFor: string | null = null;
  /** Whoever writes pg_hba.conf has a turn: the loop's steps, the gate, and who looks at the formation. */
  readonly hbaTurns = new Turns();
  /** How often pg_hba.conf was changed in this process's life. */
  hbaWritten = 0;
  /** Which of these changes Postgres was last told to read. */
  #hbaRead = 0;
  slotsFor: string | null = null;
  slotsAt = 0;
  /** A slot of a node that is gone was still in use, so that it was kept. */
  slotsLeft = false;
  /** The slots here are those of a former primary. */
  dropSlotsFirst = false;
  #state: KeeperState;

  constructor(parts: {
    readonly config: NodeConfig;
    readonly state: KeeperState;
    readonly monitor: MonitorLink;
    readonly log: Logger;
    readonly requirements?: NodeRequirements | null;
    readonly opening?: Opening;
  }) {
    this.config = parts.config;
    this.#state = parts.state;
    this.monitor = parts.monitor;
    this.log = parts.log;
    this.requirements = parts.requirements ?? null;
    this.opening = parts.opening ?? 'confirmed';
    this.instance = new Instance(parts.config);
    this.lease = { length: this.leaseToHold(), renewedAt: -Infinity };
    this.instance.onDeath((ranFor) => {
      this.attempts = postmasterDied(this.attempts, ranFor, performance.now());
      this.log.warn('Postgres ended by itself', {
        ranForMs: Math.round(ranFor),
        failed: this.attempts.failed,
      });
    });
  }

  get state(): KeeperState {
    return this.#state;
  }

  /** It is the leader, as far as this keeper knows. */
  takesWrites(): boolean {
    return canTakeWrites(this.#state.current);
  }

  /**
   * Another node was given the epoch, and this one has not stopped yet: its keeper heard nothing meanwhile. Whoever takes
   * over was not to wait for it any more, so nothing that it does may be waited for either.
   */
  isReplaced(): boolean {
    const leader = this.assignment?.leader ?? null;
    return leader !== null && leader !== this.#state.nodeId && this.takesWrites();
  }

  /**
   * This node does not come back in its own epoch: another one has promised for the next, or it was given to another one,
   * which may be gone since.
   */
  isSucceeded(): boolean {
    const isLeft = this.assignment !== null && this.assignment.leader !== this.#state.nodeId;
    return isLeft || this.peers().some(({ goal }) => promises(goal));
  }

  /**
   * Postgres runs and has answered nobody for longer than the lease: this keeper knows no more of it than the monitor
   * does, and does not vouch for it.
   */
  hangs(): boolean {
    return this.instance.hungFor > this.config.leaseLength;
  }

  /**
   * The monitor has been told so for as long as another lease, and nobody else has taken over: what is left to try is
   * another start.
   */
  hangsForGood(): boolean {
    return !this.#state.paused && this.instance.hungFor > 2 * this.config.leaseLength;
  }

  /**
   * The lease that reports speak of. A leader that is paused is not failed over, and works on as long as its operator
   * does.
   */
  leaseToHold(): Milliseconds | null {
    return this.takesWrites() && !this.#state.paused ? this.config.leaseLength : null;
  }

  /** The lease ends what this leader does, so that it may be succeeded once it is over. */
  endsWithItsLease(): boolean {
    if (this.lease.length === null || !this.takesWrites()) return false;
    return endsWithLease(this.#state.setting) && !this.opensByForce();
  }

  /**
   * For how long from now nobody else takes writes of the group. One that its lease does not end is succeeded by an
   * operator's word alone, which only the monitor tells it; a single node has nobody to be succeeded by.
   */
  leaseLeft(): Milliseconds {
    if (!this.takesWrites() || this.fencing) return 0;
    if (this.#state.current === 'single' && this.monitorOrdersNothing()) return Infinity;
    const isBound = this.endsWithItsLease();
    const end = isBound ? leaseEnd(this.lease) : this.heardAt + this.config.leaseLength;
    return end === null ? Infinity : Math.max(0, end - steadyNow());
  }

  /**
   * Postgres may be opened for writes. After a crash that takes the answer to a report that came later: one that
   * the monitor takes for gone is not opened beside its successor. An answer that is older than a lease may have
   * been followed by a failover. With no standby that commits wait for, nobody can succeed it.
   */
  mayOpen(): boolean {
    if (this.fencing) return false;
    if (this.grantedAt === null) return this.opensByForce();
    const setting = this.assignment?.setting;
    const alone = setting?.required === 0 && setting.version === this.#state.confirmedSetting;
    if (alone) return true;
    return this.grantedAt > this.lostAt && steadyNow() - this.grantedAt < this.config.leaseLength;
  }

  /**
   * Postgres may be started with its clients rejected, so that its standbys can prove that it is the primary still: while
   * the monitor says nothing, and when commits wait for standbys, none of which streams from here once they promised.
   */
  mayBeProved(): boolean {
    const { goal, paused, stopped, promised, epoch, setting } = this.#state;
    if (
      this.fencing ||
      !this.monitorOrdersNothing() ||
      this.refusal !== null ||
      this.config.hbaLevel === 'skip'
    )
      return false;
    if (!this.takesWrites() || !canTakeWrites(goal) || paused || stopped !== null) return false;
    return promised <= epoch && endsWithLease(setting) && !this.opensByForce();
  }

  /** It does not answer, or not with orders. */
  monitorOrdersNothing(): boolean {
    return this.monitorIsSilent || this.doubt !== null;
  }

  /**
   * An operator vouches for this node, and the monitor, which was asked, has said nothing since: it may know of a
   * successor that the operator does not know of.
   */
  opensByForce(): boolean {
    return this.opening === 'byForce' && this.monitorOrdersNothing() && this.refusal === null;
  }

  /** Whose word is missing for `mayOpen`. */
  openingWaitsFor(): string {
    const hosts = this.config.monitorHosts.join(', ');
    const { setting } = this.#state;
    const standbys = endsWithLease(setting)
      ? `, or ${setting?.required} of its standbys (${setting?.members.map((id) => `node ${id}`).join(', ')}),`
      : '';
    return `the monitor at ${hosts}${standbys} to confirm that this node is still the primary`;
  }

  /** On disk when it returns; nothing that hangs on the change may be done before. */
  remember(change: Partial<KeeperState>): void {
    const next = { ...this.#state, ...change };
    if (
      Object.entries(change).every(([key, value]) => Object.is(this.#state[key as keyof KeeperState], value))
    )
      return;
    writeStateFile(this.config.statePath, next);
    this.#state = next;
  }

  /** The other nodes of the group that stay. */
  peers(): readonly Peer[] {
    const nodes = this.assignment?.nodes ?? [];
    return nodes.filter((node) => node.id !== this.#state.nodeId && node.goal !== 'dropped');
  }

  /** Changes whenever a peer comes, goes or moves. */
  peersKey(): string {
    return this.peers()
      .map((peer) => `${peer.id}@${peer.host}:${peer.port}`)
      .sort()
      .join();
  }

  /** Changes whenever the lines of ours in pg_hba.conf may have to be others. */
  hbaKey(): string {
    const beside = [...this.hostAddresses].map(([host, addresses]) => `${host}=${addresses.join('+')}`);
    return `${this.peersKey()} ${this.formationHosts?.join() ?? ''} ${beside.join()}`;
  }

  /** Our lines are written for those who are there, and read. */
  hbaHolds(): boolean {
    return this.hbaFor === this.hbaKey() && !this.hbaIsUnread();
  }

  hbaIsUnread(): boolean {
    return this.#hbaRead < this.hbaWritten;
  }

  /** Runs what has Postgres read its files: what is written until it begins is read when it has succeeded. */
  async readingHba(read: () => Promise<unknown>): Promise<void> {
    const written = this.hbaWritten;
    await read();
    this.#hbaRead = Math.max(this.#hbaRead, written);
  }

  /** The node that this one receives from in `fast_forward`, while that has promised, too. */
  walSource(): Peer | null {
    const { nodes = [], walSource = null } = this.assignment ?? {};
    return nodes.find(({ id, reported }) => id === walSource && reported === 'report_lsn') ?? null;
  }

  /** Null when the group has no leader, or this node is it. */
  leader(): Peer | null {
    const id = this.assignment?.leader ?? null;
    return id === this.#state.nodeId ? null : (this.assignment?.nodes.find((node) => node.id === id) ?? null);
  }
}
