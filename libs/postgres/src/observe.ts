import { parseLsn, type Lsn } from '@pgaf/core/lsn';
import { nodeIdOf } from './names.js';
import type { LocalClient } from './query.js';

/** The connection of a standby to its upstream, from pg_stat_wal_receiver. */
export interface WalReceiver {
  /** `streaming`, `starting`, `waiting`, `restarting`, `stopping`. */
  readonly status: string;
  /** What is flushed to this disk. */
  readonly flushedLsn: Lsn;
  readonly receivedTimeline: number;
  /** When the last message from the upstream arrived here, by the host's clock; null before the first. */
  readonly lastMessageAt: string | null;
  /** Milliseconds since the last message from the upstream arrived here; null before the first. */
  readonly lastMessageAgeMs: number | null;
}

/** One walsender, from pg_stat_replication. */
export interface Replication {
  readonly applicationName: string;
  /** Undefined when the name is none of ours, such as a base backup. */
  readonly nodeId: number | undefined;
  /** `startup`, `catchup`, `streaming`, `backup`, `stopping`. */
  readonly state: string;
  readonly syncState: string;
  readonly sentLsn: Lsn | null;
  readonly flushLsn: Lsn | null;
  readonly replayLsn: Lsn | null;
  /** When the standby sent its last reply, by the standby's clock, ISO 8601. */
  readonly replyTime: string | null;
}

/** Facts of one running Postgres at one moment. */
export interface Observation {
  readonly inRecovery: boolean;
  /** Such as 150014. */
  readonly serverVersion: number;
  /** Primary: the timeline that it writes. Standby: the one it receives, else the one it replayed. */
  readonly timeline: number;
  /** Primary: what is flushed. Standby: greatest of received and replayed. */
  readonly lsn: Lsn;
  readonly walReceiver: WalReceiver | null;
  readonly replication: readonly Replication[];
  /** `quorum` or `sync` when a standby of ours is synchronous, else `potential`, `async`, or '' without any. */
  readonly syncState: string;
  /** Setting in this session; to others it may apply a moment later. */
  readonly primaryConninfo: string;
  readonly synchronousStandbyNames: string;
}

interface ReceiverJson {
  status: string;
  flushed: string | null;
  timeline: number | null;
  message_at: string | null;
  age_ms: number | null;
}

interface ReplicationJson {
  application_name: string;
  state: string;
  sync_state: string;
  sent: string | null;
  flush: string | null;
  replay: string | null;
  reply_time: string | null;
}

type ObservedRow = {
  in_recovery: boolean;
  server_version: number;
  timeline: number;
  lsn: string;
  wal_receiver: ReceiverJson | null;
  replication: ReplicationJson[];
  primary_conninfo: string;
  sync_names: string;
};

// On a primary the checkpoint's timeline lags behind a promotion until the next checkpoint; the name of the segment
// that is being written does not. CASE evaluates only its own branch: either half is an error in the other role. The functions for pg_control wait, and no
// timeout ends that, while somebody writes it to a slow disk; so they are asked only where nothing else knows.
const OBSERVE = `
SELECT pg_is_in_recovery() AS in_recovery,
       current_setting('server_version_num')::int AS server_version,
       CASE WHEN pg_is_in_recovery()
            THEN coalesce(nullif((SELECT received_tli FROM pg_stat_wal_receiver), 0),
                          greatest((SELECT timeline_id FROM pg_control_checkpoint()),
                                   (SELECT min_recovery_end_timeline FROM pg_control_recovery())))
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int
       END AS timeline,
       CASE WHEN pg_is_in_recovery()
            THEN coalesce(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), '0/0')
            ELSE pg_current_wal_flush_lsn()
       END::text AS lsn,
       (SELECT json_build_object('status', status, 'flushed', flushed_lsn, 'timeline', received_tli,
               'message_at', last_msg_receipt_time, 'age_ms',
               extract(epoch FROM clock_timestamp() - last_msg_receipt_time) * 1000)
          FROM pg_stat_wal_receiver) AS wal_receiver,
       (SELECT coalesce(json_agg(json_build_object('application_name', application_name, 'state', state,
               'sync_state', sync_state, 'sent', sent_lsn, 'flush', flush_lsn, 'replay', replay_lsn,
               'reply_time', reply_time) ORDER BY application_name), '[]')
          FROM pg_stat_replication) AS replication,
       current_setting('primary_conninfo') AS primary_conninfo,
       current_setting('synchronous_standby_names') AS sync_names`;

const SYNC_STATES_BEST_FIRST = ['quorum', 'sync', 'potential', 'async'];

function lsnOrNull(text: string | null): Lsn | null {
  return text === null ? null : parseLsn(text);
}

function replicationOf(row: ReplicationJson): Replication {
  return {
    applicationName: row.application_name,
    nodeId: nodeIdOf(row.application_name),
    state: row.state,
    syncState: row.sync_state,
    sentLsn: lsnOrNull(row.sent),
    flushLsn: lsnOrNull(row.flush),
    replayLsn: lsnOrNull(row.replay),
    replyTime: row.reply_time,
  };
}

function receiverOf(row: ReceiverJson): WalReceiver {
  return {
    status: row.status,
    flushedLsn: row.flushed === null ? 0n : parseLsn(row.flushed),
    receivedTimeline: row.timeline ?? 0,
    lastMessageAt: row.message_at,
    lastMessageAgeMs: row.age_ms,
  };
}

function bestSyncState(replication: readonly Replication[]): string {
  const present = new Set(replication.filter((row) => row.nodeId !== undefined).map((row) => row.syncState));
  return SYNC_STATES_BEST_FIRST.find((state) => present.has(state)) ?? '';
}

/** Everything the keeper reports of a running Postgres, in one round trip; needs a superuser or pg_monitor. */
export async function observe(client: LocalClient): Promise<Observation> {
  const [row] = await client.query<ObservedRow>(OBSERVE);
  if (!row) throw new RangeError('The query of observe() gives one row.');
  const replication = row.replication.map(replicationOf);
  return {
    inRecovery: row.in_recovery,
    serverVersion: row.server_version,
    timeline: row.timeline,
    lsn: parseLsn(row.lsn),
    walReceiver: row.wal_receiver && receiverOf(row.wal_receiver),
    replication,
    syncState: bestSyncState(replication),
    primaryConninfo: row.primary_conninfo,
    synchronousStandbyNames: row.sync_names,
  };
}
