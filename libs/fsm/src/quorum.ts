import { formatLsn, maxLsn, type Lsn } from '@pgaf/core/lsn';
import { canTakeWrites } from '@pgaf/core/states';
import { hasStopped, isHealthy, isLeaving, isSilent } from './health.js';
import { isReopening, leaderOf } from './group.js';
import { ledBefore, whoMayHaveMore } from './may-have-more.js';
import { stoppedBeyond } from './stopped-before.js';
import type { GroupSnapshot, NodeSnapshot, SyncSetting } from './vocabulary.js';

/**
 * Which settings are in force, and when a node may be promoted.
 *
 * Invariants, on which every acknowledged commit depends:
 * 1. A setting enters F (`settingsInForce`) in the transaction that assigns it, before any keeper can act on
 *    it; older ones leave only when the leader reports a newer one confirmed. So at every instant the
 *    setting that Postgres obeys is in F.
 *    A value that wins over ours is none that F knows; once it is found, F holds one with n = 0 for it.
 *    A leader that opens again in a new epoch keeps those of the last one as well: what was acknowledged under them
 *    need not be anywhere but with it and those that promised.
 * 2. `members` are all quorum followers of the group, caught up or not: nothing shrinks them to the healthy.
 * 3. A node that promised for epoch e+1 streams nothing of epoch e any more. If for each `ANY n (Q)` in F
 *    more than |Q| - n members of Q promised, then every set of n members that acknowledged a commit holds
 *    one that promised after it acknowledged, so the commit lies at or before the greatest promise.
 *    A promise that lies beyond the candidate is not counted: those that lie at or before it must be enough.
 * 4. With n = 0 nobody needs to have acknowledged, so no number of promises suffices; only the final LSN of
 *    a clean stop does.
 */

/** The setting that fits the group's goals; null while no node is to take writes, and nothing changes. */
export function desiredSetting(group: GroupSnapshot): Omit<SyncSetting, 'version'> | null {
  const leader = leaderOf(group);
  const none = { required: 0, members: [] };
  if (!leader || !canTakeWrites(leader.goal)) return null;
  if (leader.goal === 'single') return none;
  const members = group.nodes
    .filter((node) => node.id !== leader.id && node.quorum && node.goal !== 'dropped')
    .sort((a, b) => b.candidatePriority - a.candidatePriority || a.id - b.id)
    .map((node) => node.id);
  if (members.length === 0) return none;
  const wanted = group.formation.numberSyncStandbys;
  const waitsForNobody = leader.goal === 'wait_primary' && !keepsWaiting(group, leader);
  const required = waitsForNobody ? wanted : Math.max(1, wanted);
  return required === 0 ? none : { required: Math.min(required, members.length), members };
}

/** Those that stay must be able to carry the number of standbys that commits wait for, or writes would stop. */
export function withCarriedNumber(group: GroupSnapshot): GroupSnapshot {
  const { numberSyncStandbys } = group.formation;
  const members = group.nodes.filter(
    ({ id, quorum, goal }) => id !== group.leader && quorum && goal !== 'dropped',
  );
  // Where nobody leads, one of them will.
  const standbys = members.length - (group.leader === null ? 1 : 0);
  if (numberSyncStandbys + 1 <= standbys) return group;
  const carried = Math.min(numberSyncStandbys, Math.max(0, standbys - 1));
  return { ...group, formation: { ...group.formation, numberSyncStandbys: carried } };
}

/** The first setting of the next leader asks for standbys, unless it is alone. */
export function opensWithQuorum({ formation }: GroupSnapshot): boolean {
  return formation.numberSyncStandbys > 0;
}

/**
 * A leader that is to open again has not, as far as is known. Until it has, commits of it wait as they did before, so that
 * it can be replaced when it is lost on its way.
 */
function keepsWaiting(group: GroupSnapshot, leader: NodeSnapshot): boolean {
  return isReopening(leader) && (newestSetting(group)?.required ?? 0) > 0;
}

export function newestSetting(group: GroupSnapshot): SyncSetting | null {
  return group.settingsInForce.at(-1) ?? null;
}

/** Puts the desired setting into F when it is not the newest one already. */
export function assignSetting(group: GroupSnapshot): GroupSnapshot {
  const desired = desiredSetting(group);
  const newest = newestSetting(group);
  if (!desired || (newest && sameSetting(newest, desired))) return group;
  const version = (newest?.version ?? 0) + 1;
  return { ...group, settingsInForce: [...group.settingsInForce, { version, ...desired }] };
}

/** Drops from F what a confirmation of the leader has put out of force. */
export function dropSupersededSettings(group: GroupSnapshot): GroupSnapshot {
  const leader = leaderOf(group);
  const facts = leader?.report.facts;
  if (!facts || facts.confirmedSetting === undefined || facts.epoch !== group.epoch) return group;
  const confirmed = facts.confirmedSetting;
  const inForce = group.settingsInForce.filter((setting) => setting.version >= confirmed);
  return inForce.length === 0 || inForce.length === group.settingsInForce.length
    ? group
    : { ...group, settingsInForce: inForce };
}

