import type { Milliseconds } from '@pgaf/core/durations';
import { connectionOf } from '@pgaf/core/states';
import type { NodeSnapshot, Sighting } from '@pgaf/plugin-api/snapshot';
import type { MonitorSettings } from './monitor-settings.js';
import { healthTls, type HealthTls } from './health-tls.js';
import { spreadChecks } from './spread-checks.js';
import { UnwrittenHealth } from './unwritten-health.js';
import type { Inflow } from './inbox.js';
import { checkHealth, type Encryption, type HealthCheck } from './health-check.js';

export interface HealthNews {
  readonly node: number;
  readonly health: HealthCheck['health'];
  readonly refused: boolean;
  readonly reason: string;
}

interface Watched {
  node: NodeSnapshot;
  /** What the node let in at the last check; null when that is to be found out. */
  encryption: 'plain' | 'tls' | null;
  /** Why the last check told nothing; null when it told something. */
  unknown: string | null;
  pace: CheckPace;
  /** How many periods it was left out since its last check. */
  leftOut: number;
  /** The last one in which it was shown. */
  round: number;
  busy: boolean;
  checkedAt: Milliseconds;
  recordedAt: Milliseconds;
}

/** Each period, or each third one: of a node of which there are other signs, and all of them good. */
export type CheckPace = 'often' | 'seldom';

export type HealthCheckPace = Pick<MonitorSettings, 'healthCheckPeriod' | 'healthCheckTimeout' | 'healthTls'>;

/** Nodes that are found together, as at the start, are not checked together for ever: each has its part of a period. */
const SLOTS = 10;
/** How many periods a node is left out between two checks that are seldom. */
const LEFT_OUT = 2;
/** An unchanged result is written this rarely, so that `healthchecktime` shows that checks go on. */
const RECORD_UNCHANGED_EVERY: Readonly<Record<CheckPace, Milliseconds>> = { often: 5000, seldom: 15_000 };
/** A node whose keeper is gone is checked at this rate until it is seen to be down, or the keeper is back. */
const HURRIED_PERIOD: Milliseconds = 200;

/**
 * Checks every node once a period, or as seldom as it is told to, and hands over what is worth writing: a changed result
 * at once, an unchanged one now and then.
 */
export class HealthChecker {
  readonly #watched = new Map<number, Watched>();
  readonly #unwritten = new UnwrittenHealth();
  #round = 0;
  #timer: NodeJS.Timeout;
  #stopped = false;
  /** Read when it is first needed, and again after a reload: the same path may hold another file. */
  #tls: Promise<HealthTls> | null = null;

  constructor(
    private pace: HealthCheckPace,
    private readonly onNews: () => void,
    private readonly warn: (sentence: string) => void,
  ) {
    this.#timer = this.#startTimer();
  }

