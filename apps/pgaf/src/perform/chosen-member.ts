import { EXIT, UserError } from '@pgaf/core/errors';
import { unknownNode } from '../chosen-node.js';
import type { Member } from './group-news.js';

/**
 * The node of that name, or the local one, which must be in the group that was named, if one was.
 * @throws UserError `unknown-node`, `other-group`.
 */
export function chosenMember(
  nodes: readonly Member[],
  wanted: { readonly name: string } | { readonly id: number },
  { formation, group }: { readonly formation: string; readonly group: number | undefined },
): Member {
  const isNamed = 'name' in wanted;
  const found = nodes.find((node) => (isNamed ? node.name === wanted.name : node.id === wanted.id));
  if (!found) throw unknownNode(formation, isNamed ? `named "${wanted.name}"` : `${wanted.id}`);
  if (group === undefined || found.group === group) return found;
  const who = isNamed ? `The node "${found.name}"` : `The node here, "${found.name}",`;
  throw new UserError(`${who} is in group ${found.group}, and not in group ${group}.`, {
    code: 'other-group',
    exit: EXIT.badArguments,
    hint: isNamed
      ? 'Leave --group out, or name a node of that group.'
      : `Name a node of that group with --name; \`pgaf perform switchover --group ${group}\` takes its best one.`,
  });
}
