import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { EXIT, PgafError, UserError } from '@pgaf/core/errors';
import { formatLsn, parseLsn, type Lsn } from '@pgaf/core/lsn';
import type { KeeperFacts, SyncSetting } from '@pgaf/plugin-api';
import { isState, type State } from '@pgaf/core/states';

/** The version of the file's shape; a reader refuses a newer one. */
const VERSION = 1;

/** What a node must remember over a crash of its keeper: who it is, and what it has sworn. */
export interface KeeperState {
  readonly formation: string;
  readonly kind: string;
  readonly role: string;
  readonly group: number;
  readonly nodeId: number;
  readonly name: string;
  /** Of the data directory; null until there is one. Decimal, as it does not fit a number. */
  readonly systemIdentifier: string | null;
  /** The highest epoch accepted. Written before anything is done in it. */
  readonly epoch: number;
  /** To whom that epoch was given; null when an operator has given that node up since, absent while it is not known. */
  readonly leader?: number | null;
  /** This node streams from no epoch below, and opens for writes in none. 0 when it never promised. */
  readonly promised: number;
  /** What was promised, once it has been measured; null before the first time. Only the one for `promised` counts. */
  readonly promise: NonNullable<KeeperFacts['promise']> | null;
  readonly current: State;
  readonly goal: State;
  /** Postgres is stopped and stays so below that epoch; null when it may run. */
  readonly stopped: NonNullable<KeeperFacts['stopped']> | null;
  readonly confirmedSetting: number | null;
  /** The newest setting that was assigned, by which a leader counts its standbys; null when none was. */
  readonly setting: SyncSetting | null;
  /** An operator works on this node by hand. Kept, since a monitor that is away cannot say so again. */
  readonly paused: boolean;
  /** Somebody opened this standby for writes, and nothing was taken back since. */
  readonly strayed: boolean;
  /** An order to promote this standby was taken back before it was carried out: what that left here is nobody else's. */
  readonly orderTakenBack: boolean;
  /** When an operator last opened this node for writes by force; ISO 8601. Null when nobody ever did. */
  readonly forcedAt: string | null;
  /** The highest timeline that the local WAL is known to be on; pg_control learns of it later. 0: not known. */
  readonly tli: number;
  /** The last promotion made here. */
  readonly promoted: { readonly epoch: number; readonly tli: number; readonly switchpoint: Lsn } | null;
}

type NewNode = Pick<KeeperState, 'formation' | 'kind' | 'role' | 'group' | 'nodeId' | 'name' | 'goal'>;

/** The state of a node that has just been given its row by the monitor. */
export function newNodeState(node: NewNode): KeeperState {
  return {
    ...node,
    current: 'init',
    systemIdentifier: null,
    epoch: 0,
    promised: 0,
    promise: null,
    stopped: null,
    confirmedSetting: null,
    setting: null,
    paused: false,
    strayed: false,
    orderTakenBack: false,
    forcedAt: null,
    tli: 0,
    promoted: null,
  };
}

/**
 * @throws UserError when the file is one of pg_auto_failover or was written by a newer pgaf, PgafError when
 * it is damaged. Null when there is none.
 */
export function readStateFile(path: string): KeeperState | null {
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw new PgafError(`cannot read the state file "${path}": ${String(error)}`, {
      code: 'state-file-unreadable',
      exit: EXIT.badState,
      hint: 'Check the owner and the mode of the file.',
      cause: error,
    });
  }
  // A C struct always has zero bytes; JSON never has one.
  if (content.includes(0)) {
    throw new UserError(`the state file "${path}" was written by pg_auto_failover`, {
      code: 'state-file-foreign',
      exit: EXIT.badState,
      hint: 'pgaf does not take over a node of pg_auto_failover. Drop the node there first, or use another --pgdata.',
    });
  }
  return parse(path, content.toString('utf8'));
}

