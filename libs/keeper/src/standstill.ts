import type { Milliseconds } from '@pgaf/core/durations';
import { formatLsn, type Lsn } from '@pgaf/core/lsn';
import { canTakeWrites } from '@pgaf/core/states';
import type { Peer } from '@pgaf/monitor-client/reports';
import { standbyName } from '@pgaf/postgres/names';
import { isOnAnotherLine, readLocalTimelines, strayTimelines } from '@pgaf/postgres/stray-timelines';
import type { Situation } from './situation.js';
import type { KeeperState } from './state-file.js';
import { withSource, type SourceClient } from './steps/source-connection.js';
import { sourceLine } from './steps/source-line.js';

/** Why a standby can never stream from a leader as it is; of another leader, or in another epoch, nothing is known. */
export interface Standstill {
  readonly leader: number;
  readonly epoch: number;
  /**
   * `wal-gone`: the leader has removed WAL that is needed next, so that only a base backup helps. `another-line`: there
   * are files of timelines here that are not the leader's. `wrote-alone`: somebody opened this standby for writes behind
   * our back, also on the leader's own timeline, where their WAL cannot be told apart.
   */
  readonly why: 'wal-gone' | 'another-line' | 'wrote-alone';
}

/** A standby that receives and replays nothing for this long asks why. An archive may serve it meanwhile. */
const STANDS_STILL: Milliseconds = 2000;
const ASK_EVERY: Milliseconds = 2000;

const FOLLOWING = new Set(['catchingup', 'secondary']);

/** The segment that holds this position, on whatever timeline; it must be older than what the leader writes now. */
const IS_GONE = `
SELECT $1::pg_lsn < pg_current_wal_flush_lsn()
       AND NOT EXISTS (SELECT FROM pg_ls_waldir() WHERE substr(name, 9) = substr(pg_walfile_name($1::pg_lsn), 9))
       AND EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $2 AND restart_lsn IS NOT NULL) AS gone`;

/** Nothing of this node's data is asked for any more: who has promised, or is to, may have what nobody else has. */
export function isToFollow({
  goal,
  epoch,
  promised,
}: Pick<KeeperState, 'goal' | 'epoch' | 'promised'>): boolean {
  return FOLLOWING.has(goal) && promised <= epoch;
}

/** What was found about the leader that this node is to follow now. */
export function standstillOf(
  situation: Pick<Situation, 'standstill' | 'state'> & { readonly leader: () => Pick<Peer, 'id'> | null },
): Standstill['why'] | null {
  const { standstill, state } = situation;
  if (standstill === null || !isToFollow(state)) return null;
  const isOfNow = standstill.leader === situation.leader()?.id && standstill.epoch === state.epoch;
  return isOfNow ? standstill.why : null;
}

/**
 * Finds out why a standby does not stream from its leader: it may never be able to. The leader's slot keeps the WAL
 * that is needed next, unless it passed max_slot_wal_keep_size or somebody dropped it.
 */
export class StandstillWatch {
  readonly #situation: Situation;
  readonly #found: () => void;
  #asking: Promise<void> | null = null;
  #askedAt: Milliseconds = -Infinity;
  #lsn: Lsn | null = null;
  #stillSince: Milliseconds = 0;

  /** `found` is called when there is a reason, and `standstill` tells it from then on. */
  constructor(situation: Situation, found: () => void) {
    this.#situation = situation;
    this.#found = found;
  }

