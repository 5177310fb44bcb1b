import type { Milliseconds } from '@pgaf/core/durations';
import { canTakeWrites } from '@pgaf/core/states';
import { Wake } from '@pgaf/core/wake';
import type { EdgeTable } from '@pgaf/fsm/edge-table';
import { farewellWaitsFor } from '@pgaf/fsm/farewell';
import { leaseReported } from '@pgaf/fsm/held-lease';
import type { KeeperPart } from '@pgaf/plugin-api/keeper-part';
import { PaceInMotion } from '@pgaf/monitor-client/motion';
import type { NodeRequirements } from '@pgaf/plugin-api';
import type { Logger } from '@pgaf/logging/logger';
import { Activity } from './activity.js';
import { FailingReports } from './failing-reports.js';
import { Fence } from './fence.js';
import { Gate } from './gate.js';
import { leave } from './leave.js';
import { reportOf, takeAssignment } from './heartbeat.js';
import { Inspection } from './inspection.js';
import type { MonitorLink, News } from './monitor-link.js';
import { DEFAULT_PACE, type NodeConfig, type Pace } from './node-config.js';
import { pause } from './pause.js';
import { HostAddresses } from './host-addresses.js';
import { PlacePublisher } from './place-publisher.js';
import { PluginPart } from './plugin-part.js';
import { QUICK_ATTEMPTS } from './restart-attempts.js';
import type { Obstacle } from './run-edge.js';
import { Situation, type Opening } from './situation.js';
import type { KeeperState } from './state-file.js';
import { StandstillWatch } from './standstill.js';
import { StreamEnd } from './stream-end.js';
import { runStep } from './steps/run-step.js';
import { strongerManner, type StopManner } from './stop-manner.js';
import { steadyNow } from './steady-clock.js';
import { noteHang, survey } from './survey.js';
import { isUnknownNode, unknownNode } from './unknown-node.js';
import { UpstreamProbe } from './upstream-probe.js';
import { Witness } from './witness.js';

export type { Opening };

/** How long a keeper that stops waits for the answer to a report under way. */
const LAST_ANSWER: Milliseconds = 500;
const LEAVING_PACE: Milliseconds = 50;

export interface KeeperOptions {
  readonly config: NodeConfig;
  readonly state: KeeperState;
  readonly monitor: MonitorLink;
  /** The edges of the formation's kind, for this node's role. */
  readonly edges: EdgeTable;
  readonly part?: KeeperPart;
  readonly requirements?: NodeRequirements | null;
  readonly log: Logger;
  readonly pace?: Pace;
  readonly opening?: Opening;
}

/** Why a keeper ended: it was told to stop, or its node left the formation. */
export type KeeperEnd = 'stopped' | 'dropped';

/**
 * The service on a node: observes, reports, and does what the monitor assigns. One loop, woken by its clock,
 * by news of the monitor, by the end of its postmaster, and by whoever stops it.
 */
export class Keeper {
  readonly #situation: Situation;
  readonly #activity: Activity;
  readonly #part: PluginPart;
  readonly #probe: UpstreamProbe;
  readonly #streamEnd: StreamEnd;
  readonly #inspection: Inspection;
  readonly #standstill: StandstillWatch;
  readonly #publisher: PlacePublisher;
  readonly #addresses: HostAddresses;
  readonly #pace: Pace;
  readonly #wake = new Wake();
  readonly #ending = new AbortController();
  /** Aborts when Postgres is to stop without a checkpoint, however its stop began. */
  readonly #atOnce = new AbortController();
  readonly #listeners = new Set<(state: KeeperState) => void>();
  #manner: StopManner | null = null;
  /** Since when the keeper has been told to stop, and whether the monitor knows. Monotonic. */
  #farewell: { readonly begun: Milliseconds; heard: boolean; readonly reports: FailingReports } | null = null;
  readonly #fence: Fence;
  readonly #witness: Witness;
  readonly #gate: Gate;
  /** The look at Postgres under way, or the last one. Monotonic. */
  #lookBegan: Milliseconds = -Infinity;
  #reporting: Promise<void> | null = null;
  #reportAgain = false;
  /** When to report again, since the last answer said that the group is in motion; infinite when it did not, or there was none. */
  #againAfter: Milliseconds = Infinity;
  readonly #paceInMotion = new PaceInMotion();
  #dropped = false;
  #unknown = false;

