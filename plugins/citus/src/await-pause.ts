import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { canTakeWrites, promises } from '@pgaf/core/states';
import { done, retry, type FormationView, type KeeperContext, type Outcome } from '@pgaf/plugin-api';
import { lookBy } from './look-by.js';
import { askFor, PAUSE_FOR, pauseAnswer, tokenOf } from './pause-request.js';
import { coordinatorOf } from './said.js';

const BETWEEN_LOOKS_MS = 15;
/** Longer than the coordinator tries. */
const ANSWER_LIMIT_MS = 8000;
/** Who was told to stop goes soon, with a pause or without. */
const LEAVING_LIMIT_MS = 1500;

/**
 * Before the primary of a worker group stops for another one: the coordinator holds up what it would send there, so that
 * no statement fails. Without a pause the switchover is given up, and nothing has happened.
 */
export async function awaitPause(context: KeeperContext): Promise<Outcome> {
  if (!needsPause(context)) return done;
  const { handover, signal } = context;
  const until = performance.now() + (handover.leaving ? LEAVING_LIMIT_MS : ANSWER_LIMIT_MS);
  let token: string | null = null;
  let why = '';
  for (let formation: FormationView | null = context.formation; ; formation = await lookBy(context, until)) {
    if (signal.aborted) return retry('given up');
    if (formation === null) {
      // What was answered before may be over by the time that it is heard of.
      token = null;
      why = 'the monitor does not answer, by way of which the coordinator is asked to hold up its queries';
    } else if (token === null) {
      token = ask(context);
    } else {
      const answer = pauseAnswer(formation, token);
      if (answer?.tag === 'held') return done;
      const refused = answer?.reason ?? whyNotAsked(formation);
      if (refused !== null) return withoutPause(context, refused);
      why = 'the coordinator’s keeper does not answer, which is to hold up its queries';
    }
    if (performance.now() > until) return withoutPause(context, why);
    await pause(BETWEEN_LOOKS_MS);
  }
}

/** After what took its time since the pause was had: it may be over, and then nothing stops. */
export async function confirmPause(context: KeeperContext): Promise<Outcome> {
  const token = tokenOf(context.node);
  if (!needsPause(context) || context.handover.leaving || token === null) return done;
  const answer = pauseAnswer(context.formation, token);
  if (answer?.tag === 'held') return done;
  if (answer) return withoutPause(context, answer.reason);
  // Its keeper was started again, and is asked again.
  return retry('the coordinator’s keeper does not hold up its queries any more');
}

function needsPause({ handover, node, formation }: KeeperContext): boolean {
  if (handover.target === null && !handover.leaving && node.goal !== 'dropped') return false;
  const group = formation.groups.find(({ nodes }) => nodes.some(({ id }) => id === node.id));
  // It leads no more: no query comes here that could be held up.
  if (group && group.leader !== node.id) return false;
  // It is lost to its clients already, and everybody waits for its stop.
  return !group?.nodes.some(({ id, goal }) => id !== node.id && promises(goal));
}

function ask({ say, handover: { forced } }: KeeperContext): string {
  const token = randomUUID();
  say(PAUSE_FOR, askFor({ token, forced }));
  return token;
}

function whyNotAsked(formation: FormationView): string | null {
  const coordinator = coordinatorOf(formation);
  return coordinator === null || !canTakeWrites(coordinator.reported) || !canTakeWrites(coordinator.goal)
    ? 'the coordinator takes no writes now, so that it cannot hold up its queries'
    : null;
}

function withoutPause({ handover, say, giveUpHandover }: KeeperContext, why: string): Outcome {
  if (handover.leaving) return done;
  say(PAUSE_FOR, null);
  giveUpHandover(why);
  return retry(why);
}
