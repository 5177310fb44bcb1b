import type { JsonObject } from '@pgaf/core/json';
import type { Milliseconds } from '@pgaf/core/durations';
import { canTakeWrites } from '@pgaf/core/states';
import type { KeeperFacts } from '@pgaf/plugin-api';
import type { KeeperState } from './state-file.js';
import { sightingOf, type UpstreamWatch } from './upstream-watch.js';

/** What the keeper knows besides its state file, at one moment. */
export interface Knowledge {
  /** Some process of the local Postgres is alive. */
  readonly postgresAlive: boolean;
  /** The nodes that streamed from here when the local Postgres last answered. */
  readonly streams: readonly number[];
  readonly upstream: UpstreamWatch | null;
  readonly noWalFrom: readonly number[];
  readonly lease: Milliseconds | null;
  readonly leaseAsLeader: Milliseconds;
  readonly quietFor: Milliseconds | null;
  readonly hangs: boolean;
  readonly doomed: boolean;
  readonly leaving: boolean;
  readonly abandoned: string | null;
  readonly waitingFor: string | null;
  readonly overriddenSetting: number | null;
  /** Null before the first look. */
  readonly warnings: readonly string[] | null;
  /** By the plugin to those of other nodes. */
  readonly said: JsonObject;
}

/** The facts of a report: each is there only when this node can vouch for it now. */
export function factsOf(state: KeeperState, known: Knowledge): KeeperFacts {
  const { promise, promoted, stopped } = state;
  return {
    epoch: state.epoch,
    ...(state.leader !== undefined ? { leader: state.leader } : {}),
    ...(promise !== null && isStillNeeded(promise, state) ? { promise } : {}),
    ...(state.promised > state.epoch && promise?.epoch !== state.promised
      ? { promising: state.promised }
      : {}),
    ...(stopped !== null && !known.postgresAlive ? { stopped } : {}),
    ...(state.confirmedSetting !== null && canTakeWrites(state.current)
      ? { confirmedSetting: state.confirmedSetting }
      : {}),
    ...(known.overriddenSetting !== null && canTakeWrites(state.current)
      ? { overriddenSetting: known.overriddenSetting }
      : {}),
    ...(canTakeWrites(state.current) ? { streams: known.streams } : {}),
    ...(known.lease !== null ? { lease: known.lease } : {}),
    leaseAsLeader: known.leaseAsLeader,
    ...(known.quietFor !== null ? { quietFor: known.quietFor } : {}),
    ...(known.upstream !== null ? { upstream: sightingOf(known.upstream) } : {}),
    ...(known.noWalFrom.length > 0 ? { noWalFrom: known.noWalFrom } : {}),
    ...(promoted !== null && promoted.epoch === state.epoch ? { promoted } : {}),
    ...(state.forcedAt !== null ? { forcedAt: state.forcedAt } : {}),
    ...(state.paused ? { paused: true as const } : {}),
    ...(state.strayed ? { strayed: true as const } : {}),
    ...(known.doomed ? { doomed: true as const } : {}),
    ...(known.hangs ? { hangs: true as const } : {}),
    ...(known.leaving ? { leaving: true as const } : {}),
    ...(known.abandoned !== null ? { abandoned: known.abandoned } : {}),
    ...(known.waitingFor !== null ? { waitingFor: known.waitingFor } : {}),
    ...(known.warnings !== null ? { warnings: known.warnings } : {}),
    ...(Object.keys(known.said).length > 0 ? { said: known.said } : {}),
  };
}

/**
 * Of an epoch that was given to this node, and that it has not begun, nobody else can tell which commits of the one before
 * it has to have.
 */
function isStillNeeded({ epoch }: { readonly epoch: number }, state: KeeperState): boolean {
  if (epoch > state.epoch) return true;
  return epoch === state.epoch && state.leader === state.nodeId && state.promoted?.epoch !== epoch;
}
