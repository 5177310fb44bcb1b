import type { KeeperConfig } from '@pgaf/config/settings';
import type { NodePaths } from '@pgaf/config/paths';
import { EXIT, UserError } from '@pgaf/core/errors';
import { readStateFile } from '@pgaf/keeper/state-file';
import type { RoleDefinition } from '@pgaf/plugin-api';

/**
 * A node that is registered stays in its formation and group; its name and its place may change.
 * @throws UserError `registered-otherwise` for an option that says something else.
 */
export function requireSameNode(
  paths: NodePaths,
  { name: role }: RoleDefinition,
  { pgAutoctl }: KeeperConfig,
): void {
  const state = readStateFile(paths.state);
  if (state === null || state.current === 'dropped') return;
  const choices = [
    ['the role', state.role, role],
    ['--formation', state.formation, pgAutoctl.formation],
    ['--group', state.group, pgAutoctl.group],
  ] as const;
  for (const [flag, before, now] of choices) {
    if (now === undefined || before === now) continue;
    throw new UserError(
      `The node of "${paths.pgdata}" is registered with ${flag} ${before}, so it cannot be created with ${now}.`,
      {
        code: 'registered-otherwise',
        exit: EXIT.badState,
        hint: `Resume that node with ${flag} as it was, or drop it first.`,
      },
    );
  }
}
