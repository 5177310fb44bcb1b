import { setTimeout as pause } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import type { KeeperContext } from '@pgaf/plugin-api';
import { moveNodes, type Moved } from './apply-edits.js';
import { DeafProcesses } from './deaf-processes.js';
import { endConnections, whyNotEnded } from './end-connections.js';
import type { Move } from './plan-edits.js';
import type { Place } from './replaced-places.js';
import type { HeldSocket } from './shut-sockets.js';

const BETWEEN_LOOKS: Milliseconds = 100;
const END_IN_THE_WAY = `
SELECT pid, pg_terminate_backend(pid)
  FROM unnest(pg_blocking_pids($1)) AS pid JOIN pg_stat_activity USING (pid) WHERE pid = ANY ($2)`;

type Context = Pick<KeeperContext, 'sql' | 'log' | 'tell'>;

/**
 * Moves rows while connections to nodes that were replaced are ended: statements that wait there hold locks that the moves
 * need. Where connections cannot be ended, the sessions are, and who is deaf to that is killed.
 */
export async function moveNodesPast(
  places: readonly Place[],
  context: Context,
  moves: readonly Move[],
): Promise<Moved> {
  if (places.length === 0 || moves.length === 0) return moveNodes(context.sql, moves);
  const moving = new AbortController();
  let mover: number | null = null;
  const ending = endUntil(moving.signal, places, context, () => mover);
  try {
    return await moveNodes(context.sql, moves, (pid) => (mover = pid));
  } finally {
    moving.abort();
    await ending;
  }
}

async function endUntil(
  signal: AbortSignal,
  places: readonly Place[],
  context: Context,
  mover: () => number | null,
): Promise<void> {
  const deaf = new DeafProcesses();
  let logged: string | null = null;
  const note = (why: string): void => {
    if (why !== logged) context.log(whyNotEnded(places, why));
    logged = why;
  };
  while (!signal.aborted) {
    try {
      const { sockets, refused } = await endConnections(context, places);
      if (refused !== null) note(refused);
      const pid = mover();
      if (refused !== null && pid !== null) await killWhoIsDeaf(pid, sockets, deaf, context);
    } catch (error) {
      note(error instanceof Error ? error.message : String(error));
    }
    await pause(BETWEEN_LOOKS, undefined, { signal }).catch(() => undefined);
  }
}

/**
 * A last resort: Postgres ends all sessions of this node and recovers when one of its processes is killed, which takes
 * about a second. The group would wait for as long as its old primary is frozen.
 */
async function killWhoIsDeaf(
  mover: number,
  sockets: readonly HeldSocket[],
  deaf: DeafProcesses,
  { sql, log, tell }: Context,
): Promise<void> {
  const rows = await sql.query<{ pid: number }>(END_IN_THE_WAY, [mover, sockets.map(({ pid }) => pid)]);
  const [pid] = deaf.look(
    rows.map((row) => row.pid),
    performance.now(),
  );
  if (pid === undefined) return;
  const sentence = `Process ${pid}, which waits for a node that is silent and heeds no end, was killed, and every session of this Postgres with it`;
  log(sentence);
  process.kill(pid, 'SIGKILL');
  // Nothing waits for the monitor, which may be away; the log has it.
  void tell(sentence).catch(() => undefined);
}