/**
 * Where Postgres obeys another setting than one in force, it may be any, so F holds one that asks for no standby, until
 * the newest, ordered anew, is confirmed. The newest may have been assigned while the report was on its way.
 */
export function admitForeignSetting(group: GroupSnapshot): GroupSnapshot {
  const facts = leaderOf(group)?.report.facts;
  const newest = newestSetting(group);
  if (!facts || !newest || facts.epoch !== group.epoch) return group;
  if (!group.settingsInForce.some(({ version }) => version === facts.overriddenSetting)) return group;
  if (group.settingsInForce.some(({ required }) => required === 0)) return group;
  const foreign = { version: newest.version + 1, required: 0, members: [] };
  const again = { ...newest, version: newest.version + 2 };
  return { ...group, settingsInForce: [...group.settingsInForce, foreign, again] };
}

function sameSetting(a: Omit<SyncSetting, 'version'>, b: Omit<SyncSetting, 'version'>): boolean {
  return a.required === b.required && a.members.join() === b.members.join();
}

/** The nodes whose promise is for the next epoch. */
export function promisedNodes(group: GroupSnapshot): NodeSnapshot[] {
  return group.nodes.filter((node) => promiseOf(group, node) !== null);
}

/** What the node promised for the next epoch; null when it has not. */
export function promiseOf(group: GroupSnapshot, node: NodeSnapshot): Position | null {
  const { promise } = node.report.facts;
  return promise?.epoch === group.epoch + 1 ? promise : null;
}

/** A place in the WAL. */
export interface Position {
  readonly tli: number;
  readonly lsn: Lsn;
}

/**
 * The timeline that the next leader must be on, and the position that it must have reached there: where the epoch of
 * the lost one began. A timeline that nobody who promised has received anything of holds no acknowledged commit, so its
 * parent will do; and before its leader has reported one, it is the highest that was received. Where a leader was given
 * up, a timeline that nobody else is on was given up with it, and where that one began.
 */
export function lineOf(group: GroupSnapshot): Position {
  const line = lineOfEpoch(group);
  const there = furthestTimeline(group);
  return group.leader === null && there <= line.tli ? { tli: there, lsn: 0n } : line;
}

/** The highest timeline that a node is on of those whose data count. */
export function furthestTimeline(group: GroupSnapshot): number {
  const known = nodesThatCount(group);
  return Math.max(1, ...known.map(({ report: { tli, facts } }) => Math.max(tli, facts.promise?.tli ?? 0)));
}

/** Also those that are away, such as who led before the one that was given up; and none that was opened by hand. */
export function nodesThatCount(group: GroupSnapshot): NodeSnapshot[] {
  const isGivenUp = (node: NodeSnapshot): boolean =>
    node.goal === 'demoted' && isSilent(group, node) && (group.switchoverForced || !ledBefore(group, node));
  return group.nodes.filter((node) => !node.report.facts.strayed && !isGivenUp(node));
}

function lineOfEpoch(group: GroupSnapshot): Position {
  const last = group.lineage.at(-1);
  const received = Math.max(0, ...group.nodes.map((node) => promiseOf(group, node)?.tli ?? 0));
  if (last?.epoch !== group.epoch) {
    const tli = Math.max(last?.tli ?? 1, received);
    return { tli, lsn: tli > (last?.tli ?? 1) ? 0n : beginningOf(group, leaderOf(group)) };
  }
  const parent = group.lineage.findLast((promotion) => promotion.tli < last.tli)?.tli ?? 1;
  return received === parent && received < last.tli && last.switchpoint !== null
    ? { tli: parent, lsn: last.switchpoint }
    : { tli: last.tli, lsn: 0n };
}

/** Where a leader was that was given the epoch and has not said that it began it, whatever became of it since. */
function beginningOf(group: GroupSnapshot, leader: NodeSnapshot | null): Lsn {
  if (!leader) return 0n;
  const { facts, lsn } = leader.report;
  const promised = facts.promise?.epoch === group.epoch ? facts.promise.lsn : 0n;
  return leader.reported === 'prepare_promotion' ? maxLsn(lsn, promised) : promised;
}

/** Null when enough members promised for every setting in force; else why not, in a sentence. */
export function missingPromises(group: GroupSnapshot, counted: readonly NodeSnapshot[]): string | null {
  if (group.settingsInForce.length === 0) return 'no setting of the group is known';
  for (const setting of group.settingsInForce) {
    if (setting.required < 1) return 'commits may have been acknowledged that no standby has';
    const missing = missingFor(setting, new Set(counted.map((node) => node.id)));
    if (missing !== null) return missing;
  }
  return null;
}

function missingFor({ required, members }: SyncSetting, ids: ReadonlySet<number>): string | null {
  const needed = members.length - required + 1;
  const promised = members.filter((id) => ids.has(id)).length;
  if (promised >= needed) return null;
  const absent = members.filter((id) => !ids.has(id)).map((id) => `node ${id}`);
  return `${needed} of ${members.length} synchronous standbys must take part, ${promised} do; missing: ${absent.join(', ')}`;
}

