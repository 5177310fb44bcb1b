import { hostAndPort } from '@pgaf/core/host-and-port';
import { done, retry, type KeeperContext, type Outcome } from '@pgaf/plugin-api';
import { socketsTo } from './held-sockets.js';
import { replacedPlaces, type Place } from './replaced-places.js';
import { shutSockets, type HeldSocket } from './shut-sockets.js';

const PROCESSES = 'SELECT pid FROM pg_stat_activity';
const IS_KNOWN = 'SELECT FROM pg_dist_node WHERE nodename = $1 AND nodeport = $2';

/** The connections there were, and why they are still there; null when they were ended. */
export interface Ended {
  readonly sockets: readonly HeldSocket[];
  readonly refused: string | null;
}

/** In other groups than the node’s own. */
export function placesReplaced({
  node,
  formation,
}: Pick<KeeperContext, 'node' | 'formation'>): readonly Place[] {
  const own = formation.groups.find(({ nodes }) => nodes.some(({ id }) => id === node.id));
  return own ? replacedPlaces(formation, own.group) : [];
}

/**
 * Has every connection from here to these places end, as it does when a host is lost: a statement that waits there fails,
 * and gives its locks back. Nothing else would end it. The kernel of a frozen host acknowledges what it is sent, so that
 * no timeout of TCP passes; and a session that is ended by Postgres first asks the node to cancel its statement, which
 * libpq waits for without an end, deaf to every signal.
 */
export async function endConnections(
  { sql, log }: Pick<KeeperContext, 'sql' | 'log'>,
  places: readonly Place[],
): Promise<Ended> {
  const sockets = await socketsTo(places, async () => {
    return (await sql.query<{ pid: number }>(PROCESSES)).map(({ pid }) => pid);
  });
  const refused = await shutSockets(sockets);
  if (sockets.length > 0 && refused === null)
    log(`Ended ${sockets.length} connections to ${placesText(places)}, replaced and silent`);
  return { sockets, refused };
}

export function whyNotEnded(places: readonly Place[], why: string): string {
  return `Connections to ${placesText(places)}, replaced and silent, cannot be ended: ${why}`;
}

function placesText(places: readonly Place[]): string {
  return places.map(({ host, port }) => hostAndPort(host, port)).join(' and ');
}

/** Until this node knows where the group is now, its statements may go to where it was. */
export async function endStuckConnections(context: KeeperContext): Promise<Outcome> {
  const places = placesReplaced(context);
  if (places.length === 0) return done;
  const { sockets, refused } = await endConnections(context, places);
  if (refused !== null) {
    // Whoever waits goes on waiting: to look more often is no use.
    context.log(whyNotEnded(places, refused));
    return done;
  }
  for (const { host, port } of places) {
    const known = await context.sql.query(IS_KNOWN, [host, port]);
    if (known.length > 0 || sockets.length > 0)
      return retry(`statements may still go to ${hostAndPort(host, port)}, which was replaced`);
  }
  return done;
}
