import { hostAndPort } from '@pgaf/core/host-and-port';
import { isState, type State } from '@pgaf/core/states';
import { whyNoRegion } from '@pgaf/core/names';
import { addNode } from '@pgaf/fsm/add-node';
import { emptyGroup } from '@pgaf/fsm/empty-group';
import type { Refusal } from '@pgaf/fsm/command-decision';
import type { GroupSnapshot, NodeSnapshot } from '@pgaf/plugin-api/snapshot';
import type { Plugin } from '@pgaf/plugin-api/plugin';
import type { Client } from 'pg';
import type { Command } from './command-queue.js';
import type { Acceptance, CommandContext } from './command-handlers.js';
import { writeGroup } from './decision-store.js';
import { loadGroupsOf } from './group-store.js';
import {
  conflictingNode,
  insertNode,
  loadFormation,
  nextNodeId,
  otherSystemIdentifier,
  type ExistingNode,
  type FormationRow,
} from './registered-nodes.js';
import { refuseAddress, refuseName } from './node-place.js';
import { requireTerm } from './term.js';
import { refuseUnknownFormation } from './unknown-formation.js';

/** The arguments of `register_node` as `submit` packs them. */
interface Request {
  readonly host: string;
  readonly port: number;
  readonly dbname: string;
  readonly name: string;
  readonly sysidentifier: bigint;
  readonly nodeId: number | null;
  readonly group: number | null;
  readonly initialState: State;
  readonly role: string;
  readonly candidatePriority: number;
  readonly quorum: boolean;
  readonly cluster: string;
  readonly region: string;
}

/** Words of `node_kind` that are no roles of ours; every other word is a role's name. */
const ROLE_OF_NODE_KIND: Readonly<Record<string, string>> = {
  standalone: 'node',
  unknown: 'node',
  '': 'node',
};

/**
 * Gives a new node its id, group, name and first goal. A keeper that was cut off before it could write down
 * the answer may ask again and gets the same one.
 */
export async function registerNode(context: CommandContext, command: Command): Promise<Acceptance | Refusal> {
  const { client, kinds } = context;
  const request = requestOf(command);
  const formation = await loadFormation(client, command.formation);
  if (!formation) return refuseUnknownFormation('42P17', command.formation);
  const owner = kinds.roleOwner(request.role);
  if (!owner) {
    return refuse('22023', `no formation kind that this monitor knows has the role "${request.role}"`, {
      hint: 'Install the plugin that has it on the monitor too.',
    });
  }

  const conflict = await conflictingNode(client, formation.formationid, request);
  if (conflict) {
    return isSameRegistration(conflict, formation, request)
      ? { tag: 'accepted', answer: answerOf(conflict), write: async () => {}, touched: [] }
      : refuseConflict(conflict, request);
  }
  const misfit = misfitOf(formation, owner.plugin, request);
  if (misfit) return misfit;
  return placeNode(
    context,
    { ...formation, kind: owner.plugin.kind, dbname: request.dbname },
    owner.plugin,
    request,
  );
}

