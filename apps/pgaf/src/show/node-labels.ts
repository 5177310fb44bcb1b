import type { CommandContext } from '../command-spec.js';
import { nodeLabelFor, type NodeLabel } from '../output/node-label.js';

/** How tables name the nodes of a formation of this kind. */
export function labelOf(kind: string | undefined, context: CommandContext): NodeLabel {
  const roles =
    kind !== undefined && context.host.kinds().includes(kind) ? context.host.plugin(kind).roles : [];
  return nodeLabelFor(roles.length > 0 && roles.every((role) => role.groups.to === 0) ? 'one' : 'several');
}