/** Replaces the file so that a crash leaves the old one or the new one, on disk when this returns. */
export function writeStateFile(path: string, state: KeeperState): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  const fresh = `${path}.new`;
  const file = openSync(fresh, 'w', 0o600);
  try {
    writeSync(file, `${JSON.stringify({ version: VERSION, ...state }, lsnAsText, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(fresh, path);
  syncFolder(folder);
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function lsnAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? formatLsn(value) : value;
}

function parse(path: string, text: string): KeeperState {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw damaged(path, 'it is not JSON', error);
  }
  if (!isObject(json)) throw damaged(path, 'it is not a JSON object');
  const version = json['version'];
  if (typeof version === 'number' && version > VERSION) {
    throw new UserError(`the state file "${path}" was written by a newer pgaf (version ${version})`, {
      code: 'state-file-newer',
      exit: EXIT.badState,
      hint: 'Run that version of pgaf on this node.',
    });
  }
  if (version !== VERSION) throw damaged(path, 'it names no version');
  try {
    return read(json);
  } catch (error) {
    throw damaged(path, error instanceof Error ? error.message : String(error), error);
  }
}

function read(json: Readonly<Record<string, unknown>>): KeeperState {
  const stopped = optional(json, 'stopped', (value) => ({
    belowEpoch: integer(value, 'belowEpoch'),
    finalLsn: value['finalLsn'] === null ? null : parseLsn(text(value, 'finalLsn')),
    ...(value['cutShort'] === true ? { cutShort: true as const } : {}),
  }));
  const promoted = optional(json, 'promoted', (value) => ({
    epoch: integer(value, 'epoch'),
    tli: integer(value, 'tli'),
    switchpoint: parseLsn(text(value, 'switchpoint')),
  }));
  const promise =
    json['promise'] === undefined
      ? null
      : optional(json, 'promise', (value) => ({
          epoch: integer(value, 'epoch'),
          tli: integer(value, 'tli'),
          lsn: parseLsn(text(value, 'lsn')),
        }));
  return {
    formation: text(json, 'formation'),
    kind: text(json, 'kind'),
    role: text(json, 'role'),
    group: integer(json, 'group'),
    nodeId: integer(json, 'nodeId'),
    name: text(json, 'name'),
    systemIdentifier: json['systemIdentifier'] === null ? null : text(json, 'systemIdentifier'),
    epoch: integer(json, 'epoch'),
    ...leaderOf(json),
    promised: integer(json, 'promised'),
    promise,
    current: stateWord(json, 'current'),
    goal: stateWord(json, 'goal'),
    stopped,
    confirmedSetting: json['confirmedSetting'] === null ? null : integer(json, 'confirmedSetting'),
    // Absent in files of the first version.
    setting: isObject(json['setting']) ? settingOf(json['setting']) : null,
    paused: json['paused'] === true,
    strayed: json['strayed'] === true,
    orderTakenBack: json['orderTakenBack'] === true,
    forcedAt: typeof json['forcedAt'] === 'string' ? json['forcedAt'] : null,
    tli: integer(json, 'tli'),
    promoted,
  };
}

/** Absent in files of the first version. */
function leaderOf({ leader }: Fields): Pick<KeeperState, 'leader'> {
  return leader === null || typeof leader === 'number' ? { leader } : {};
}

function settingOf(value: Fields): SyncSetting {
  const members = value['members'];
  if (!Array.isArray(members) || !members.every((id) => typeof id === 'number'))
    throw new RangeError('"members" is no list of nodes');
  return { version: integer(value, 'version'), required: integer(value, 'required'), members };
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function optional<T>(json: Fields, key: string, read: (value: Fields) => T): T | null {
  const value = json[key];
  if (value === null) return null;
  if (!isObject(value)) throw new RangeError(`"${key}" is missing`);
  return read(value);
}

function text(json: Fields, key: string): string {
  const value = json[key];
  if (typeof value !== 'string') throw new RangeError(`"${key}" is not a text`);
  return value;
}

function integer(json: Fields, key: string): number {
  const value = json[key];
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw new RangeError(`"${key}" is not an integer`);
  return value;
}

function stateWord(json: Fields, key: string): State {
  const value = text(json, key);
  if (!isState(value)) throw new RangeError(`"${key}" is "${value}", which is no state`);
  return value;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function damaged(path: string, reason: string, cause?: unknown): PgafError {
  return new PgafError(`the state file "${path}" is damaged: ${reason}`, {
    code: 'state-file-damaged',
    exit: EXIT.badState,
    // Guessing would break the promises this file holds.
    hint: 'Drop the node by name from another machine, remove the file, and create the node again.',
    cause,
  });
}
