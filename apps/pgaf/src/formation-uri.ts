import type { CommandSession } from './command-session.js';
import type { ClientTls } from './reach-monitor.js';

/** A path as it stands in a URI. */
export function inUri(path: string | null): string {
  return encodeURIComponent(path ?? '').replaceAll('%2F', '/');
}

/** The connection string for applications; null for a formation that has no nodes. */
export async function formationUri(
  session: CommandSession,
  formation: string,
  { sslmode, sslrootcert, sslcrl }: ClientTls,
): Promise<string | null> {
  const [row] = await session.query<{ uri: string | null }>(
    "SELECT pgautofailover.formation_uri($1, 'default', $2, $3, $4) AS uri",
    [formation, sslmode, inUri(sslrootcert), inUri(sslcrl)],
  );
  return row?.uri || null;
}
