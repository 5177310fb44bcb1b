import { formatLsn, parseLsn, type Lsn } from '@pgaf/core/lsn';
import type { Promotion } from '@pgaf/core/timeline';
import type { Json, JsonObject } from '@pgaf/core/json';
import type { KeeperFacts, SyncSetting } from '@pgaf/plugin-api/snapshot';

/**
 * How the values of a group stand in jsonb columns: as they are, but with LSNs as Postgres prints them.
 * Facts come from keepers of any version: what is not of the shape we know counts as absent.
 */
export function factsFromJson(json: unknown): KeeperFacts {
  const facts = objectOf(json);
  if (!facts) return {};
  const epoch = numberOf(facts['epoch']);
  const leader = facts['leader'];
  const promise = objectOf(facts['promise']);
  const promising = numberOf(facts['promising']);
  const stopped = objectOf(facts['stopped']);
  const confirmedSetting = numberOf(facts['confirmedSetting']);
  const overriddenSetting = numberOf(facts['overriddenSetting']);
  const lease = numberOf(facts['lease']);
  const leaseAsLeader = numberOf(facts['leaseAsLeader']);
  const upstream = objectOf(facts['upstream']);
  const quietFor = numberOf(facts['quietFor']);
  const promoted = objectOf(facts['promoted']);
  const streams = facts['streams'];
  const noWalFrom = facts['noWalFrom'];
  const abandoned = facts['abandoned'];
  const waitingFor = facts['waitingFor'];
  const warnings = facts['warnings'];
  return {
    ...(epoch !== undefined && { epoch }),
    ...((leader === null || typeof leader === 'number') && { leader }),
    ...present('promise', promise && promiseOf(promise)),
    ...(promising !== undefined && { promising }),
    ...present('stopped', stopped && stoppedOf(stopped)),
    ...(confirmedSetting !== undefined && { confirmedSetting }),
    ...(overriddenSetting !== undefined && { overriddenSetting }),
    ...(isNumbers(streams) && { streams }),
    ...(lease !== undefined && { lease }),
    ...(leaseAsLeader !== undefined && { leaseAsLeader }),
    ...present('upstream', upstream && upstreamOf(upstream)),
    ...(quietFor !== undefined && { quietFor }),
    ...(isNumbers(noWalFrom) && { noWalFrom }),
    ...present('promoted', promoted && promotedOf(promoted)),
    ...(facts['paused'] === true && { paused: true as const }),
    ...(facts['doomed'] === true && { doomed: true as const }),
    ...(facts['hangs'] === true && { hangs: true as const }),
    ...(facts['strayed'] === true && { strayed: true as const }),
    ...(typeof facts['forcedAt'] === 'string' && { forcedAt: facts['forcedAt'] }),
    ...(facts['leaving'] === true && { leaving: true as const }),
    ...(typeof abandoned === 'string' && { abandoned }),
    ...(typeof waitingFor === 'string' && { waitingFor }),
    ...(isTexts(warnings) && { warnings }),
  };
}

export function lineageFromJson(json: unknown): Promotion[] {
  if (!Array.isArray(json)) return [];
  return json.map((entry: { epoch: number; tli: number; switchpoint: string | null }) => ({
    epoch: entry.epoch,
    tli: entry.tli,
    switchpoint: entry.switchpoint === null ? null : parseLsn(entry.switchpoint),
  }));
}

export function settingsFromJson(json: unknown): SyncSetting[] {
  if (!Array.isArray(json)) return [];
  return json.map(({ version, required, members }: SyncSetting) => ({ version, required, members }));
}

/** Any of our values as JSON text, every LSN printed. */
export function toJsonText(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? formatLsn(each) : each));
}

export function isJsonObject(json: unknown): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function promiseOf(json: JsonObject): KeeperFacts['promise'] {
  const [epoch, tli, lsn] = [numberOf(json['epoch']), numberOf(json['tli']), lsnOf(json['lsn'])];
  return epoch === undefined || tli === undefined || lsn === undefined ? undefined : { epoch, tli, lsn };
}

function stoppedOf(json: JsonObject): KeeperFacts['stopped'] {
  const belowEpoch = numberOf(json['belowEpoch']);
  if (belowEpoch === undefined) return undefined;
  const finalLsn = lsnOf(json['finalLsn']) ?? null;
  return { belowEpoch, finalLsn, ...(json['cutShort'] === true && { cutShort: true as const }) };
}

function upstreamOf(json: JsonObject): KeeperFacts['upstream'] {
  const node = numberOf(json['node']);
  if (node === undefined) return undefined;
  return {
    node,
    streaming: json['streaming'] === true,
    closed: json['closed'] === true,
    refused: json['refused'] === true,
  };
}

function promotedOf(json: JsonObject): KeeperFacts['promoted'] {
  const [epoch, tli, switchpoint] = [
    numberOf(json['epoch']),
    numberOf(json['tli']),
    lsnOf(json['switchpoint']),
  ];
  return epoch === undefined || tli === undefined || switchpoint === undefined
    ? undefined
    : { epoch, tli, switchpoint };
}

function present<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]: V });
}

function objectOf(json: unknown): JsonObject | undefined {
  return isJsonObject(json) ? json : undefined;
}

function isNumbers(json: Json | undefined): json is number[] {
  return Array.isArray(json) && json.every((each) => typeof each === 'number');
}

function isTexts(json: Json | undefined): json is string[] {
  return Array.isArray(json) && json.every((each) => typeof each === 'string');
}

function numberOf(json: Json | undefined): number | undefined {
  return typeof json === 'number' ? json : undefined;
}

function lsnOf(json: Json | undefined): Lsn | undefined {
  if (typeof json !== 'string') return undefined;
  try {
    return parseLsn(json);
  } catch {
    return undefined;
  }
}
