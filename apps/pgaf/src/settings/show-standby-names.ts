import type { CommandContext } from '../command-spec.js';
import { requireGroup } from '../known-formation.js';
import { jsonText } from '../output/json-text.js';
import { withMonitor, type MonitorFlags } from '../reach-monitor.js';

export interface StandbyNamesFlags extends MonitorFlags {
  readonly group?: number | undefined;
  readonly json: boolean;
}

/** The synchronous_standby_names that the primary of a group is told: --group, else the local node's, else 0. */
export async function showStandbyNames(flags: StandbyNamesFlags, context: CommandContext): Promise<void> {
  await withMonitor(flags, context, async (session, place) => {
    const { formation } = place;
    const group = flags.group ?? place.group ?? 0;
    await requireGroup(session, formation, group, 'nodes');
    const [row] = await session.query<{ names: string }>(
      'SELECT pgautofailover.synchronous_standby_names($1, $2) AS names',
      [formation, group],
    );
    const names = row?.names ?? '';
    context.print(
      flags.json ? jsonText({ formation, group, synchronous_standby_names: names }) : `'${names}'\n`,
    );
  });
}
