import { hostAndPort } from '@pgaf/core/host-and-port';
import { canTakeWrites } from '@pgaf/core/states';
import {
  done,
  retry,
  type FormationView,
  type KeeperContext,
  type NodeView,
  type Outcome,
} from '@pgaf/plugin-api';
import { READY } from './plan-edits.js';
import { activeNodes, coordinatorOf } from './said.js';

/** For how long a look lasts before the reason is told. */
const LOOK_MS = 3000;
const BETWEEN_LOOKS_MS = 100;

/** A new worker waits until the coordinator sends it queries. */
export async function awaitCoordinator(context: KeeperContext): Promise<Outcome> {
  context.say(READY, true);
  const until = performance.now() + LOOK_MS;
  for (let formation = context.formation; ; formation = await context.lookAgain()) {
    const reason = whyNotActive(context.node, formation);
    if (reason === null) return done;
    if (context.signal.aborted || performance.now() > until || reason.waitsForPeople)
      return retry(reason.text);
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS_MS));
  }
}

/** Why Citus sends this node no queries yet; null when it does. */
export function whyNotActive(
  { id, host, port }: Pick<NodeView, 'id' | 'host' | 'port'>,
  formation: FormationView,
): { readonly text: string; readonly waitsForPeople: boolean } | null {
  const own = formation.groups.find(({ nodes }) => nodes.some((node) => node.id === id))?.group;
  const there = activeNodes(formation).filter((active) => active.host === host && active.port === port);
  if (there.some(({ group }) => group === own)) return null;
  const coordinator = coordinatorOf(formation);
  if (!coordinator) {
    return {
      text: `the formation "${formation.formation}" has no coordinator yet: create it with \`pgaf create coordinator\``,
      waitsForPeople: true,
    };
  }
  const { name, reported } = coordinator;
  const who = `node ${coordinator.id} "${name}" (${hostAndPort(coordinator.host, coordinator.port)})`;
  return canTakeWrites(reported)
    ? { text: `the coordinator, ${who}, is to add this node`, waitsForPeople: false }
    : { text: `the coordinator, ${who}, is ${reported} and takes no writes now`, waitsForPeople: false };
}
