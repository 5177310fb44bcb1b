import type { ExitStatus } from '@pgaf/core/errors';
import type { CommandSession } from '../command-session.js';
import type { CommandContext } from '../command-spec.js';
import { flagsConflict } from '../flags-conflict.js';
import { requireGroup } from '../known-formation.js';
import { stateTable, type StateRow } from '../output/state-table.js';
import { watch } from '../watch/watch.js';
import { labelOf } from './node-labels.js';
import { showLocalState } from './show-local-state.js';
import { withMonitor, type MonitorFlags } from '../reach-monitor.js';

export interface ShowStateFlags extends MonitorFlags {
  readonly group?: number | undefined;
  readonly local: boolean;
  readonly watch: boolean;
  readonly json: boolean;
}

const STATE = `FROM pgautofailover.current_state($1) AS state WHERE $2::int IS NULL OR group_id = $2`;

/** The states as the monitor knows them; with --local, as this node knows its own; with --watch, in the terminal. */
export async function showState(flags: ShowStateFlags, context: CommandContext): Promise<ExitStatus | void> {
  if (flags.watch) {
    const other = (['local', 'json'] as const).find((name) => flags[name]);
    if (other !== undefined) throw flagsConflict([`--${other}`, '--watch']);
    return watch({ ...flags, wait: false }, context);
  }
  if (flags.local) {
    const other = (['monitor', 'formation', 'group'] as const).find((name) => flags[name] !== undefined);
    if (other !== undefined) throw flagsConflict(['--local', `--${other}`]);
    return showLocalState(flags, context);
  }
  await withMonitor(flags, context, async (session, place) => {
    const about = [place.formation, flags.group ?? null];
    await requireGroup(session, place.formation, flags.group, 'nodes');
    if (flags.json) {
      const [row] = await session.query<{ json: string | null }>(
        `SELECT jsonb_pretty(jsonb_agg(to_jsonb(state) ORDER BY group_id, node_id)) AS json ${STATE}`,
        about,
      );
      context.print(`${row?.json ?? '[]'}\n`);
      return;
    }
    const rows = await session.query<StateRow>(`SELECT state.*, node_id::int AS node_id ${STATE}`, about);
    context.print(stateTable(rows, labelOf(rows[0]?.formation_kind, context)));
    context.print(await waitingLines(session, about));
    context.print(await nodeLines(session, about));
  });
}

/** What nodes wait for, and what operators should mend on them, a line each; nothing when all is well. */
async function nodeLines(session: CommandSession, about: readonly unknown[]): Promise<string> {
  const rows = await session.query<{ nodeid: number; nodename: string; sentence: string }>(
    `SELECT nodeid::int AS nodeid, nodename, sentence
       FROM pgautofailover.node,
            LATERAL (SELECT 'the monitor cannot tell its health: ' || healthproblem, -1 WHERE healthproblem <> ''
                     UNION ALL
                     SELECT 'waiting: ' || (facts ->> 'waitingFor'), 0 WHERE facts ->> 'waitingFor' <> ''
                     UNION ALL
                     SELECT * FROM jsonb_array_elements_text(coalesce(facts -> 'warnings', '[]')) WITH ORDINALITY
                    ) AS why(sentence, position)
      WHERE formationid = $1 AND ($2::int IS NULL OR groupid = $2) ORDER BY groupid, nodeid, position`,
    about,
  );
  const lines = rows.map(({ nodeid, nodename, sentence }) => `Node ${nodeid} "${nodename}": ${sentence}\n`);
  return lines.length === 0 ? '' : `${lines.join('')}\n`;
}

/** Why nothing is decided where something should be, a line each; nothing when all is well. */
async function waitingLines(session: CommandSession, about: readonly unknown[]): Promise<string> {
  const rows = await session.query<{ groupid: number; sentence: string }>(
    `SELECT groupid, sentence
       FROM pgautofailover.group_state, unnest(waiting) WITH ORDINALITY AS why(sentence, position)
      WHERE formationid = $1 AND ($2::int IS NULL OR groupid = $2) ORDER BY groupid, position`,
    about,
  );
  const lines = rows.map(({ groupid, sentence }) => `Group ${groupid}: ${sentence}\n`);
  return lines.length === 0 ? '' : `${lines.join('')}\n`;
}
