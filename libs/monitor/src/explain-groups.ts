import { setImmediate } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import type { Json, JsonObject } from '@pgaf/core/json';
import { explain, type Explanation, type Move } from '@pgaf/fsm/explain';
import { commandOf, headOfWays, textOfNode, textOfOutlook, textOfRemedy } from '@pgaf/fsm/explain-text';
import type { Client } from 'pg';
import { groupsOf, loadGroups } from './group-store.js';
import { loadFormation } from './registered-nodes.js';
import type { Question } from './questions.js';

/** Says of groups what their next decision would be made of; decides nothing. */
export const explainGroups: Question = async ({ client, timings, contacts, kinds }, { formation, group }) => {
  if (!(await loadFormation(client, formation))) {
    return { tag: 'refused', sqlstate: '42704', message: `formation "${formation}" does not exist` };
  }
  const keys = (await groupsOf(client, formation)).filter((key) => group === null || key.group === group);
  if (keys.length === 0) {
    const what = group === null ? 'has no nodes' : `has no group ${group}`;
    return {
      tag: 'refused',
      sqlstate: '42704',
      message: `formation "${formation}" ${what}`,
      hint: 'See `pgaf show state` for the groups there are.',
    };
  }
  const moves = await loadMoves(client, formation);
  const groups = contacts.date(await loadGroups(client, timings, keys));
  return {
    tag: 'asked',
    answer: async () => {
      const answers: Json[] = [];
      for (const { snapshot } of groups) {
        answers.push(answerOf(explain(snapshot, kinds.ruleBook(snapshot.formation.kind), moves)));
        // The decisions come first: one group is rehearsed at a time.
        await setImmediate();
      }
      return answers;
    },
  };
};

async function loadMoves(client: Client, formation: string): Promise<ReadonlyMap<number, Move>> {
  const { rows } = await client.query<Move & { id: number }>(
    `SELECT nodeid::float8 AS id, goalrule AS rule, coalesce(goalbecause, '') AS because,
            (extract(epoch FROM goaltime) * 1000)::float8 AS at
     FROM pgautofailover.node WHERE formationid = $1 AND goalrule IS NOT NULL`,
    [formation],
  );
  return new Map(rows.map(({ id, ...move }) => [id, move]));
}

/** What the SQL function answers: data, with the words for each; instants in ISO 8601. */
function answerOf(explanation: Explanation): JsonObject {
  const { group, nodes, outlook, waiting } = explanation;
  return {
    formation: group.formation.id,
    group_id: group.group,
    epoch: group.epoch,
    primary_id: group.leader,
    now: instant(group.now),
    nodes: nodes.map(({ node, waitsFor, since, moved }) => ({
      node_id: node.id,
      node_name: node.name,
      node_host: node.host,
      node_port: node.port,
      reported_state: node.reported,
      assigned_state: node.goal,
      paused: node.paused,
      waits_for: waitsFor && { ...waitsFor },
      text: textOfNode({ node, waitsFor }),
      since: since === null ? null : instant(since),
      rule: moved?.rule ?? null,
      because: moved?.because ?? null,
      moved_at: moved === null ? null : instant(moved.at),
    })),
    failover: {
      outlook: outlook.tag,
      node_id: outlook.tag === 'impossible' ? null : outlook.node,
      text: textOfOutlook(explanation),
      reasons: [...waiting],
      ways_text: headOfWays(explanation),
      ways:
        outlook.tag === 'possible'
          ? []
          : outlook.ways.map((way) =>
              way.map((remedy) => ({
                ...remedy,
                text: textOfRemedy(group, remedy),
                command: commandOf(group, remedy),
              })),
            ),
    },
  };
}

function instant(at: Milliseconds): string {
  return new Date(at).toISOString();
}
