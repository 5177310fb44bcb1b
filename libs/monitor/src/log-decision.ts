import type { Logger } from '@pgaf/logging/logger';
import type { Decision } from './decision-store.js';

/** Tells what was committed: each new goal and why, a promotion, who left, and what is waited for from now on. */
export function logDecision(logger: Logger, { before, settled, waiting }: Decision): void {
  const { formation, group, nodes } = before.snapshot;
  const where = { formation: formation.id, group };
  for (const { node, from, goal, rule, because } of settled.transitions) {
    const name = nodes.find(({ id }) => id === node)?.name ?? node;
    const about = { rule, node, name, from, to: goal, ...where };
    logger.info(`Node ${node} "${name}" is to go from ${from} to ${goal}: ${because}.`, about);
  }
  if (settled.epochRaised && settled.group.leader !== null) {
    logger.info(`Node ${settled.group.leader} is given epoch ${settled.group.epoch}.`, where);
  }
  for (const id of settled.removed) logger.info(`Node ${id} is removed.`, where);
  const news = waiting.filter((sentence) => !before.waiting.includes(sentence));
  if (news.length > 0) logger.warn(`${news.join('; ')}.`, where);
}
