import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { canTakeWrites } from '@pgaf/core/states';
import { done, retry, type KeeperContext, type Outcome } from '@pgaf/plugin-api';
import { answerFor, LETS_GO_FOR } from './letting-go.js';
import { coordinatorOf } from './said.js';

const BETWEEN_LOOKS_MS = 50;
/** Citus waits for transactions that have the tables of the group under way. */
const ANSWER_LIMIT_MS = 20_000;

/**
 * Before the last node of a worker group stops for good: the coordinator takes the group out of `pg_dist_node`, which
 * Citus refuses while there are shards nowhere else. Then the drop is given up, and nothing has happened.
 */
export async function awaitLettingGo(context: KeeperContext): Promise<Outcome> {
  const { signal, say } = context;
  const token = randomUUID();
  say(LETS_GO_FOR, token);
  const until = performance.now() + ANSWER_LIMIT_MS;
  for (let formation = context.formation; ; formation = await context.lookAgain()) {
    const answer = answerFor(formation, token);
    if (answer?.tag === 'gone') return done;
    if (signal.aborted) return retry('given up');
    if (answer?.tag === 'stays' || performance.now() > until) {
      const coordinator = coordinatorOf(formation);
      const isThere = coordinator !== null && canTakeWrites(coordinator.reported);
      const silent = isThere
        ? 'the coordinator’s keeper does not answer, which is to take the group out of pg_dist_node'
        : 'the coordinator takes no writes now, so that it cannot take the group out of pg_dist_node';
      const reason = answer?.tag === 'stays' ? answer.reason : silent;
      say(LETS_GO_FOR, null);
      context.giveUpHandover(reason);
      return retry(reason);
    }
    await pause(BETWEEN_LOOKS_MS);
  }
}
