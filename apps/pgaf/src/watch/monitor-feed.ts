import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import type { Milliseconds } from '@pgaf/core/durations';
import { MonitorSession } from '@pgaf/monitor-client/monitor-session';
import type { WatchedEvent, WatchedNode } from './picture.js';

/** What the monitor knows of a formation at one moment. */
export interface Reading {
  readonly kind: string;
  readonly numberSyncStandbys: number;
  readonly nodes: readonly WatchedNode[];
  /** Newest first. */
  readonly events: readonly WatchedEvent[];
  /** Why nothing is decided where something should be. */
  readonly waiting: readonly string[];
}

/** A monitor that is frozen is told to the user so soon. */
const ANSWER_WITHIN: Milliseconds = 3000;

// $1 formation, $2 group or null for all, $3 how many events.
const READING = `
  SELECT kind, number_sync_standbys AS "numberSyncStandbys",
         coalesce((
           SELECT jsonb_agg(jsonb_build_object(
                    'id', nodeid, 'group', groupid, 'name', nodename, 'host', nodehost, 'port', nodeport,
                    'region', region, 'quorum', replicationquorum, 'priority', candidatepriority,
                    'tli', reportedtli, 'lsn', reportedlsn, 'health', health, 'reported', reportedstate,
                    'assigned', goalstate,
                    'reportAge', extract(epoch FROM now() - reporttime) * 1000,
                    'checkAge', extract(epoch FROM now() - healthchecktime) * 1000
                  ) ORDER BY groupid, nodeid)
             FROM pgautofailover.node WHERE formationid = $1 AND ($2::int IS NULL OR groupid = $2)
         ), '[]') AS nodes,
         coalesce((
           SELECT jsonb_agg(jsonb_build_object(
                    'id', eventid, 'at', extract(epoch FROM eventtime) * 1000, 'name', nodename, 'rule', rule,
                    'description', coalesce(description, '')
                  ) ORDER BY eventid DESC)
             FROM (SELECT * FROM pgautofailover.event
                    WHERE formationid = $1 AND ($2::int IS NULL OR groupid = $2)
                    ORDER BY eventid DESC LIMIT $3) AS newest
         ), '[]') AS events,
         coalesce((
           SELECT jsonb_agg(format('Group %s: %s', groupid, sentence) ORDER BY groupid, position)
             FROM pgautofailover.group_state, unnest(waiting) WITH ORDINALITY AS why(sentence, position)
            WHERE formationid = $1 AND ($2::int IS NULL OR groupid = $2)
         ), '[]') AS waiting
    FROM pgautofailover.formation WHERE formationid = $1`;

/** One connection to the monitor that stays open; after a loss the next reading makes a new one. */
export class MonitorFeed {
  readonly #session: MonitorSession;

  constructor(
    conninfo: string,
    private readonly about: { readonly formation: string; readonly group: number | null },
  ) {
    const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined };
    this.#session = new MonitorSession({
      conninfo: parseConnInfo(conninfo),
      applicationName: 'pgaf watch',
      // What it says goes to the screen.
      logger: silent,
      statementTimeoutMs: ANSWER_WITHIN,
    });
  }

  /** @param events How many of the newest. @returns null when there is no such formation. @throws CannotConnectError, MonitorError */
  async read(events: number): Promise<Reading | null> {
    const { formation, group } = this.about;
    const [row] = await this.#session.query<Reading>(READING, [formation, group, events]);
    return row ?? null;
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}