/** The leader's final LSN, when it said where it stopped and will not start again in this epoch. */
export function finalLsnOf(group: GroupSnapshot, leader: NodeSnapshot | null): Lsn | null {
  return leader && hasStopped(group, leader) ? (leader.report.facts.stopped?.finalLsn ?? null) : null;
}

/**
 * Null when the promotion rule holds for `candidate`; else what it lacks, in a sentence. This rule says
 * that no acknowledged commit is lost; that the old leader serves nobody any more is asked for apart.
 */
export function obstacleToPromotion(group: GroupSnapshot, candidate: NodeSnapshot): string | null {
  const promise = promiseOf(group, candidate);
  if (promise === null) return `node ${candidate.id} has not promised for epoch ${group.epoch + 1}`;
  return obstacleAt(group, candidate, promise);
}

/**
 * Null when the node may be promoted without a promise, as it reports everything that the leader had when it stopped; else
 * what it lacks. Of what a leader acknowledged that has stopped nothing lies past its final LSN, and the order itself keeps
 * the node from following it again. Where the new epoch begins is known to that node alone then, before it has opened: so
 * its first setting must be one with n = 0, with which nobody else is promoted in its place (4).
 */
export function lacksOfStopped(group: GroupSnapshot, { id, report }: NodeSnapshot): string | null {
  if (opensWithQuorum(group)) return 'others may be promoted after it before it has opened';
  const finalLsn = finalLsnOf(group, leaderOf(group));
  if (finalLsn === null) return 'the leader has not said where it stopped';
  if (report.facts.strayed) return `node ${id} was opened by hand`;
  if (report.lsn < finalLsn)
    return `node ${id} has ${formatLsn(report.lsn)} and needs ${formatLsn(finalLsn)}`;
  return obstacleAt(group, { id }, report);
}

/** The same of a node that has promised, as if it had everything up to `position`. */
export function obstacleAt(
  group: GroupSnapshot,
  { id }: Pick<NodeSnapshot, 'id'>,
  { tli, lsn }: Position,
): string | null {
  const leader = leaderOf(group);
  const { tli: timeline, lsn: beginning } = lineOf(group);
  // A higher timeline alone proves nothing: it must be the one that the group's last promotion made.
  if (tli !== timeline) return `node ${id} is on timeline ${tli}, the group is on ${timeline}`;

  if (lsn < beginning) return `node ${id} has ${formatLsn(lsn)}, the epoch began at ${formatLsn(beginning)}`;

  const promised = promisedNodes(group);
  const furthest = (nodes: readonly NodeSnapshot[]): Lsn =>
    maxLsn(...nodes.map((node) => boundOf(group, node, timeline)));
  if (!leader) {
    // An operator gave up what only it had.
    const ahead = stoppedBeyond(group, { tli, lsn });
    if (ahead) return `node ${id} has ${formatLsn(lsn)}, and node ${ahead.id} stopped with more`;
    const more = whoMayHaveMore(group, { tli, lsn });
    if (more) return `node ${id} has ${formatLsn(lsn)}, and node ${more.id} may have more`;
    const there = furthest(promised.filter((node) => isHealthy(group, node)));
    return lsn >= there ? null : `node ${id} has ${formatLsn(lsn)} and needs ${formatLsn(there)}`;
  }
  const missing = missingPromises(group, promised);
  const finalLsn = finalLsnOf(group, leader);
  if (finalLsn !== null && !isDispensable(group, leader, missing)) {
    return lsn >= finalLsn ? null : `node ${id} has ${formatLsn(lsn)} and needs ${formatLsn(finalLsn)}`;
  }
  if (missing !== null) return missing;
  const counted = promised.filter((node) => boundOf(group, node, timeline) <= lsn);
  if (missingPromises(group, counted) === null) return null;
  return `node ${id} has ${formatLsn(lsn)} and needs ${formatLsn(furthest(promised))}`;
}

/**
 * Up to where the candidate must reach so that the node's promise counts. Who never received anything of this timeline
 * has acknowledged nothing on it, and what it has of older ones is the candidate's, too, or was given up before.
 */
function boundOf(group: GroupSnapshot, node: NodeSnapshot, timeline: number): Lsn {
  const promise = promiseOf(group, node);
  return promise === null || promise.tli < timeline ? 0n : promise.lsn;
}

/**
 * What only the leader has is not acknowledged where the promises suffice: it was cut short before it sent it, or it
 * went away after it had stopped, so that nobody can get it any more. One that was told to leave is to come back.
 */
function isDispensable(group: GroupSnapshot, leader: NodeSnapshot | null, missing: string | null): boolean {
  if (missing !== null || !leader) return false;
  return leader.report.facts.stopped?.cutShort === true || (isSilent(group, leader) && !isLeaving(leader));
}
