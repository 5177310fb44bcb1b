import { checkpoint } from '@pgaf/postgres/checkpoint';
import { readControlData } from '@pgaf/postgres/control-data';
import { writtenTimeline } from '@pgaf/postgres/promote';
import { stayInRecovery } from '@pgaf/postgres/standby';
import { readLocalTimelines, removeTimelines } from '@pgaf/postgres/stray-timelines';
import { disownAncestors, type TimelineSwitch } from '@pgaf/postgres/timeline-history';
import type { Situation } from '../situation.js';
import type { StepContext } from './step-context.js';

/**
 * A leader writes on a timeline that it made. When a promotion is cut off, and Postgres is started before its keeper, as by
 * hand or by a service of the host, it opens on the timeline of the leader before: what both wrote at the same positions
 * differs, and nothing tells it apart. It goes into recovery again, and is promoted with all that it has.
 */
export async function leaveOldTimeline({ situation, signal }: StepContext): Promise<void> {
  const { instance, config } = situation;
  const old = promiseOfEpoch(situation)?.tli;
  if (old === undefined || !(await isOpenOn(situation, old))) return;
  situation.log.warn(
    `Somebody started Postgres after its promotion was cut off, and it wrote on timeline ${old}, as the primary before`,
  );
  situation.remember({ strayed: true });
  if (instance.isRunning()) await instance.stop({ mode: 'immediate', signal });
  const { timeline, histories, written } = await readLocalTimelines(config.bindir, config.pgdata);
  // The history that the promotion left says that the old timeline ends where it goes on by now: no recovery begins with it.
  const later = [...new Set([...histories.keys(), ...written])].filter((each) => each > timeline);
  await removeTimelines(config.pgdata, later);
  await stayInRecovery(config.pgdata);
}

/** Never for one that writes its own, whatever became of its keeper since. */
async function isOpenOn({ instance, config }: Situation, timeline: number): Promise<boolean> {
  if (instance.isRunning()) return (await writtenTimeline(instance.sql)) === timeline;
  const control = await readControlData(config.bindir, config.pgdata).catch(() => null);
  if (control === null || Math.max(control.timeline, control.minRecoveryTimeline) !== timeline) return false;
  return control.state !== 'in archive recovery' && control.state !== 'shut down in recovery';
}

/**
 * Where the leader before wrote on after what is promised, this node may have written something else there. The positions
 * and the history that others go by do not show that, so a history that names no ancestor makes all of them copy.
 */
export async function disownOldTimeline(
  situation: Situation,
  timeline: number,
  history: readonly TimelineSwitch[],
): Promise<'disowned' | 'rightful'> {
  const promise = promiseOfEpoch(situation);
  if (!situation.state.strayed || promise === null) return 'rightful';
  const parent = history.at(-1);
  if (parent && (parent.timeline !== promise.tli || parent.switchpoint <= promise.lsn)) return 'rightful';
  situation.log.warn(
    `Every other node is copied: timeline ${timeline} has WAL of timeline ${promise.tli} of its own`,
  );
  // A crash recovery that began on the old timeline would need the history. So would one that began on the page on which
  // the new one begins, which was copied with the old one in its header: the checkpoint is in a segment of its own.
  await situation.instance.sql.query('SELECT pg_switch_wal()');
  await checkpoint(situation.instance.server);
  await disownAncestors(situation.config.pgdata, timeline);
  return 'disowned';
}

/** What was promised for the epoch that is given to this node, and that it has not begun. */
export function promiseOfEpoch({ state }: Situation): Situation['state']['promise'] {
  return state.promise?.epoch === state.epoch ? state.promise : null;
}