async function placeNode(
  { client, term, timings, contacts }: CommandContext,
  formation: FormationRow,
  plugin: Plugin,
  request: Request,
): Promise<Acceptance | Refusal> {
  const own = contacts.date(await loadGroupsOf(client, timings, formation.formationid));
  const placement = plugin.assignGroup({
    role: request.role,
    cluster: request.cluster,
    wantedGroup: request.group,
    secondary: formation.opt_secondary,
    groups: own
      .map(({ snapshot }) => ({ group: snapshot.group, nodes: stayingNodes(snapshot) }))
      .filter(({ nodes }) => nodes > 0),
  });
  if (placement.tag === 'refused') return refuse('XX000', placement.reason, { hint: placement.hint });

  const before = own.find(({ snapshot }) => snapshot.group === placement.group)?.snapshot;
  const now = own[0]?.snapshot.now ?? formation.now;
  const about = { now, timings, formation: formationOf(formation, before), group: placement.group };
  const group = before ? { ...before, formation: about.formation } : emptyGroup(about);
  const registration = {
    ...request,
    formation: formation.formationid,
    group: placement.group,
    position: stayingNodes(group),
  };
  const wrong = refuseName(request.name || null) ?? refuseAddress(request.host, request.port);
  if (wrong) return wrong;
  const why = whyNoRegion(request.region);
  if (why !== null)
    return refuse('22023', `the region "${request.region}" ${why}`, { hint: 'Give another name.' });
  const invalid = plugin.validateNode?.(registration);
  if (invalid?.tag === 'refused') return refuse('22023', invalid.reason, { hint: invalid.hint });

  const id = request.nodeId ?? (await nextNodeId(client));
  const name = request.name || plugin.nodeName({ ...registration, id });
  const taken = await conflictingNode(client, formation.formationid, { ...request, name });
  if (taken) return refuseConflict(taken, { ...request, name });
  const other = await otherSystemIdentifier(
    client,
    formation.formationid,
    placement.group,
    request.sysidentifier,
  );
  if (other !== null) {
    return refuse(
      '23P01',
      `the data directory of ${hostAndPort(request.host, request.port)} is of another system than group ${placement.group}`,
      {
        detail: `Its system identifier is ${request.sysidentifier}, the group's is ${other}.`,
        hint: 'Empty the data directory, so that the node can be copied from the primary.',
      },
    );
  }

  const placed = addNode(group, newNode(id, name, request));
  if (placed.tag === 'refused') return placed;
  if (request.initialState !== 'init' && request.initialState !== placed.goal) {
    return refuseInitialState(request, placement.group, placed.goal);
  }
  const node: ExistingNode = {
    ...newNode(id, name, request),
    group: placement.group,
    formation: formation.formationid,
    goal: placed.goal,
    serial: 0,
  };
  return {
    tag: 'accepted',
    answer: answerOf(node),
    touched: [{ formation: formation.formationid, group: placement.group }],
    write: async () => {
      await requireTerm(client, term);
      await adoptFormation(
        client,
        { ...formation, number_sync_standbys: placed.group.formation.numberSyncStandbys },
        plugin,
      );
      await insertNode(client, { ...node, sysidentifier: request.sysidentifier, region: request.region });
      await writeGroup(client, placed.group, []);
    },
  };
}

/** What a Postgres is already cannot be undone by registering it. */
function refuseInitialState({ initialState }: Request, group: number, goal: State): Refusal {
  if (initialState === 'single' && goal === 'wait_standby') {
    return refuse('XX000', `group ${group} has a primary, so a Postgres that takes writes cannot join it`, {
      hint: 'Register it in a formation or group of its own; or stop it, and it becomes a standby if its data are of the same system.',
    });
  }
  if (initialState === 'wait_standby' && goal === 'single') {
    return refuse('XX000', `group ${group} has no primary yet, and a standby cannot be its first node`, {
      hint: 'Register the primary that it follows first; or promote it before, if it is to be the primary.',
    });
  }
  return refuse(
    'XX000',
    `a node that is ${initialState} cannot be registered: it would have to become ${goal}`,
    {
      hint: 'Register an empty data directory, or another group.',
    },
  );
}

/** A formation without nodes takes the kind and the database of its first one. */
function misfitOf(formation: FormationRow, plugin: Plugin, request: Request): Refusal | null {
  if (formation.nodes === 0) return null;
  if (formation.kind !== plugin.kind) {
    return refuse(
      'XX000',
      `formation "${formation.formationid}" is of kind ${formation.kind} and takes no node of kind ${plugin.kind}`,
      {
        hint: 'Create the node in a formation of its own kind.',
      },
    );
  }
  if (formation.dbname !== request.dbname) {
    return refuse(
      'XX000',
      `formation "${formation.formationid}" has the database "${formation.dbname}", not "${request.dbname}"`,
      {
        hint: `Create the node with --dbname ${formation.dbname}.`,
      },
    );
  }
  return null;
}

