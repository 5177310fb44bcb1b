import type { Milliseconds } from '@pgaf/core/durations';
import { done, retry, type NodeContext, type Outcome, type SqlSession } from '@pgaf/plugin-api';
import { endingsOf, leftPrepared, servedRecords } from './decide-prepared.js';
import {
  answerOf,
  preparedQuestion,
  whyNoAnswer,
  type GroupPlace,
  type PlaceAnswer,
  type PlaceReply,
} from './prepared-question.js';

/** What a question takes at most, by the server’s clock: idle before it, and in it; less with a short lease. */
const LONGEST_IDLE: Milliseconds = 500;
const LONGEST_STATEMENT: Milliseconds = 1500;
const SHARE_OF_LEASE = 0.75;
/** With less of the lease left a run would be no use. */
const SHORTEST_RUN: Milliseconds = 400;
/**
 * A node that hangs is left out, so that the others are seen to within the statement’s time. What is deleted from
 * `pg_dist_transaction` has been decided, and need not outlive this node.
 */
const SETTINGS = `
SELECT set_config('idle_in_transaction_session_timeout', $1, false), set_config('statement_timeout', $2, false),
       set_config('citus.node_connection_timeout', '400ms', false), set_config('synchronous_commit', 'local', false)`;
/** A backend that hangs with a node may not hear that its time is over. */
const GIVEN_UP_AFTER: Milliseconds = 1000;
/** How many are ended at once, each over a connection of its own. */
const ENDED_AT_ONCE = 16;

/** Records that are committed after this are not seen by what follows in the transaction. */
const PLACES = `
SELECT (SELECT groupid FROM pg_dist_local_group) AS own, groupid AS "group", nodename AS host, nodeport AS port
  FROM pg_dist_node WHERE isactive AND noderole = 'primary' ORDER BY nodeid`;
const FORGET = 'DELETE FROM pg_dist_transaction WHERE groupid = ANY ($1) AND gid <> ALL ($2)';
const UNDER_WAY = `
SELECT DISTINCT transaction_number::text AS number FROM get_all_active_transactions() WHERE transaction_number <> 0`;
const COMMITTED = 'SELECT DISTINCT gid FROM pg_dist_transaction WHERE gid = ANY ($1)';
const ON_PLACES = `
SELECT node_name AS host, node_port AS port, success, result
  FROM master_run_on_worker($1::text[], $2::int[], $3::text[], true)`;

type Reply = PlaceReply & Pick<GroupPlace, 'host' | 'port'>;
/** Has each place run its statement. */
type RunOn = (places: readonly GroupPlace[], statements: readonly string[]) => Promise<Reply[]>;

/**
 * Finishes what transactions of Citus that began here have left prepared on other nodes. `recover_prepared_transactions`
 * of Citus would take the word of a standby, to which all that is prepared is unknown: the record of a commit would be gone
 * before it is everywhere. By itself Citus would also do it on a coordinator or worker that was frozen and has been
 * replaced meanwhile: that one takes what its successor has just prepared for its own, knows no commit of it, and rolls it
 * back. So it is done here only while the lease lasts.
 *
 * Invariant: what is asked or ended elsewhere is so within the lease that was left before, or the server ends the
 * transaction. Whatever part of this node is held up and goes on later finds that, or has a list that is older than any
 * successor.
 */
export async function recoverTransactions({ sql, leaseLeft }: NodeContext): Promise<Outcome> {
  const time = Math.min(leaseLeft() * SHARE_OF_LEASE, LONGEST_IDLE + LONGEST_STATEMENT);
  if (time < SHORTEST_RUN) return retry('what is left prepared waits for the lease of this node');
  const idle = Math.floor((time * LONGEST_IDLE) / (LONGEST_IDLE + LONGEST_STATEMENT));
  const session = await sql.session();
  const given = setTimeout(() => void session.close(), time + GIVEN_UP_AFTER);
  /** By Citus, which knows how a place is reached: each statement on a connection of its own, all at once. */
  const runOn: RunOn = async (places, statements) => {
    if (leaseLeft() < time) throw new Error('the lease of this node was not renewed in time');
    const [hosts, ports] = [places.map(({ host }) => host), places.map(({ port }) => port)];
    return session.query<Reply>(ON_PLACES, [hosts, ports, statements]);
  };
  try {
    await session.query(SETTINGS, [`${idle}ms`, `${Math.floor(time - idle)}ms`]);
    return await recover(session, runOn);
  } finally {
    clearTimeout(given);
    await session.close();
  }
}

async function recover(session: SqlSession, runOn: RunOn): Promise<Outcome> {
  await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  const rows = await session.query<GroupPlace & { own: number }>(PLACES);
  const [first] = rows;
  if (!first) return done;
  const question = preparedQuestion(first.own);
  const ask = async (places: readonly GroupPlace[]): Promise<readonly PlaceAnswer[]> => {
    const replies = await runOn(
      places,
      places.map(() => question),
    );
    return places.map((place) => answerOf(place, replies.find(isFrom(place))));
  };
  const answers = await ask(rows);
  const { groups, except } = servedRecords(answers);
  await session.query(FORGET, [groups, except]);
  await session.query('COMMIT');
  const failed = await endLeft(session, answers, ask, runOn);
  const reason = answers.map(whyNoAnswer).find((why) => why !== null) ?? failed;
  return reason === null ? done : retry(reason);
}

/** Ends what is left prepared, each by itself; null, or why one was not. */
async function endLeft(
  session: SqlSession,
  answers: readonly PlaceAnswer[],
  ask: (places: readonly GroupPlace[]) => Promise<readonly PlaceAnswer[]>,
  runOn: RunOn,
): Promise<string | null> {
  if (leftPrepared(answers, new Set()).length === 0) return null;
  // In this order, each on its own: it sees what was committed before it.
  const underWay = await session.query<{ number: string }>(UNDER_WAY);
  const left = leftPrepared(answers, new Set(underWay.map(({ number }) => number)));
  if (left.length === 0) return null;
  const records = await session.query<{ gid: string }>(COMMITTED, [left.map(({ gid }) => gid)]);
  await session.query('BEGIN');
  const again = await ask([...new Set(left.map(({ place }) => place))]);
  const endings = endingsOf(left, new Set(records.map(({ gid }) => gid)), again);
  let failed: string | null = null;
  for (let i = 0; i < endings.length; i += ENDED_AT_ONCE) {
    const some = endings.slice(i, i + ENDED_AT_ONCE);
    const replies = await runOn(
      some.map(({ place }) => place),
      some.map(({ command }) => command),
    );
    failed ??= replies.find(({ success }) => !success)?.result ?? null;
  }
  return failed;
}

function isFrom(place: GroupPlace): (reply: Reply) => boolean {
  return ({ host, port }) => host === place.host && port === place.port;
}
