import type { CommandContext } from '../command-spec.js';
import { requireFormation } from '../known-formation.js';
import { jsonText } from '../output/json-text.js';
import { settingsTable, type SettingRow } from '../output/settings-table.js';
import { withMonitor, type MonitorFlags } from '../reach-monitor.js';

export interface SettingsFlags extends MonitorFlags {
  readonly json: boolean;
}

/** All settings of a formation: its own, those of its primaries, those of its nodes. */
export async function formationSettings(flags: SettingsFlags, context: CommandContext): Promise<void> {
  await withMonitor(flags, context, async (session, { formation }) => {
    await requireFormation(session, formation);
    const rows = await session.query<SettingRow>(
      `SELECT context, group_id, node_id::int AS node_id, nodename, setting, value
         FROM pgautofailover.formation_settings($1)
        ORDER BY array_position('{formation,primary,node}'::text[], context), setting = 'partition_policy',
                 setting DESC, group_id, node_id`,
      [formation],
    );
    const of = (wanted: string) => rows.filter(({ context: where }) => where === wanted);
    context.print(
      flags.json
        ? jsonText({ formation: of('formation'), primary: of('primary'), nodes: of('node') })
        : settingsTable(rows),
    );
  });
}