async function adoptFormation(client: Client, formation: FormationRow, plugin: Plugin): Promise<void> {
  await client.query(
    `UPDATE pgautofailover.formation SET kind = $2, dbname = $3, number_sync_standbys = $4, urigroup = $5
     WHERE formationid = $1`,
    [
      formation.formationid,
      formation.kind,
      formation.dbname,
      formation.number_sync_standbys,
      plugin.uriGroup ?? 0,
    ],
  );
}

/** Asked again by the keeper that was answered already: by its id, or before its first report. */
function isSameRegistration(existing: ExistingNode, formation: FormationRow, request: Request): boolean {
  return (
    existing.formation === formation.formationid &&
    existing.host === request.host &&
    existing.port === request.port &&
    existing.role === request.role &&
    existing.goal !== 'dropped' &&
    (request.name === '' || request.name === existing.name) &&
    (request.nodeId === existing.id || (request.nodeId === null && existing.serial === 0))
  );
}

function refuseConflict(existing: ExistingNode, request: Request): Refusal {
  const who = `node ${existing.id} "${existing.name}" (${hostAndPort(existing.host, existing.port)}) of formation "${existing.formation}"`;
  const leaving = existing.goal === 'dropped';
  if (existing.host === request.host && existing.port === request.port) {
    return refuse('23505', `${hostAndPort(request.host, request.port)} is registered already: it is ${who}`, {
      hint: leaving
        ? 'It is being dropped; try again when it is gone.'
        : 'Choose another port or host, or drop that node first.',
    });
  }
  if (request.name === existing.name) {
    return refuse('23505', `the name "${request.name}" is taken already by ${who}`, {
      hint: 'Choose another name with --name.',
    });
  }
  return refuse('23505', `the node id ${existing.id} is taken already by ${who}`, {
    hint: 'Register without an id.',
  });
}

function answerOf(
  node: Pick<ExistingNode, 'id' | 'group' | 'goal' | 'candidatePriority' | 'quorum' | 'name'>,
) {
  const { id, group, goal, candidatePriority, quorum, name } = node;
  return { nodeId: id, group, goal, candidatePriority, quorum, name };
}

function stayingNodes(group: GroupSnapshot): number {
  return group.nodes.filter((node) => node.goal !== 'dropped').length;
}

function formationOf(row: FormationRow, before: GroupSnapshot | undefined): GroupSnapshot['formation'] {
  return {
    id: row.formationid,
    kind: row.kind,
    dbname: row.dbname,
    numberSyncStandbys: before?.formation.numberSyncStandbys ?? row.number_sync_standbys,
    partitionPolicy: row.partition_policy,
    secondary: row.opt_secondary,
  };
}

function newNode(id: number, name: string, request: Request): NodeSnapshot {
  return {
    id,
    name,
    host: request.host,
    port: request.port,
    role: request.role,
    cluster: request.cluster,
    // What it is already, it says itself, by its first report.
    reported: 'init',
    goal: 'init',
    candidatePriority: request.candidatePriority,
    quorum: request.quorum,
    changedAt: 0,
    paused: false,
    report: { at: null, postgresRunning: false, tli: 1, lsn: 0n, facts: {} },
    seen: { health: 'unknown', healthSince: 0, refused: false, session: 'unknown' },
  };
}

function requestOf({ arguments: given }: Command): Request {
  const kind = String(given['kind'] ?? '');
  const initial = String(given['initialState']);
  return {
    host: String(given['host']),
    port: Number(given['port']),
    dbname: String(given['dbname']),
    name: String(given['name'] ?? ''),
    sysidentifier: BigInt(String(given['sysidentifier'] ?? '0')),
    nodeId: given['nodeId'] === null ? null : Number(given['nodeId']),
    group: given['group'] === null ? null : Number(given['group']),
    initialState: isState(initial) ? initial : 'init',
    role: String(given['role'] ?? '') || (ROLE_OF_NODE_KIND[kind] ?? kind),
    candidatePriority: Number(given['candidatePriority']),
    quorum: given['quorum'] === true,
    cluster: String(given['cluster'] ?? 'default'),
    region: String(given['region'] ?? 'default'),
  };
}

function refuse(sqlstate: string, message: string, more: { detail?: string; hint?: string }): Refusal {
  return { tag: 'refused', sqlstate, message, ...more };
}
