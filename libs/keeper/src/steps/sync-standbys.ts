import { UserError } from '@pgaf/core/errors';
import { done, retry, type Outcome } from '@pgaf/core/result';
import type { SyncSetting } from '@pgaf/plugin-api';
import { confirmSyncNames } from '@pgaf/postgres/confirm-sync-names';
import { awaitReloaded, reload } from '@pgaf/postgres/reload';
import { renderSyncNames, writeSyncNames, type Quorum } from '@pgaf/postgres/sync-names';
import type { Situation } from '../situation.js';
import type { StepContext } from './step-context.js';

const LOOK_FOR_ANOTHER_MS = 100;

/** The value of synchronous_standby_names that the assignment asks for. */
export function assignedNames({ assignment }: Situation): string {
  return renderSyncNames(quorumOf(assignment?.setting ?? null));
}

/** Postgres was seen to use another setting than this one: it is no longer confirmed, if it was. */
export function noteOverride(situation: Situation, version: number): void {
  if (situation.overriddenSetting === version) return;
  situation.overriddenSetting = version;
  situation.settingAsked = null;
  situation.remember({ confirmedSetting: null });
  situation.inspectedAt = null;
}

function quorumOf(setting: SyncSetting | null): Quorum {
  return { count: setting?.required ?? 0, members: setting?.members ?? [] };
}

/** The file alone; Postgres reads it at the next reload. */
export async function writeAssignedSetting(situation: Situation): Promise<'changed' | 'unchanged'> {
  return writeSetting(situation, quorumOf(situation.assignment?.setting ?? null));
}

/** Invariant: who changes the file forgets that Postgres was asked to read it. */
async function writeSetting(situation: Situation, quorum: Quorum): Promise<'changed' | 'unchanged'> {
  const written = await writeSyncNames(situation.config.pgdata, quorum);
  if (written === 'changed') situation.settingAsked = null;
  return written;
}

/**
 * The setting of a standby: each other node, so that commits would wait. On a standby nothing does; but whether commits
 * wait at all is what the checkpointer, which reads its files in its own time, has published. So it is published before
 * Postgres can be promoted, and the first commit of a new primary waits as its setting says.
 */
export async function writeStandbySetting(situation: Situation): Promise<'changed' | 'unchanged'> {
  const members = situation.peers().map(({ id }) => id);
  return writeSetting(situation, { count: Math.min(1, members.length), members });
}

/**
 * Puts the assigned setting into force; every process of Postgres is told of a quorum when this returns. Each process reads
 * its files at each reload, so one that was told before a promotion is not told again while its clients come.
 */
export async function setSyncStandbys({ situation, signal }: StepContext): Promise<Outcome> {
  const { instance, assignment } = situation;
  const { version = 0 } = assignment?.setting ?? {};
  const quorum = quorumOf(assignment?.setting ?? null);
  await writeAssignedSetting(situation);
  if (!instance.isRunning() || situation.settingAsked?.version === version) return done;
  const since = await reload(instance.sql);
  if (quorum.count > 0) await awaitReloaded(instance.server, since, signal);
  situation.settingAsked = { version, since };
  return done;
}

/** Waits until the assigned setting is proved to be in force; begins anew when it is replaced. */
export async function confirmSyncStandbys(context: StepContext): Promise<Outcome> {
  const { situation } = context;
  const setting = situation.assignment?.setting ?? null;
  if (!setting || situation.state.confirmedSetting === setting.version) return done;
  // Another one may have been assigned since the file was written.
  const written = await writeAssignedSetting(situation);
  if (written === 'changed' || isReplaced(situation, setting)) return retry('the setting was replaced');
  const replaced = new AbortController();
  const { instance, settingAsked } = situation;
  // Once: if that was not enough, somebody's line may have to be read again.
  situation.settingAsked = null;
  const timer = setInterval(() => {
    if (isReplaced(situation, setting)) replaced.abort();
  }, LOOK_FOR_ANOTHER_MS);
  try {
    await confirmSyncNames({
      server: instance.server,
      quorum: quorumOf(setting),
      since: settingAsked?.version === setting.version ? settingAsked.since : await reload(instance.sql),
      signal: AbortSignal.any([context.signal, replaced.signal]),
      onProgress: (flushed) => {
        situation.progress =
          flushed.length < setting.required
            ? `${setting.required - flushed.length} more standby must flush`
            : null;
      },
    });
  } catch (error) {
    if (error instanceof UserError && error.code === 'foreign-setting')
      noteOverride(situation, setting.version);
    if (replaced.signal.aborted) return retry('the setting was replaced');
    throw error;
  } finally {
    clearInterval(timer);
    situation.progress = null;
  }
  if (isReplaced(situation, setting)) return retry('the setting was replaced');
  situation.remember({ confirmedSetting: setting.version });
  situation.overriddenSetting = null;
  return done;
}

function isReplaced({ assignment }: Situation, setting: SyncSetting): boolean {
  return assignment?.setting?.version !== setting.version;
}
