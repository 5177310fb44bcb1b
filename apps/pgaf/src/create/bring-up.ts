import { hostAndPort } from '@pgaf/core/host-and-port';
import type { Milliseconds } from '@pgaf/core/durations';
import { EXIT, PgafError } from '@pgaf/core/errors';
import { shellWord } from '@pgaf/core/shell-word';
import { initialise, isCreated } from '@pgaf/keeper/join';
import type { CommandContext } from '../command-spec.js';
import type { KeeperNode } from '../node-files.js';
import type { RunningKeeper } from '../service/reload-keeper.js';
import { keeperFor } from '../service/run-keeper.js';
import type { StopSignals } from '../service/stop-signals.js';

/** How often a node that does not get on says what it waits for. */
const TELL_EVERY: Milliseconds = 10_000;

/**
 * Runs a keeper until the node has reached its first goal, however long that takes, and ends it.
 * @param manner In which it ends: `handOff` also when it is told otherwise, for a Postgres that was there before.
 * @throws PgafError `create-interrupted`, `dropped`, and what `initialise` throws; the node stays registered.
 */
export async function bringUp(
  node: KeeperNode,
  context: CommandContext,
  signals: StopSignals,
  manner: 'handOff' | 'orderly',
): Promise<void> {
  const running = await keeperFor(node, context);
  const { keeper } = running;
  signals.onStop((told) => keeper.stop(manner === 'handOff' ? manner : told));
  const telling = setInterval(() => void tellProgress(running, context), TELL_EVERY);
  const state = await initialise(keeper, manner).finally(() => clearInterval(telling));
  if (state.current === 'dropped') throw droppedMeanwhile(node);
  if (isCreated(state)) return;
  throw new PgafError(
    `The node is registered, and was stopped on its way from ${state.current} to ${state.goal}.`,
    {
      code: 'create-interrupted',
      exit: EXIT.badState,
      hint: 'Give the same command again: it goes on where this one ended.',
    },
  );
}

async function tellProgress(running: RunningKeeper, { log }: CommandContext): Promise<void> {
  const { state, waitingFor } = running.keeper;
  const why = waitingFor ?? (await whatPrimaryLacks(running));
  log.info(
    state.current === state.goal
      ? `Still ${state.current}${why === null ? '' : `: ${why}`}`
      : `Still on the way from ${state.current} to ${state.goal}${why === null ? '' : `: ${why}`}`,
  );
}

/** A node that waits to be taken in waits for its primary; the monitor knows what that one is about. */
async function whatPrimaryLacks({ keeper, link }: RunningKeeper): Promise<string | null> {
  const { state } = keeper;
  if (state.goal !== 'wait_standby') return null;
  const view = await link.formationView(state.formation).catch(() => null);
  if (view === null) return 'the monitor cannot be reached';
  const group = view.groups.find((one) => one.group === state.group);
  const primary = group?.nodes.find(({ id }) => id === group.leader);
  if (primary === undefined) return 'its group has no primary';
  const who = `node ${primary.id} "${primary.name}" (${hostAndPort(primary.host, primary.port)})`;
  return primary.reported === primary.goal
    ? `it waits for its primary, ${who}, to take it in`
    : `it waits for its primary, ${who}, which is ${primary.reported} and was told to become ${primary.goal}; its service must be running (pgaf status there)`;
}

function droppedMeanwhile({ paths }: KeeperNode): PgafError {
  return new PgafError('The node was dropped from its formation before it was ready.', {
    code: 'dropped',
    exit: EXIT.dropped,
    hint: `Remove what is left with \`pgaf drop node --destroy --pgdata ${shellWord(paths.pgdata)}\`, or create it again.`,
  });
}
