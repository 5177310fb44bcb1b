import { EXIT, UserError } from '@pgaf/core/errors';
import type { KeeperState } from './state-file.js';

/** The monitor has no row of this node. */
export function unknownNode({ nodeId, name }: KeeperState): UserError {
  return new UserError(`The monitor knows no node ${nodeId} "${name}".`, {
    code: 'node-unknown',
    exit: EXIT.fatal,
    hint: 'It was removed there; remove it here too with `pgaf drop node --destroy`, and create it again.',
  });
}

/** An answer of the monitor that says so. */
export function isUnknownNode(error: unknown): boolean {
  return error instanceof Error && 'sqlstate' in error && error.sqlstate === '42704';
}
