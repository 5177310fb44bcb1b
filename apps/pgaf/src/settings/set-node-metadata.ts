import { hostAndPort } from '@pgaf/core/host-and-port';
import { EXIT, UserError } from '@pgaf/core/errors';
import type { CommandContext } from '../command-spec.js';
import { checkNames } from '../create/check-names.js';
import { readNode } from '../node-files.js';
import { jsonText } from '../output/json-text.js';
import { readPidFile } from '../pid-file.js';
import { registeredState } from '../registered-state.js';
import { moveNode, type PlaceFlags } from '../service/move-node.js';
import { sendSignal } from '../service/send-signal.js';

export interface MetadataFlags extends PlaceFlags {
  readonly pgdata?: string | undefined;
  readonly json: boolean;
}

/** Gives the node of the data directory another name or address: at the monitor, in its configuration, in its service. */
export async function setNodeMetadata(flags: MetadataFlags, context: CommandContext): Promise<void> {
  const { name, hostname, pgport } = flags;
  if (name === undefined && hostname === undefined && pgport === undefined) throw nothingGiven();
  const node = await readNode(flags.pgdata, context);
  if (node.role === 'monitor') throw ofNoNode(node.paths.pgdata);
  await checkNames({ hostname, name }, context.log);
  const moved = await moveNode(node, { name, hostname, pgport }, context);
  if (moved.role === 'monitor') throw ofNoNode(node.paths.pgdata);
  const running = readPidFile(moved.paths.pid);
  if (running?.alive) sendSignal(running.service.pid, 'SIGHUP');
  const state = registeredState(moved.paths);
  const is = {
    node_id: state.nodeId,
    name: name ?? moved.config.pgAutoctl.name ?? state.name,
    hostname: moved.config.pgAutoctl.hostname ?? '',
    pgport: moved.config.postgresql.port,
  };
  context.print(flags.json ? jsonText(is) : `${is.name} ${hostAndPort(is.hostname, is.pgport)}\n`);
}

function nothingGiven(): UserError {
  return new UserError('It is not said what to change.', {
    code: 'nothing-given',
    exit: EXIT.badArguments,
    hint: 'Give --name, --hostname or --pgport.',
  });
}

function ofNoNode(pgdata: string): UserError {
  return new UserError(`"${pgdata}" is a monitor, and no node of a formation.`, {
    code: 'other-role',
    exit: EXIT.badState,
    hint: 'Give the --pgdata of a node.',
  });
}