  constructor(options: KeeperOptions) {
    const situation = new Situation(options);
    const news = (): void => this.#wake.ring();
    const part = new PluginPart(situation, options.part ?? {}, news, () => this.#runHooks());
    this.#situation = situation;
    this.#part = part;
    this.#pace = options.pace ?? DEFAULT_PACE;
    this.#probe = new UpstreamProbe(situation, news);
    this.#streamEnd = new StreamEnd(situation, news);
    this.#inspection = new Inspection(situation, news);
    this.#standstill = new StandstillWatch(situation, news);
    this.#publisher = new PlacePublisher(situation);
    this.#addresses = new HostAddresses(situation, news);
    this.#witness = new Witness(situation, news);
    this.#gate = new Gate(situation, news);
    this.#fence = new Fence(situation, { attempt: news, fenced: news });
    this.#activity = new Activity({
      situation,
      edges: options.edges,
      runStep: (step, signal) => runStep({ situation, part, signal }, step),
      news,
    });
  }

  get state(): KeeperState {
    return this.#situation.state;
  }

  /** By whose word Postgres is opened; a keeper that follows this one in its process goes on with it. */
  get opening(): Opening {
    return this.#situation.opening;
  }

  /** Why the way to the goal is not done yet; null while nothing holds it up. */
  get waitingFor(): string | null {
    const { refusal, doubt, obstacle } = this.#situation;
    return refusal ?? doubt ?? obstacle?.reason ?? null;
  }

  /** What a person must do before the way to the goal can go on; null while nothing is. */
  get blockedBy(): Obstacle | null {
    const { obstacle } = this.#situation;
    return obstacle?.tag === 'fatal' ? obstacle : null;
  }

  /** Postgres was tried to be started in vain, as often as a restart can mend anything. */
  get failsToStart(): boolean {
    return this.#situation.attempts.failed >= QUICK_ATTEMPTS;
  }

  /** The listener hears of the state after each pass of the loop. */
  onPass(listener: (state: KeeperState) => void): void {
    this.#listeners.add(listener);
  }

  /** Tells the keeper to end; a stronger manner replaces a weaker one. */
  stop(manner: StopManner): void {
    this.#manner = strongerManner(this.#manner, manner);
    if (manner === 'immediate') this.#atOnce.abort();
    this.#farewell ??= { begun: performance.now(), heard: false, reports: new FailingReports() };
    this.#situation.leaving = this.#manner === 'orderly' && !this.#situation.state.paused;
    this.#wake.ring();
  }

  /** Takes a configuration that was read again; what of it can only act at the next start of Postgres waits for that. */
  async reloaded(config: NodeConfig): Promise<void> {
    this.#situation.config = config;
    this.#situation.instance.config = config;
    this.#situation.hbaFor = null;
    this.#situation.followAgain = true;
    this.#publisher.configurationChanged();
    this.#wake.ring();
    await this.#part.reload(this.#ending.signal);
  }

  /**
   * Runs until it is stopped or its node is dropped; Postgres is left as the manner of the stop says.
   * @throws UserError `node-unknown` when the monitor has no row of it.
   */
  async run(): Promise<KeeperEnd> {
    const { instance, monitor, state } = this.#situation;
    instance.onExit(() => this.#wake.ring());
    monitor.onNews(state.formation, (news) => this.#hear(news));
    this.#gate.begin();
    this.#fence.begin();
    while (!this.#isEnding()) {
      await this.#look();
      // A keeper that ends starts nothing any more, such as a postmaster that was killed with it.
      if (this.#isEnding()) break;
      // Before the monitor is asked: a postmaster that died is started again at once.
      this.#activity.pursue();
      this.#report();
      this.#probe.askWhenDue();
      this.#witness.askWhenDue();
      this.#gate.openWhenDue();
      this.#inspection.lookWhenDue();
      this.#standstill.lookWhenDue();
      this.#publisher.tellWhenDue();
      this.#addresses.lookWhenDue();
      this.#runHooks();
      for (const listener of this.#listeners) listener(this.#situation.state);
      await this.#wake.wait(this.#pauseBetweenPasses());
    }
    this.#ending.abort();
    this.#addresses.close();
    this.#streamEnd.close();
    await this.#activity.halt();
    await this.#inspection.close();
    await this.#standstill.close();
    await this.#publisher.close();
    // What it answers may be an order to keep; a monitor that is frozen answers nothing.
    if (this.#reporting)
      await Promise.race([this.#reporting, pause(LAST_ANSWER, new AbortController().signal)]);
    try {
      if (this.#unknown) {
        await instance.release();
      } else if (this.#dropped) {
        this.#situation.log.info(`Node ${state.nodeId} was dropped from formation "${state.formation}"`);
        await instance.release();
      } else {
        const since = this.#farewell ? performance.now() - this.#farewell.begun : 0;
        await leave(this.#situation, () => this.#manner ?? 'orderly', this.#atOnce.signal, since);
      }
    } finally {
      await this.#fence.close();
      // Whatever failed: a session that stays open says that this keeper lives.
      await this.#part.close();
      await monitor.close();
    }
    if (this.#unknown) throw unknownNode(state);
    return this.#dropped ? 'dropped' : 'stopped';
  }

  /** Looks at Postgres. A keeper that waits for its answer is not silent. */
  async #look(): Promise<void> {
    this.#lookBegan = performance.now();
    const reporting = setInterval(() => this.#reportWhatWasSeen(), this.#pace.calm);
    try {
      await survey(this.#situation);
    } catch (error) {
      this.#situation.observation = null;
      this.#cannotGoOn(error);
    } finally {
      clearInterval(reporting);
    }
  }

  #isEnding(): boolean {
    if (this.#dropped || this.#unknown) return true;
    if (this.#manner === null || !this.#farewell) return false;
    if (this.#manner !== 'orderly' || !this.#situation.leaving) return true;
    const { state, assignment } = this.#situation;
    const { begun, heard, reports } = this.#farewell;
    const since = performance.now() - begun;
    const { failedFor } = reports;
    return farewellWaitsFor({ ...state, since, heard, failedFor, group: assignment }) === null;
  }

  #pauseBetweenPasses(): Milliseconds {
    if (this.#situation.leaving) return LEAVING_PACE;
    return Math.min(this.#againAfter, this.#isBusy() ? this.#pace.busy : this.#pace.calm);
  }

  #hear(news: News | null): void {
    const { state } = this.#situation;
    if (news && news.formation !== state.formation) return;
    this.#part.formationChanged(news);
    // Of another group only the hooks of the kind know what to make; what a node is on its way for may wait for it, too.
    if (news && news.group !== state.group && !this.#isBusy()) {
      this.#runHooks();
      return;
    }
    const isOwn = news?.nodeId === state.nodeId;
    if (isOwn && news.goal === state.goal) return;
    if (isOwn) this.#fetchOrder();
    this.#wake.ring();
  }

  /**
   * The look at Postgres that the news begin takes its time on a busy host, and an outage may wait for the order: as during
   * a look that takes long, what was seen last is reported.
   */
  #fetchOrder(): void {
    if (this.#situation.observation !== null && !this.#isEnding()) this.#reportWhatWasSeen();
  }

  /** A keeper that waits for an answer of Postgres vouches for what it saw before no longer than a lease. */
  #reportWhatWasSeen(): void {
    if (performance.now() - this.#lookBegan < this.#situation.config.leaseLength) this.#report();
  }

  /** Those of the kind, which look at the whole formation. */
  #runHooks(): void {
    if (this.#isEnding()) return;
    const standing = this.#leads() ? 'leads' : 'follows';
    if (standing === 'leads') this.#part.leadWhenDue(this.#pace.reconcile);
    else this.#part.doesNotLead();
    if (this.#mayReconcile()) this.#part.reconcileWhenDue(this.#pace, standing, this.#ending.signal);
  }

  /** Heartbeats overlap nothing but the work under way; news that come during one are sent by the next. */
  #report(): void {
    if (this.#reporting) {
      this.#reportAgain = true;
      return;
    }
    const sent = { at: steadyNow(), lease: this.#situation.leaseToHold() };
    noteHang(this.#situation);
    const report = reportOf(this.#situation);
    this.#situation.lease = leaseReported(this.#situation.lease, sent.lease);
    const saidSo = this.#situation.leaving;
    this.#reporting = this.#situation.monitor
      .report(report)
      .then(
        (assignment) => {
          if (this.#situation.monitorIsSilent) this.#situation.log.info('The monitor answers again');
          this.#situation.monitorIsSilent = false;
          const inMotion = this.#paceInMotion.next(steadyNow() - sent.at, this.#pace.inMotion);
          this.#goOnAfter(assignment.inMotion ? inMotion : Infinity);
          this.#farewell?.reports.answered();
          takeAssignment(this.#situation, assignment, sent);
          this.#fence.look();
          if (!this.#isEnding()) {
            this.#streamEnd.watchWhenDue();
            this.#activity.pursue();
          }
          if (saidSo && this.#farewell) {
            this.#farewell.heard = true;
            this.#wake.ring();
          }
        },
        (error: unknown) => {
          this.#goOnAfter(Infinity);
          this.#farewell?.reports.failed();
          if (isUnknownNode(error) && !this.#situation.assignment) this.#reject();
          // Until the row goes, another order may come: a dropped primary may have what nobody else has.
          if (report.reported === 'dropped' && isUnknownNode(error)) return this.#leaveFormation();
          if (!this.#situation.monitorIsSilent)
            this.#situation.log.warn('No contact with the monitor', { error });
          // It may be what an opening by force waits for.
          if (!this.#situation.monitorIsSilent) this.#wake.ring();
          this.#situation.monitorIsSilent = true;
        },
      )
      .catch((error: unknown) => this.#cannotGoOn(error))
      .finally(() => {
        this.#reporting = null;
        if (this.#reportAgain) this.#wake.ring();
        this.#reportAgain = false;
      });
  }

  /** A pause that began before this was known may be the one of a group at rest. */
  #goOnAfter(pause: Milliseconds): void {
    if (pause < Infinity && this.#againAfter === Infinity) this.#wake.ring();
    this.#againAfter = pause;
  }

  /** Such as a full disk, which cannot keep what must be kept first; the next pass tries again. */
  #cannotGoOn(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (this.#situation.refusal !== reason) this.#situation.log.error(reason, { error });
    this.#situation.refusal = reason;
  }

  /** The monitor has no row of this node, and had none when this keeper began. */
  #reject(): void {
    if (this.#situation.state.current === 'dropped') return;
    this.#unknown = true;
    this.#wake.ring();
  }

  #leaveFormation(): void {
    this.#dropped = true;
    this.#wake.ring();
  }

  #isBusy(): boolean {
    const { state, assignment, refusal } = this.#situation;
    if (state.current !== state.goal || state.current === 'catchingup' || refusal !== null) return true;
    if (this.#witness.isNeeded) return true;
    if (state.promised > state.epoch || state.current === 'dropped') return true;
    return canTakeWrites(state.current) && (assignment?.setting?.version ?? null) !== state.confirmedSetting;
  }

  /** This node is what takes the writes of its group, as far as it knows, and its Postgres lets clients in. */
  #leads(): boolean {
    const { state, observation, leaving, fencing, closedAt } = this.#situation;
    if (leaving || fencing || closedAt !== null || observation === null || observation.inRecovery)
      return false;
    return canTakeWrites(state.current) && canTakeWrites(state.goal) && state.promised <= state.epoch;
  }

  #mayReconcile(): boolean {
    const { state, observation, assignment, leaving } = this.#situation;
    if (leaving) return false;
    return assignment !== null && observation !== null && state.current === state.goal && this.#activity.idle;
  }
}
