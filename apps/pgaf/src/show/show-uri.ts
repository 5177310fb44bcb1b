import type { FormationView, UriRow } from '@pgaf/plugin-api';
import { openMonitor } from '../command-session.js';
import type { CommandContext } from '../command-spec.js';
import { inUri } from '../formation-uri.js';
import { unknownFormation } from '../known-formation.js';
import { jsonText } from '../output/json-text.js';
import { uriTable } from '../output/uri-table.js';
import { findMonitor, findMonitorUri, type MonitorFlags, type MonitorPlace } from '../reach-monitor.js';

export interface ShowUriFlags extends MonitorFlags {
  readonly json: boolean;
}

export async function showUri(flags: ShowUriFlags, context: CommandContext): Promise<void> {
  if (flags.formation === 'monitor') {
    const uri = (await findMonitorUri(flags, context)) ?? '';
    context.print(flags.json ? jsonText({ monitor: uri }) : `${uri}\n`);
    return;
  }
  const place = await findMonitor(flags, context);
  const rows = await formationRows(flags.formation, place, context);
  const monitor: UriRow = { type: 'monitor', name: 'monitor', uri: place.uri ?? '' };
  if (flags.formation === undefined) {
    const all = [monitor, ...rows];
    context.print(flags.json ? jsonText(all) : uriTable(all));
    return;
  }
  const uri = rows.find((row) => row.type === 'formation')?.uri;
  if (uri === undefined) throw unknownFormation(flags.formation);
  context.print(flags.json ? jsonText({ monitor: monitor.uri, [flags.formation]: uri }) : `${uri}\n`);
}

interface FormationRow {
  readonly formationid: string;
  readonly kind: string;
  readonly uri: string | null;
  readonly view: FormationView;
}

/** A row for each formation, for its clusters of read replicas, and what its kind adds. */
async function formationRows(
  only: string | undefined,
  place: MonitorPlace,
  context: CommandContext,
): Promise<UriRow[]> {
  const session = await openMonitor(place, context.log);
  try {
    const { sslmode, sslrootcert, sslcrl } = place.tls;
    const values = [only ?? null, sslmode, inUri(sslrootcert), inUri(sslcrl)];
    const formations = await session.query<FormationRow>(
      `SELECT formationid, kind, pgautofailover.formation_uri(formationid, 'default', $2, $3, $4) AS uri,
              pgautofailover.formation_view(formationid) AS view
         FROM pgautofailover.formation WHERE $1::text IS NULL OR formationid = $1 ORDER BY formationid`,
      values,
    );
    const replicas = await session.query<{ formationid: string; name: string; uri: string }>(
      `SELECT formationid, nodecluster AS name, pgautofailover.formation_uri(formationid, nodecluster, $2, $3, $4) AS uri
         FROM pgautofailover.node
        WHERE groupid = 0 AND nodecluster <> 'default' AND ($1::text IS NULL OR formationid = $1)
        GROUP BY formationid, nodecluster ORDER BY formationid, nodecluster`,
      values,
    );
    const rows: UriRow[] = [];
    for (const { formationid, kind, uri, view } of formations) {
      rows.push({ type: 'formation', name: formationid, uri: uri ?? '' });
      for (const replica of replicas.filter((one) => one.formationid === formationid)) {
        rows.push({ type: 'read-replica', name: replica.name, uri: replica.uri });
      }
      const uris = context.host.kinds().includes(kind) ? context.host.plugin(kind).uris : undefined;
      if (uris) rows.push(...uris(view, sslmode));
    }
    return rows;
  } finally {
    await session.close();
  }
}
