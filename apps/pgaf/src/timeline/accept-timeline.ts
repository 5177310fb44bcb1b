import { EXIT, UserError } from '@pgaf/core/errors';
import type { CommandContext } from '../command-spec.js';
import { requireGroup } from '../known-formation.js';
import { withMonitor, type MonitorFlags } from '../reach-monitor.js';

export interface AcceptFlags extends MonitorFlags {
  readonly group?: number | undefined;
  readonly tli?: number | undefined;
  readonly reason?: string | undefined;
}

/** Declares a branch the real one; what others have beyond the fork is taken back when they follow. */
export async function acceptTimeline(flags: AcceptFlags, context: CommandContext): Promise<void> {
  const { tli, reason } = flags;
  if (tli === undefined) throw noTimeline();
  await withMonitor(flags, context, async (session, place) => {
    const { formation } = place;
    const group = flags.group ?? place.group ?? 0;
    await requireGroup(session, formation, group, 'nodes');
    await session.query('SELECT pgautofailover.accept_timeline($1, $2, $3, $4)', [
      formation,
      group,
      tli,
      reason ?? null,
    ]);
    context.print(`Timeline ${tli} is accepted for group ${group} of formation "${formation}"\n`);
  });
}

function noTimeline(): UserError {
  return new UserError('--tli is missing.', {
    code: 'missing-option',
    exit: EXIT.badArguments,
    hint: 'See `pgaf show timeline` for the timelines there are.',
  });
}
