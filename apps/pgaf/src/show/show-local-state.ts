import { EXIT, UserError } from '@pgaf/core/errors';
import { formatLsn, maxLsn } from '@pgaf/core/lsn';
import { connectionOf } from '@pgaf/core/states';
import { findBindir } from '@pgaf/postgres/binaries';
import { readControlData } from '@pgaf/postgres/control-data';
import { postmasterStatus } from '@pgaf/postgres/postmaster';
import type { CommandContext } from '../command-spec.js';
import { readNode } from '../node-files.js';
import { jsonText } from '../output/json-text.js';
import { stateTable } from '../output/state-table.js';
import { readPidFile } from '../pid-file.js';
import { registeredState } from '../registered-state.js';
import { labelOf } from './node-labels.js';

export interface ShowLocalStateFlags {
  readonly pgdata?: string | undefined;
  readonly json: boolean;
}

/** Whether the local Postgres takes connections. */
type Reachable = 'yes' | 'no' | 'unknown';

const HEALTH: Readonly<Record<Reachable, number>> = { yes: 1, no: 0, unknown: -1 };

/** What a node knows of itself, from its own files: its state, where its data are, whether its Postgres is up. */
export async function showLocalState(flags: ShowLocalStateFlags, context: CommandContext): Promise<void> {
  const { role, config, paths } = await readNode(flags.pgdata, context);
  if (role === 'monitor') throw noStateOfItsOwn();
  const state = registeredState(paths);
  const bindir = await findBindir({ pgCtl: config.postgresql.pgCtl, env: context.env });
  // A node that is being created, or copied anew, has none.
  const control = await readControlData(bindir, paths.pgdata).catch(() => null);
  const timeline = Math.max(state.tli, control?.timeline ?? 0, control?.minRecoveryTimeline ?? 0);
  // A primary has no end of recovery, and a standby may be past its last checkpoint.
  const lsn = formatLsn(maxLsn(control?.minRecoveryEnd ?? 0n, control?.checkpointLsn ?? 0n));
  const service = readPidFile(paths.pid);
  const waiting = service?.alive ? service.service.waiting : null;
  const reachable = await isReachable(paths.pgdata);
  const host = config.pgAutoctl.hostname ?? '';
  const { port } = config.postgresql;
  if (flags.json) {
    const value = {
      node_id: state.nodeId,
      group_id: state.group,
      nodename: state.name,
      nodehost: host,
      nodeport: port,
      current_group_state: state.current,
      assigned_group_state: state.goal,
      timeline,
      'Minimum Recovery Ending LSN': lsn,
      reachable,
      waiting,
      conntype: connectionOf(state.current),
    };
    context.print(jsonText(value));
    return;
  }
  const row = {
    formation_kind: state.kind,
    nodename: state.name,
    nodehost: host,
    nodeport: port,
    group_id: state.group,
    node_id: state.nodeId,
    current_group_state: state.current,
    assigned_group_state: state.goal,
    reported_tli: timeline,
    reported_lsn: lsn,
    health: HEALTH[reachable],
  };
  context.print(stateTable([row], labelOf(state.kind, context)));
  if (waiting !== null) context.print(`Node ${state.nodeId} "${state.name}": waiting: ${waiting}\n\n`);
}

async function isReachable(pgdata: string): Promise<Reachable> {
  const status = await postmasterStatus(pgdata);
  if (status === 'starting') return 'unknown';
  return status === 'ready' || status === 'standby' ? 'yes' : 'no';
}

function noStateOfItsOwn(): UserError {
  return new UserError('A monitor has no state of its own.', {
    code: 'no-local-state',
    exit: EXIT.badArguments,
    hint: 'Give the --pgdata of a node, or leave --local out.',
  });
}
