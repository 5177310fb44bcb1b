import { hostAndPort } from '@pgaf/core/host-and-port';
import { setTimeout as pause } from 'node:timers/promises';
import type { FormationView, KeeperContext } from '@pgaf/plugin-api';
import { noteAnswered } from './answered-pauses.js';
import { moveWithin } from './apply-edits.js';
import { moveGroups, type Tried } from './bring-in-line.js';
import { DIST_NODES, type DistNode } from './dist-node.js';
import type { LeftAlone } from './look-as-writer.js';
import { lookBy } from './look-by.js';
import { lockTablesOf, type TableLocks } from './lock-tables.js';
import { newMovesSince } from './new-moves.js';
import { PAUSE, pauseEnd, pausesRequested, type PauseRequest } from './pause-request.js';
import { movesOf, planEdits, type Move } from './plan-edits.js';

const BETWEEN_LOOKS_MS = 15;
/** A switchover that takes longer is none without a failed statement; what waits gets its error then. */
const LONGEST_PAUSE_MS = 8000;
/** A primary that has not stopped by then does not hear that it may. */
const SILENCE_MS = 2000;
/** A group that fails over meanwhile waits for the end of the pause: for about as long as a switchover takes. */
const OTHERS_WAIT_MS = 500;

/**
 * Holds up what would be sent to the group, says so, and when its new primary takes writes sends it there. However it
 * ends, nothing stays held up: the pause is a transaction of one session.
 */
export async function holdPause(context: KeeperContext, asked: PauseRequest): Promise<void> {
  const { sql, say, log } = context;
  noteAnswered(asked.token);
  let tried = context.formation;
  const moveOthers = async (formation: FormationView): Promise<Tried | LeftAlone> => {
    const moves = await moveGroups(context, formation);
    if (moves.tag === 'tried') tried = moves.formation;
    return moves;
  };
  const tries = {
    heldFor: LONGEST_PAUSE_MS,
    whyNoMore: () => whyNoMoreTries(context, asked, moveOthers),
    onEnded: asked.forced ? (what: string) => noteEnded(context, asked, what) : null,
  };
  const locks = await lockTablesOf(asked.group, sql, tries).catch(refusalOf);
  if (locks.tag === 'refused') {
    log(`Group ${asked.group} is not switched over: ${locks.reason}`);
    say(PAUSE, { token: asked.token, refused: locks.reason });
    return;
  }
  const begun = performance.now();
  log(`Queries to group ${asked.group} are held up`);
  const held = new Held(context);
  // Who brings the table in line next moves the group, if that is what was left to do.
  const end = await follow(context, asked, locks, held, tried).catch((error: unknown): End => {
    return { tag: 'let go', how: `was let go: ${error instanceof Error ? error.message : String(error)}` };
  });
  // Nobody is to stop for a pause that is over.
  if (end.tag === 'let go') held.takeBack(`the pause of its queries is over: it ${end.how}`);
  const ms = Math.round(performance.now() - begun);
  await locks.session.close();
  log(`Queries to group ${asked.group} were held up for ${ms} ms; it ${end.how}`);
}

/** What became of the group, and of the pause with it. */
interface End {
  readonly tag: 'moved' | 'let go';
  readonly how: string;
}

/** The word of this coordinator that queries are held up. */
class Held {
  #token: string | null = null;

  constructor(private readonly context: Pick<KeeperContext, 'say'>) {}

