import type { CommandContext } from '../command-spec.js';
import { requireGroup } from '../known-formation.js';
import { jsonText } from '../output/json-text.js';
import { withMonitor, type MonitorFlags } from '../reach-monitor.js';
import { explanationText, type ExplainedGroup } from './explanation-text.js';

export interface ExplainFlags extends MonitorFlags {
  readonly group?: number | undefined;
  readonly json: boolean;
}

/** What the monitor's service says of each group: it alone knows what it would decide. */
export async function explain(flags: ExplainFlags, context: CommandContext): Promise<void> {
  await withMonitor(flags, context, async (session, { formation }) => {
    await requireGroup(session, formation, flags.group, 'nodes');
    const [row] = await session.query<{ groups: readonly ExplainedGroup[] }>(
      'SELECT pgautofailover.explain($1, $2) AS groups',
      [formation, flags.group ?? null],
    );
    const groups = row?.groups ?? [];
    context.print(flags.json ? jsonText(groups) : groups.map(explanationText).join('\n'));
  });
}
