import { hostAndPort } from '@pgaf/core/host-and-port';
import { PgafError, EXIT } from '@pgaf/core/errors';
import type { Json } from '@pgaf/core/json';
import type { CommandContext, FormationView } from '@pgaf/plugin-api';
import { whyNotActive } from './await-coordinator.js';

const BETWEEN_LOOKS_MS = 250;

/** Waits until the coordinator sends queries to the local worker, which its keeper sees to by itself. */
export async function activate({ flags, formation, node, monitor, print }: CommandContext): Promise<Json> {
  const name = typeof flags['name'] === 'string' ? flags['name'] : node;
  if (name === null) {
    throw new PgafError('It is not said which worker to activate.', {
      code: 'which-node',
      exit: EXIT.badArguments,
      hint: 'Name it with --name, or its data directory with --pgdata.',
    });
  }
  const wait = secondsOf(flags['wait']);
  const until = performance.now() + wait * 1000;
  for (;;) {
    const [row] = await monitor.query<{ view: FormationView | null }>(
      'SELECT pgautofailover.formation_view($1) AS view',
      [formation],
    );
    const group = row?.view?.groups.find(({ nodes }) => nodes.some((one) => one.name === name));
    if (!row?.view || !group) {
      throw new PgafError(`There is no node "${name}" in the formation "${formation}".`, {
        code: 'unknown-node',
        exit: EXIT.badArguments,
        hint: 'See `pgaf show state` for the nodes there are.',
      });
    }
    // Its group is what is added, by the node that takes the writes.
    const primary = group.nodes.find(({ id }) => id === group.leader) ?? null;
    const reason = primary ? whyNotActive(primary, row.view) : { text: 'its group has no primary' };
    if (reason === null && primary) {
      print(
        `Group ${group.group} is active, at "${primary.name}" (${hostAndPort(primary.host, primary.port)}).`,
      );
      return { group: group.group, name: primary.name, host: primary.host, port: primary.port };
    }
    if (performance.now() > until) {
      throw new PgafError(`Group ${group.group} is not active after ${wait} s: ${reason?.text}.`, {
        code: 'not-active',
        exit: EXIT.badState,
        hint: '`pgaf show state` says what each node waits for, and the log of the coordinator’s primary what keeps it from adding a group.',
      });
    }
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS_MS));
  }
}

function secondsOf(wait: unknown): number {
  if (typeof wait === 'number' && wait >= 0) return wait;
  throw new PgafError(`--wait: "${String(wait)}" is not allowed.`, {
    code: 'bad-wait',
    exit: EXIT.badArguments,
    hint: 'Give a number of seconds, 0 for one look.',
  });
}
