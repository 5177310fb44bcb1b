import type { NodePaths } from '@pgaf/config/paths';
import { EXIT, PgafError } from '@pgaf/core/errors';
import { readStateFile, type KeeperState } from '@pgaf/keeper/state-file';

/** What a node remembers of itself. @throws PgafError `not-registered`, exit 3, when it has no state file. */
export function registeredState(paths: NodePaths): KeeperState {
  const state = readStateFile(paths.state);
  if (state) return state;
  throw new PgafError(`The node of "${paths.pgdata}" is not registered: there is no ${paths.state}.`, {
    code: 'not-registered',
    exit: EXIT.badState,
    hint: 'Run the `pgaf create` of this node again.',
  });
}