  sayTo(token: string): void {
    if (token === this.#token) return;
    this.#token = token;
    noteAnswered(token);
    this.context.say(PAUSE, { token });
  }

  takeBack(refused: string): void {
    this.context.say(PAUSE, { token: this.#token, refused });
  }
}

/** Somebody will ask where that connection went. */
function noteEnded({ log, tell }: KeeperContext, { group }: PauseRequest, what: string): void {
  const sentence = `By force for the switchover of group ${group}, ${what}, was ended`;
  log(sentence);
  // Nothing waits for the monitor, which may be away; the log has it.
  void tell(sentence).catch(() => undefined);
}

/** Whatever went wrong, who asked hears of it at once. */
function refusalOf(error: unknown): Extract<TableLocks, { tag: 'refused' }> {
  const why = error instanceof Error ? error.message : String(error);
  return { tag: 'refused', reason: `queries cannot be held up: ${why}` };
}

/** Between two tries: groups that failed over meanwhile are moved, and who asks no more is not waited for. */
async function whyNoMoreTries(
  context: KeeperContext,
  asked: PauseRequest,
  moveOthers: (formation: FormationView) => Promise<Tried | LeftAlone>,
): Promise<string | null> {
  const { signal, node, lookAgain } = context;
  if (signal.aborted) return 'the coordinator’s keeper ends';
  const formation = await lookAgain().catch(() => null);
  if (formation === null) return null;
  if (!isLeader(node.id, formation)) return 'the coordinator makes way for another one';
  const moves = await moveOthers(formation);
  if (moves.tag === 'left alone') return moves.reason;
  const isAsking = pausesRequested(moves.formation).some(({ token }) => token === asked.token);
  return isAsking ? null : 'it was given up';
}

/** `tried` is the formation whose groups have been moved. */
async function follow(
  context: KeeperContext,
  asked: PauseRequest,
  { session, until }: Extract<TableLocks, { tag: 'held' }>,
  held: Held,
  tried: FormationView,
): Promise<End> {
  const { signal, node } = context;
  let { token } = asked;
  held.sayTo(token);
  const rows = await session.query<DistNode>(DIST_NODES);
  const newMoves = newMovesSince(tried, rows);
  let othersSince = Infinity;
  let silentAfter = performance.now() + SILENCE_MS;
  for (;;) {
    const formation = await lookBy(context, Math.min(until, silentAfter));
    if (signal.aborted || performance.now() > until) return letGo('was not ready in time');
    if (formation) {
      const end = pauseEnd({ ...asked, token }, formation);
      if (end.tag === 'moved') {
        await moveWithin(session, movesOfGroup(asked.group, formation, rows));
        await session.query('COMMIT');
        return { tag: 'moved', how: `is at ${hostAndPort(end.primary.host, end.primary.port)} now` };
      }
      if (end.tag === 'given up') return letGo('stays where it is');
      if (!isLeader(node.id, formation)) return letGo('was not ready before the coordinator made way');
      const others = newMoves(formation).filter(({ row }) => row.group !== asked.group);
      if (others.length === 0) othersSince = Infinity;
      else othersSince = Math.min(othersSince, performance.now());
      if (performance.now() > othersSince + OTHERS_WAIT_MS)
        return letGo(`was not ready before group ${others[0]?.row.group} failed over`);
      ({ token } = end);
      held.sayTo(token);
      // Once it has stopped, nothing is better for its clients than to wait.
      silentAfter = end.stopped ? Infinity : performance.now() + SILENCE_MS;
    } else if (performance.now() > silentAfter) {
      return letGo('was not ready when the monitor fell silent');
    }
    await pause(BETWEEN_LOOKS_MS);
  }
}

function letGo(how: string): End {
  return { tag: 'let go', how };
}

/** With who stands in its way; other groups wait for the end of the pause. */
function movesOfGroup(group: number, formation: FormationView, rows: readonly DistNode[]): Move[] {
  const moves = movesOf(planEdits(formation, rows));
  const own = moves.flatMap((move) => (move.do === 'update' && move.row.group === group ? [move.node] : []));
  return moves.filter(
    ({ do: kind, row }) =>
      row.group === group ||
      (kind === 'park' && own.some(({ host, port }) => row.host === host && row.port === port)),
  );
}

function isLeader(id: number, { groups }: FormationView): boolean {
  return groups.some(({ leader }) => leader === id);
}
