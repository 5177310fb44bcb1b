import { parseLsn } from '@pgaf/core/lsn';
import { parseTimelineHistory, type WalLine } from '@pgaf/postgres/timeline-history';
import type { Peer } from '@pgaf/monitor-client/reports';
import type { NodeConfig } from '../node-config.js';
import { withSource, type SourceClient } from './source-connection.js';

export interface SourceLine extends WalLine {
  /** Decimal, as it does not fit a number. */
  readonly systemIdentifier: string;
}

/** Where the WAL of a primary is now, and what its timeline descends from. */
export async function sourceLine(client: SourceClient): Promise<SourceLine> {
  const { rows } = await client.query<{ system: string; lsn: string; timeline: string }>(
    `SELECT system_identifier::text AS system, pg_current_wal_flush_lsn()::text AS lsn,
            substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline
       FROM pg_control_system()`,
  );
  const { system = '', lsn = '0/0', timeline = '' } = rows[0] ?? {};
  // Timeline 1 has none.
  const history = await client.query<{ text: string | null }>(
    'SELECT pg_read_file($1, 0, 1000000, true) AS text',
    [`pg_wal/${timeline}.history`],
  );
  return {
    systemIdentifier: system,
    timeline: parseInt(timeline, 16),
    lsn: parseLsn(lsn),
    history: parseTimelineHistory(history.rows[0]?.text ?? ''),
  };
}

/** @throws PgafError when the source does not answer, or is no primary. */
export async function lineOf(config: NodeConfig, source: Peer, signal: AbortSignal): Promise<SourceLine> {
  return withSource(config, source, signal, sourceLine);
}

/**
 * The same, once the source's pg_control names its timeline. After a promotion it names the old one until the next
 * checkpoint, and pg_rewind before version 16 goes by it: it would find nothing to rewind.
 * @throws PgafError when the source does not answer, or is no primary.
 */
export async function checkpointedLine(
  config: NodeConfig,
  source: Peer,
  signal: AbortSignal,
): Promise<SourceLine> {
  return withSource(config, source, signal, async (client) => {
    const line = await sourceLine(client);
    const { rows } = await client.query<{ known: number }>(
      'SELECT timeline_id AS known FROM pg_control_checkpoint()',
    );
    if (rows[0]?.known !== line.timeline) await client.query('CHECKPOINT');
    return line;
  });
}
