import type { CommandContext } from '../command-spec.js';
import { requireGroup } from '../known-formation.js';
import { jsonText } from '../output/json-text.js';
import { formatTable, type Column } from '../output/text-table.js';
import { withMonitor, type MonitorFlags } from '../reach-monitor.js';

export interface TimelineFlags extends MonitorFlags {
  readonly group?: number | undefined;
  readonly json: boolean;
}

interface Branch {
  readonly epoch: number;
  readonly tli: number;
  readonly parent_tli: number | null;
  readonly switchpoint: string | null;
}

interface Position {
  readonly node_id: number;
  readonly node_name: string;
  readonly tli: number;
  readonly lsn: string;
  readonly reference_tli: number | null;
  readonly on_accepted_lineage: boolean;
}

const HISTORY: readonly Column[] = [
  { title: 'Epoch', width: 6 },
  { title: 'TLI', width: 4 },
  { title: 'Parent', width: 6 },
  { title: 'Switch Point', width: 12 },
];
const NODES: readonly Column[] = [
  { title: 'Name', width: 20 },
  { title: 'NodeId', width: 6 },
  { title: 'TLI', width: 4 },
  { title: 'LSN', width: 11 },
  { title: 'Status', width: 40, left: true },
];

/** The timelines of a group, and where each node stands on them. */
export async function showTimeline(flags: TimelineFlags, context: CommandContext): Promise<void> {
  await withMonitor(flags, context, async (session, place) => {
    const { formation } = place;
    const group = flags.group ?? place.group ?? 0;
    await requireGroup(session, formation, group, 'nodes');
    const about = [formation, group];
    const history = await session.query<Branch>(
      'SELECT epoch::int AS epoch, tli, parent_tli, switchpoint::text FROM pgautofailover.timeline_history($1, $2)',
      about,
    );
    const nodes = await session.query<Position>(
      `SELECT node_id::int AS node_id, node_name, tli, lsn::text, reference_tli, on_accepted_lineage
         FROM pgautofailover.node_timeline_status($1, $2)`,
      about,
    );
    if (flags.json) return context.print(jsonText({ history, nodes }));
    context.print(
      formatTable(
        HISTORY,
        history.map(({ epoch, tli, parent_tli: parent, switchpoint }) => [
          String(epoch),
          String(tli),
          String(parent ?? ''),
          switchpoint ?? '',
        ]),
      ),
    );
    context.print(
      formatTable(
        NODES,
        nodes.map((node) => [
          node.node_name,
          String(node.node_id),
          String(node.tli),
          node.lsn,
          statusOf(node),
        ]),
      ),
    );
    const fork = nodes.find((node) => !node.on_accepted_lineage);
    if (fork) context.log.warn(hintFor(fork));
  });
}

function statusOf({ on_accepted_lineage: isOn, tli, reference_tli: reference }: Position): string {
  if (isOn) return 'ok';
  return tli === reference || (reference !== null && tli < reference)
    ? `fork: it has WAL that timeline ${reference ?? '?'} does not have`
    : `fork: timeline ${tli} is none of the group's`;
}

function hintFor({ node_name: name, tli }: Position): string {
  return `"${name}" is rewound when it follows the primary; while the primary is lost, \`pgaf accept timeline --tli ${tli}\` makes that branch the real one`;
}