  lookWhenDue(): void {
    const now = performance.now();
    const rightful = this.#isOpenBeside();
    if (rightful !== null) {
      if (standstillOf(this.#situation) !== null || this.#asking || now - this.#askedAt < ASK_EVERY) return;
      this.#askedAt = now;
      this.#asking = this.#takeBack(rightful).finally(() => (this.#asking = null));
      return;
    }
    const leader = this.#waitsFor();
    const { observation } = this.#situation;
    if (leader === null || observation === null || observation.lsn !== this.#lsn) {
      this.#lsn = observation?.lsn ?? null;
      this.#stillSince = now;
      return;
    }
    if (
      standstillOf(this.#situation) !== null ||
      this.#asking ||
      now - this.#stillSince < STANDS_STILL ||
      now - this.#askedAt < ASK_EVERY
    )
      return;
    this.#askedAt = now;
    this.#asking = this.#ask(leader, observation.lsn).finally(() => (this.#asking = null));
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await this.#asking;
  }

  /** The leader that this standby ought to stream from, and does not. */
  #waitsFor(): Peer | null {
    const { state, observation, assignment } = this.#situation;
    if (!FOLLOWING.has(state.current) || !isToFollow(state)) return null;
    if (state.paused || !assignment || !observation?.inRecovery) return null;
    if (observation.walReceiver?.status === 'streaming') return null;
    const leader = this.#situation.leader();
    return leader && canTakeWrites(leader.reported) ? leader : null;
  }

  /** The leader that this standby was opened for writes beside, by somebody else. */
  #isOpenBeside(): Peer | null {
    const { state, observation } = this.#situation;
    if (!observation || state.paused || (observation.inRecovery && !state.strayed)) return null;
    if (!FOLLOWING.has(state.current) || !isToFollow(state)) return null;
    const leader = this.#situation.leader();
    return leader && canTakeWrites(leader.reported) ? leader : null;
  }

  /**
   * What was written here is taken back once the leader says that it takes writes: while it is lost, only a person can
   * say which of the two is the real one.
   */
  async #takeBack(leader: Peer): Promise<void> {
    const { config, state, log } = this.#situation;
    const { epoch, systemIdentifier } = state;
    const what = `node ${leader.id} "${leader.name}"`;
    try {
      const line = await withSource(config, leader, AbortSignal.timeout(ASK_EVERY), sourceLine);
      if (line.systemIdentifier !== systemIdentifier) return;
    } catch (error) {
      log.debug(`Could not ask ${what} whether it takes writes`, { error });
      return;
    }
    if (this.#isOpenBeside()?.id !== leader.id || state.epoch !== epoch) return;
    log.warn(
      `Somebody opened this standby for writes, and ${what} leads the group: what was written here is taken back`,
    );
    this.#situation.standstill = { leader: leader.id, epoch, why: 'wrote-alone' };
    this.#found();
  }

  async #ask(leader: Peer, lsn: Lsn): Promise<void> {
    const { config, state, log } = this.#situation;
    const { epoch } = state;
    const what = `node ${leader.id} "${leader.name}"`;
    let why: Standstill['why'] | null;
    try {
      why = await withSource(config, leader, AbortSignal.timeout(ASK_EVERY), (client) =>
        this.#reasonOf(client, lsn),
      );
    } catch (error) {
      // It cannot be reached, or not by us: then that is what keeps this standby from streaming.
      log.debug(`Could not ask ${what} for its WAL`, { error });
      return;
    }
    if (why === null || this.#situation.observation?.lsn !== lsn) return;
    log.warn(
      why === 'wal-gone'
        ? `${what} no longer has the WAL from ${formatLsn(lsn)} on, so this node is copied anew`
        : `This node has files of timelines that ${what} does not have, so that it cannot follow as it is`,
    );
    this.#situation.standstill = { leader: leader.id, epoch, why };
    this.#found();
  }

  async #reasonOf(client: SourceClient, lsn: Lsn): Promise<Standstill['why'] | null> {
    const { config, state } = this.#situation;
    const line = await sourceLine(client);
    if (line.systemIdentifier !== state.systemIdentifier) return null;
    const local = await readLocalTimelines(config.bindir, config.pgdata);
    if (isOnAnotherLine(local, line) || strayTimelines(local, line).length > 0) return 'another-line';
    // The name of a segment's first byte is the segment's before it.
    const { rows } = await client.query<{ gone: boolean | null }>(IS_GONE, [
      formatLsn(lsn + 1n),
      standbyName(state.nodeId),
    ]);
    return rows[0]?.gone === true ? 'wal-gone' : null;
  }
}
