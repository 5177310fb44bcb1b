import { EXIT, type ExitStatus } from '@pgaf/core/errors';
import { connectionOf } from '@pgaf/core/states';
import { readStateFile } from '@pgaf/keeper/state-file';
import { clientsAreRejected } from '@pgaf/postgres/closed-hba';
import { postmasterStatus } from '@pgaf/postgres/postmaster';
import type { CommandContext } from '../command-spec.js';
import { readNode, type ConfiguredNode } from '../node-files.js';
import { readPidFile } from '../pid-file.js';

export interface ReadyFlags {
  readonly pgdata?: string | undefined;
}

/** Why a node takes no part, with the status of `pgaf status` for it. */
interface Absence {
  readonly reason: string;
  readonly exit: ExitStatus;
}

/**
 * Exit 0 when the service runs, its Postgres lets clients in and, of a node, its state takes reads or writes. Nothing but
 * its own files is asked, so a monitor that is away makes nobody else look ill.
 */
export async function isReady(flags: ReadyFlags, context: CommandContext): Promise<ExitStatus> {
  const node = await readNode(flags.pgdata, context);
  const absence = await absenceOf(node);
  if (absence === null) {
    context.print(
      `ready: ${node.role === 'monitor' ? 'monitor' : readStateFile(node.paths.state)?.current}\n`,
    );
    return EXIT.ok;
  }
  const waiting = readPidFile(node.paths.pid)?.service.waiting ?? null;
  context.print(`not ready: ${absence.reason}${waiting === null ? '' : `; waiting: ${waiting}`}\n`);
  return absence.exit;
}

async function absenceOf({ role, paths }: ConfiguredNode): Promise<Absence | null> {
  const found = readPidFile(paths.pid);
  if (!found?.alive) return { reason: 'its service does not run', exit: EXIT.badState };
  if (found.service.services.length === 0)
    return { reason: 'its service is not up yet', exit: EXIT.badState };
  const status = await postmasterStatus(paths.pgdata);
  if (status !== 'ready') return { reason: `its Postgres is ${status}`, exit: EXIT.pgctl };
  if (role === 'monitor') return null;
  if (clientsAreRejected(paths.pgdata)) return { reason: 'its Postgres rejects clients', exit: EXIT.pgctl };
  const state = readStateFile(paths.state)?.current ?? null;
  if (state === null || connectionOf(state) === 'none')
    return { reason: `it is ${state ?? 'not registered'}`, exit: EXIT.badState };
  return null;
}
