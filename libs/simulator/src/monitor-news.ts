import type { Settled } from '@pgaf/fsm/settle';
import type { GroupSnapshot, NodeSnapshot } from '@pgaf/plugin-api/snapshot';
import type { NodeActive } from './model-report.js';

const WATCHED: ReadonlySet<string> = new Set([
  'catchingup',
  'wait_standby',
  'prepare_promotion',
  'report_lsn',
  'fast_forward',
  'join_secondary',
  'draining',
  'prepare_maintenance',
]);

/** What makes the service look at once, and not at its next tick. */
export function isNews(before: NodeSnapshot, report: NodeActive): boolean {
  const known = before.report;
  if (before.reported !== report.reported || known.postgresRunning !== report.postgresRunning) return true;
  if (known.at === null || !sameFacts(known.facts, report.facts)) return true;
  return known.lsn !== report.lsn && (WATCHED.has(before.reported) || WATCHED.has(before.goal));
}

function sameFacts(a: NodeActive['facts'], b: NodeActive['facts']): boolean {
  return (
    a.epoch === b.epoch &&
    a.leader === b.leader &&
    a.confirmedSetting === b.confirmedSetting &&
    a.leaving === b.leaving &&
    a.abandoned === b.abandoned &&
    a.paused === b.paused &&
    a.streams?.join() === b.streams?.join() &&
    a.promise?.epoch === b.promise?.epoch &&
    a.promise?.lsn === b.promise?.lsn &&
    a.promising === b.promising &&
    a.stopped?.belowEpoch === b.stopped?.belowEpoch &&
    a.stopped?.finalLsn === b.stopped?.finalLsn &&
    a.promoted?.epoch === b.promoted?.epoch &&
    a.upstream?.node === b.upstream?.node &&
    a.upstream?.streaming === b.upstream?.streaming &&
    a.upstream?.closed === b.upstream?.closed &&
    a.upstream?.refused === b.upstream?.refused
  );
}

/** True when committing the decision would change a row. */
export function isChange(before: GroupSnapshot, { group, transitions, removed }: Settled): boolean {
  return (
    transitions.length > 0 ||
    removed.length > 0 ||
    group.settingsInForce !== before.settingsInForce ||
    group.lineage !== before.lineage ||
    group.switchoverTarget !== before.switchoverTarget ||
    group.switchoverForced !== before.switchoverForced ||
    group.walSource !== before.walSource ||
    group.restored !== before.restored ||
    group.epoch !== before.epoch
  );
}
