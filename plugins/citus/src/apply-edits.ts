import type { LocalSql, SqlSession } from '@pgaf/plugin-api';
import { atNoPlace, sentenceOf, type Move, type OtherEdit } from './plan-edits.js';
import { COORDINATOR_GROUP } from './placement.js';

/** How long who holds locks that a move needs may go on, milliseconds; then the move ends it. */
const LOCK_COOLDOWN = 200;
/** SQLSTATEs of a move that lost against another one, or against the sync of metadata, and can be tried again. */
const PASSING: ReadonlySet<string> = new Set(['40P01', '55P03', '40001']);
const ATTEMPTS = 5;

/** What was moved, and why the rest was not, a sentence. */
export interface Moved {
  readonly moved: readonly Move[];
  readonly failed: string | null;
}

/**
 * Moves rows to other addresses, all in one transaction: groups that fail together are back together. Where one of them
 * cannot be moved, each is moved by itself. Writes to a group that wait for its lost node are ended.
 * @param onSession hears which process moves them, before it begins.
 */
export async function moveNodes(
  sql: LocalSql,
  moves: readonly Move[],
  onSession?: (pid: number) => void,
): Promise<Moved> {
  if (moves.length === 0) return { moved: [], failed: null };
  const session = await sql.session();
  try {
    if (onSession) {
      const [own] = await session.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      if (own) onSession(own.pid);
    }
    await moveTogether(session, moves);
    return { moved: moves, failed: null };
  } catch (error) {
    if (sqlStateOf(error) === undefined) throw error;
    return await moveOneByOne(session, moves);
  } finally {
    await session.close();
  }
}

async function moveOneByOne(session: SqlSession, moves: readonly Move[]): Promise<Moved> {
  const moved: Move[] = [];
  let failed: string | null = null;
  for (const move of moves) {
    try {
      await moveTogether(session, [move]);
      moved.push(move);
    } catch (error) {
      if (sqlStateOf(error) === undefined) throw error;
      failed ??= whyNot(move, error);
    }
  }
  return { moved, failed };
}

async function moveTogether(session: SqlSession, moves: readonly Move[]): Promise<void> {
  await session.query('BEGIN');
  try {
    await moveWithin(session, moves);
    await session.query('COMMIT');
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** Within a transaction of the caller’s, whose locks are kept when a try fails. */
export async function moveWithin(session: SqlSession, moves: readonly Move[]): Promise<void> {
  await session.query('SAVEPOINT before_moves');
  for (let attempt = 1; ; attempt++) {
    try {
      for (const move of moves) await moveNode(session, move);
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !PASSING.has(sqlStateOf(error) ?? '')) throw error;
      await session.query('ROLLBACK TO before_moves');
    }
  }
}

async function moveNode(session: SqlSession, move: Move): Promise<void> {
  const { id } = move.row;
  const { host, port } = move.do === 'park' ? atNoPlace(move.row) : move.node;
  await session.query('SELECT citus_update_node($1, $2, $3, true, $4)', [id, host, port, LOCK_COOLDOWN]);
  // The pooler in front of the node that the row left leads there; the new one's own is added soon.
  await session.query('DELETE FROM pg_dist_poolinfo WHERE nodeid = $1', [id]);
}

/** Adds, activates or removes a row; Citus goes to the node for it, so that it fails while that is away. */
export async function changeNode(session: SqlSession, edit: OtherEdit): Promise<void> {
  switch (edit.do) {
    case 'add': {
      const { host, port, group, role, cluster } = edit.node;
      if (group === COORDINATOR_GROUP && role === 'primary')
        await session.query('SELECT citus_set_coordinator_host($1, $2)', [host, port]);
      else
        await session.query('SELECT citus_add_node($1, $2, $3, $4::noderole, $5)', [
          host,
          port,
          group,
          role,
          cluster,
        ]);
      return;
    }
    case 'activate':
      await session.query('SELECT citus_activate_node($1, $2)', [edit.row.host, edit.row.port]);
      return;
    case 'remove':
      await session.query('SELECT citus_remove_node($1, $2)', [edit.row.host, edit.row.port]);
  }
}

export function whyNot(edit: Move | OtherEdit, error: unknown): string {
  return `${sentenceOf(edit)} is yet to be done: ${error instanceof Error ? error.message : String(error)}`;
}

/** The SQLSTATE of a statement that failed; undefined when the connection did. */
export function sqlStateOf(error: unknown): string | undefined {
  const state = error instanceof Error && 'sqlState' in error ? error.sqlState : undefined;
  return typeof state === 'string' ? state : undefined;
}
