import type { State } from '@pgaf/core/states';
import type { KeeperFacts, SyncSetting } from '@pgaf/plugin-api/snapshot';

/** Where a node stands once an edge is done: what can be said in the same words of a real one and of a model. */
export interface EndState {
  readonly postgres: Processes;
  readonly directory: DataDirectory | null;
  readonly memory: Memory;
  readonly report: Reported;
}

export interface DataDirectory {
  readonly standbySignal: boolean;
  /** The node that the file names in primary_conninfo; null when it names none. */
  readonly upstream: number | null;
  /** synchronous_standby_names as the file has it. */
  readonly sync: string;
  /** Nodes that a slot is kept for. */
  readonly slots: readonly number[];
  /** The number of the timeline that the newest WAL here is on. */
  readonly timeline: number;
}

/** Null in each place but the first while Postgres does not run. */
export interface Processes {
  readonly running: boolean;
  readonly inRecovery: boolean | null;
  /** The node that primary_conninfo names as the processes have read it; null on a leader, too. */
  readonly follows: number | null;
  readonly streamsFrom: number | null;
  /** Commits wait for standbys by the setting in force. */
  readonly commitsWait: boolean | null;
}

/** What the keeper has on disk. */
export interface Memory {
  readonly current: State;
  readonly goal: State;
  readonly epoch: number;
  readonly promised: number;
  readonly stopped: { readonly belowEpoch: number; readonly finalLsn: 'known' | 'unknown' } | null;
  readonly confirmedSetting: number | null;
  readonly promoted: { readonly epoch: number; readonly tli: number } | null;
}

export interface Reported {
  readonly state: State;
  readonly postgresRunning: boolean;
  /** Positions are left out: the model counts bytes of its own. */
  readonly facts: Readonly<Record<string, unknown>>;
}

export function memoryOf(memory: {
  readonly current: State;
  readonly goal: State;
  readonly epoch: number;
  readonly promised: number;
  readonly stopped: { readonly belowEpoch: number; readonly finalLsn: bigint | number | null } | null;
  readonly confirmedSetting: number | null;
  readonly promoted: { readonly epoch: number; readonly tli: number } | null;
}): Memory {
  const { current, goal, epoch, promised, stopped, confirmedSetting, promoted } = memory;
  return {
    current,
    goal,
    epoch,
    promised,
    stopped: stopped && {
      belowEpoch: stopped.belowEpoch,
      finalLsn: stopped.finalLsn === null ? 'unknown' : 'known',
    },
    confirmedSetting,
    promoted: promoted && { epoch: promoted.epoch, tli: promoted.tli },
  };
}

/**
 * The facts that decisions hang on, streams in one order. `waitingFor` and `warnings` are sentences for people,
 * `quietFor` is a time.
 */
export function comparable({
  waitingFor: _,
  warnings: __,
  quietFor: ___,
  streams,
  ...facts
}: KeeperFacts): Readonly<Record<string, unknown>> {
  const ordered = streams === undefined ? facts : { ...facts, streams: streams.toSorted((a, b) => a - b) };
  const plain: unknown = JSON.parse(
    JSON.stringify(ordered, (_key, value: unknown) => (typeof value === 'bigint' ? 'an LSN' : value)),
  );
  return plain as Readonly<Record<string, unknown>>;
}

/** A setting as text, its members in one order. */
export function syncText({ required, members }: Pick<SyncSetting, 'required' | 'members'>): string {
  return required === 0 ? '' : `ANY ${required} (${members.toSorted((a, b) => a - b).join(', ')})`;
}