  setPace(pace: HealthCheckPace): void {
    clearInterval(this.#timer);
    this.pace = pace;
    this.#tls = null;
    for (const watched of this.#watched.values()) watched.encryption = null;
    this.#timer = this.#startTimer();
  }

  #startTimer(): NodeJS.Timeout {
    const every = Math.min(this.pace.healthCheckPeriod, HURRIED_PERIOD);
    return setInterval(() => this.#checkDue(every), every);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  /** The nodes as they are now: new ones are checked at once, and so is one that was left out and is not any more. */
  watch(nodes: readonly NodeSnapshot[], pace: CheckPace): void {
    for (const node of nodes) {
      const watched = this.#watched.get(node.id);
      if (watched) {
        const before = watched.node;
        watched.node = node;
        watched.round = this.#round;
        this.#setPaceOf(watched, pace);
        if (deservesCheckNow(before, node)) this.#checkNow(watched);
      } else {
        const added: Watched = {
          node,
          encryption: null,
          unknown: null,
          pace,
          // Those that are found together are not left out together for ever.
          leftOut: Math.floor(node.id / SLOTS) % (LEFT_OUT + 1),
          round: this.#round,
          busy: false,
          checkedAt: 0,
          recordedAt: 0,
        };
        this.#watched.set(node.id, added);
        this.#checkNow(added);
        added.checkedAt -= (node.id % SLOTS) * (this.pace.healthCheckPeriod / SLOTS);
      }
    }
  }

  /** Nodes that are still there, and as they were when they were watched last, as far as a glance shows. */
  confirm(ids: readonly number[]): void {
    for (const id of ids) {
      const watched = this.#watched.get(id);
      if (watched) watched.round = this.#round;
    }
  }

  /** Every node was shown since the last time: those that were not are gone. */
  endRound(): void {
    for (const [id, { round }] of this.#watched) if (round !== this.#round) this.#watched.delete(id);
    this.#round++;
  }

  /** What is to be written next; the caller gives it back when it could not. */
  takeNews(inflow: Inflow): readonly HealthNews[] {
    return this.#unwritten.take(inflow);
  }

  /** What did not change is not kept: it comes again, and a row that is locked must not be tried without end for it. */
  giveBack(news: HealthNews): void {
    const seen = this.#watched.get(news.node)?.node.seen;
    if (seen && (news.health === 'unknown' || isChange(seen, news))) this.#unwritten.giveBack(news);
  }

  #setPaceOf(watched: Watched, pace: CheckPace): void {
    const isMissed = watched.pace === 'seldom' && pace === 'often' && watched.leftOut > 0;
    watched.pace = pace;
    // With the next tick: where much goes wrong at once, these are not begun at once.
    if (isMissed) watched.checkedAt = -Infinity;
  }

  /** What is due, and is left out this time, is dated as if it were checked. */
  #leavesOut(watched: Watched): boolean {
    const leaves = watched.pace === 'seldom' && watched.leftOut < LEFT_OUT;
    watched.leftOut = leaves ? watched.leftOut + 1 : 0;
    return leaves;
  }

  #checkDue(nextIn: Milliseconds): void {
    const now = performance.now();
    const hurried: Watched[] = [];
    const others: Watched[] = [];
    for (const watched of this.#watched.values()) {
      const { session, health } = watched.node.seen;
      const isHurried = session === 'closed' && health !== 'bad';
      const period = isHurried ? HURRIED_PERIOD : this.pace.healthCheckPeriod;
      // A timer that fires a little early must not skip a whole round.
      if (watched.busy || now - watched.checkedAt <= period - HURRIED_PERIOD / 2) continue;
      (isHurried ? hurried : others).push(watched);
    }
    // Dated alike, so that where one comes in its batch does not move its next check.
    for (const watched of [...hurried, ...others]) watched.checkedAt = now;
    const due = [...hurried, ...others.filter((watched) => !this.#leavesOut(watched))];
    for (const { after, due: batch } of spreadChecks(due, nextIn)) {
      const begin = () => {
        for (const watched of batch) void this.#check(watched);
      };
      if (after === 0) begin();
      else setTimeout(begin, after).unref();
    }
  }

  #checkNow(watched: Watched): void {
    if (watched.busy) return;
    watched.checkedAt = performance.now();
    void this.#check(watched);
  }

  async #check(watched: Watched): Promise<void> {
    if (watched.busy || this.#stopped) return;
    watched.busy = true;
    try {
      const result = await this.#look(watched);
      this.#tellOfUnknown(watched, result);
      this.#tell(watched, result);
    } finally {
      watched.busy = false;
    }
  }

  async #look(watched: Watched): Promise<HealthCheck> {
    const { healthCheckTimeout, healthTls: files } = this.pace;
    let tls: HealthTls;
    try {
      tls = await (this.#tls ??= healthTls(files));
    } catch (error) {
      this.#tls = null;
      return {
        health: 'unknown',
        refused: false,
        reason: error instanceof Error ? error.message : String(error),
      };
    }
    const attempt = (encryption: Encryption) => checkHealth(watched.node, encryption, healthCheckTimeout);
    if (typeof tls === 'object') return attempt({ required: tls });
    const encryption = watched.encryption ?? (tls === 'tls first' ? 'tls' : 'plain');
    watched.encryption = encryption;
    const result = await attempt(encryption);
    if (!result.tryOtherEncryption) return result;
    watched.encryption = encryption === 'plain' ? 'tls' : 'plain';
    return attempt(watched.encryption);
  }

  #tellOfUnknown(watched: Watched, { health, refused, reason }: HealthCheck): void {
    const why = health === 'unknown' ? reason : null;
    if (this.#stopped || why === watched.unknown) return;
    watched.unknown = why;
    // Known again is told even when it is as it was before.
    watched.recordedAt = -Infinity;
    if (why === null) return;
    const { id, name, host, port } = watched.node;
    this.warn(`The health of node ${id} "${name}" (${host}:${port}) is not known: ${why}.`);
    this.#unwritten.put({ node: id, health, refused, reason }, 'changed');
    this.onNews();
  }

  #tell(watched: Watched, result: HealthCheck): void {
    const { node } = watched;
    const { health, refused, reason } = result;
    if (this.#stopped || health === 'unknown' || (health === 'bad' && hasNoPostgresYet(node))) return;
    const now = performance.now();
    const changed = isChange(node.seen, result);
    if (!changed && now - watched.recordedAt < RECORD_UNCHANGED_EVERY[watched.pace]) return;
    watched.recordedAt = now;
    this.#unwritten.put({ node: node.id, health, refused, reason }, changed ? 'changed' : 'unchanged');
    if (changed) this.onNews();
  }
}

function isChange(seen: Sighting, { health, refused }: Pick<HealthCheck, 'health' | 'refused'>): boolean {
  return seen.health !== health || seen.refused !== refused;
}

/** A node that is being made has nothing that could be healthy, so a failed check says nothing. */
function hasNoPostgresYet(node: NodeSnapshot): boolean {
  return node.seen.health === 'unknown' && ['unknown', 'init', 'wait_standby'].includes(node.reported);
}

function deservesCheckNow(before: NodeSnapshot, now: NodeSnapshot): boolean {
  if (now.seen.session === 'closed' && before.seen.session !== 'closed') return true;
  if (now.report.postgresRunning === before.report.postgresRunning) return false;
  return now.report.postgresRunning ? now.seen.health === 'bad' : connectionOf(now.reported) !== 'none';
}
