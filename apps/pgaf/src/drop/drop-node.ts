import { rm } from 'node:fs/promises';
import { EXIT, PgafError, UserError } from '@pgaf/core/errors';
import { FAST_STOP } from '@pgaf/core/fast-stop';
import { readStateFile, type KeeperState } from '@pgaf/keeper/state-file';
import { stopPostmaster } from '@pgaf/postgres/stop-postmaster';
import { openMonitor, type CommandSession } from '../command-session.js';
import type { CommandContext } from '../command-spec.js';
import { requireFormation } from '../known-formation.js';
import { nodePaths, readNode, type ConfiguredNode, type KeeperNode } from '../node-files.js';
import { readPidFile } from '../pid-file.js';
import { findMonitor, withMonitor, type MonitorFlags } from '../reach-monitor.js';
import { shellWord } from '@pgaf/core/shell-word';
import { until } from '../wait-until.js';
import { awaitServiceEnd } from './await-service-end.js';
import { destroyFiles, removeFoldersLeftEmpty } from './destroy-files.js';
import { orderRemoval } from './order-removal.js';

export interface DropFlags extends MonitorFlags {
  readonly name?: string | undefined;
  readonly hostname?: string | undefined;
  readonly pgport?: number | undefined;
  readonly destroy: boolean;
  readonly force: boolean;
  /** Seconds until the order is possible, and again until the node is gone; 0 does not wait. */
  readonly wait: number;
  readonly 'no-wait': boolean;
}

/** Drops the node of --pgdata, or the one that --name or --hostname and --pgport name. */
export async function dropNode(given: DropFlags, context: CommandContext): Promise<void> {
  const flags = given['no-wait'] ? { ...given, wait: 0 } : given;
  if (flags.name === undefined && flags.hostname === undefined && flags.pgport === undefined) {
    const isHere = flags.monitor === undefined && Boolean(flags.pgdata ?? context.env['PGDATA']);
    if (!isHere) throw whichNode();
    const node = await nodeHere(flags, context);
    if (node.role === 'monitor') throw whichNode();
    await dropHere(node, flags, context);
    return;
  }
  if (flags.destroy) {
    throw new UserError('--destroy removes files, so it works on the node itself only.', {
      code: 'destroy-elsewhere',
      exit: EXIT.badArguments,
      hint: 'Run it there: pgaf drop node --destroy --pgdata …',
    });
  }
  await withMonitor(flags, context, async (session, place) => {
    const id = await idOf(session, flags, place.formation);
    await orderRemoval(session, id, { force: flags.force, wait: flags.wait * 1000 }, context.log);
    if (flags.wait === 0) {
      context.log.info(`Ordered; \`pgaf show state\` lists node ${id} until it is gone`);
      return;
    }
    await awaitGone(session, id, flags.wait);
    context.log.info(`Node ${id} is dropped`);
  });
}

/** Of one whose removal was cut off at its end nothing can be read, and what is left of it goes now. */
async function nodeHere(flags: DropFlags, context: CommandContext): Promise<ConfiguredNode> {
  try {
    return await readNode(flags.pgdata, context);
  } catch (error) {
    const isGone = error instanceof UserError && error.code === 'no-configuration';
    if (isGone && flags.destroy) removeFoldersLeftEmpty(nodePaths(flags.pgdata, context));
    throw error;
  }
}

async function dropHere(node: KeeperNode, flags: DropFlags, context: CommandContext): Promise<void> {
  const { paths } = node;
  const state = readStateFile(paths.state);
  if (state === null) warnOfForgottenState(node, context);
  // Until its row is gone a primary that was dropped may have what nobody else has, and be ordered back.
  if (state !== null && !(state.current === 'dropped' && flags.force)) {
    await leaveFormation(node, state, flags, context);
  }
  await stopPostmaster(paths.pgdata, { mode: 'fast', immediateAfterMs: FAST_STOP });
  await rm(paths.state, { force: true });
  if (state !== null) context.log.info(`The node of "${paths.pgdata}" is dropped`);
  if (flags.destroy) await destroyFiles(paths, context);
}

async function leaveFormation(
  node: KeeperNode,
  state: KeeperState,
  flags: DropFlags,
  context: CommandContext,
): Promise<void> {
  const { paths } = node;
  const isServed = readPidFile(paths.pid)?.alive === true;
  const place = await findMonitor({ ...flags, pgdata: paths.pgdata }, context);
  const session = await openMonitor(place, context.log).catch((error: unknown) => {
    if (!(error instanceof PgafError && error.code === 'cannot-connect')) throw error;
    // The monitor may have been dropped before its nodes.
    if (!flags.force || isServed) throw cannotTellMonitor(node, error);
    context.log.warn('The monitor cannot be reached, and lists this node until it is dropped there by name', {
      error,
    });
    return null;
  });
  if (session === null) return;
  try {
    const isKnown = await exists(session, state.nodeId);
    if (!isServed && !flags.force && (await leadsOthers(session, state.nodeId))) throw cannotHandOver(node);
    // A node whose service is down has no part in its leaving, so it is forgotten.
    if (isKnown && state.current !== 'dropped') {
      const order = { force: flags.force || !isServed, wait: flags.wait * 1000 };
      await orderRemoval(session, state.nodeId, order, context.log);
    }
    await awaitServiceEnd(paths, context, () => refuseWhenOrderedBack(session, state.nodeId));
    if (isKnown && flags.wait > 0) {
      await awaitGone(session, state.nodeId, flags.wait);
      // One that was killed may have been started again since, to say that its node has stopped.
      await awaitServiceEnd(paths, context);
    }
  } finally {
    await session.close();
  }
}

function cannotTellMonitor({ paths }: KeeperNode, cause: PgafError): PgafError {
  return new PgafError('The monitor cannot be told that this node leaves.', {
    code: 'monitor-away',
    exit: EXIT.monitor,
    hint: `If it does not come back: pgaf stop --pgdata ${shellWord(paths.pgdata)}, and drop the node with --force.`,
    cause,
  });
}

/** Without the file nobody knows which row of the monitor was this node's, if any. */
function warnOfForgottenState({ paths, config }: KeeperNode, { log }: CommandContext): void {
  const { name, formation } = config.pgAutoctl;
  const byName = `pgaf drop node --formation ${shellWord(formation)} --name ${shellWord(name ?? 'NAME')}`;
  log.warn(
    `There is no ${paths.state}, so the monitor is not asked; if \`pgaf show state\` lists this node, drop it by name: ${byName}`,
  );
}

async function idOf(session: CommandSession, flags: DropFlags, formation: string): Promise<number> {
  if (flags.name === undefined && (flags.hostname === undefined || flags.pgport === undefined))
    throw whichNode();
  await requireFormation(session, formation);
  const rows = await session.query<{ id: number }>(
    `SELECT nodeid::int AS id FROM pgautofailover.node
      WHERE formationid = $1 AND ($2::text IS NULL OR nodename = $2)
        AND ($3::text IS NULL OR nodehost = $3) AND ($4::int IS NULL OR nodeport = $4)`,
    [formation, flags.name ?? null, flags.hostname ?? null, flags.pgport ?? null],
  );
  if (rows[0]) return rows[0].id;
  const wanted = flags.name === undefined ? `at ${flags.hostname}:${flags.pgport}` : `named "${flags.name}"`;
  throw new UserError(`The formation "${formation}" has no node ${wanted}.`, {
    code: 'unknown-node',
    exit: EXIT.badArguments,
    hint: '`pgaf show state` lists the nodes.',
  });
}

async function exists(session: CommandSession, id: number): Promise<boolean> {
  const rows = await session.query('SELECT FROM pgautofailover.node WHERE nodeid = $1', [id]);
  return rows.length > 0;
}

/** Whether others follow this node: what it alone has goes with it when it is forgotten. */
async function leadsOthers(session: CommandSession, id: number): Promise<boolean> {
  const rows = await session.query(
    `SELECT FROM pgautofailover.node AS other JOIN pgautofailover.group_state USING (formationid, groupid)
      WHERE leader = $1 AND other.nodeid <> $1`,
    [id],
  );
  return rows.length > 0;
}

function cannotHandOver({ paths }: KeeperNode): PgafError {
  return new PgafError(
    'This node is the primary of its group and cannot hand over: its service does not run.',
    {
      code: 'primary-down',
      exit: EXIT.badState,
      hint: `Start it first: pgaf run --pgdata ${shellWord(paths.pgdata)}; or use --force and give up what only this node has.`,
    },
  );
}

/** @throws PgafError `drop-given-up` when the monitor wants a node that was to leave to stay. */
async function refuseWhenOrderedBack(session: CommandSession, id: number): Promise<void> {
  const [row] = await session.query<{ goal: string }>(
    'SELECT goalstate::text AS goal FROM pgautofailover.node WHERE nodeid = $1',
    [id],
  );
  if (row === undefined || row.goal === 'dropped') return;
  const [last] = await session.query<{ description: string; gaveUp: boolean }>(
    `SELECT description, rule = 'keeper.giveUp' AS "gaveUp" FROM pgautofailover.event
      WHERE nodeid = $1 AND rule = ANY ('{keeper.giveUp,leader.reopen,leader.reopenAhead}') ORDER BY eventid DESC LIMIT 1`,
    [id],
  );
  if (last?.gaveUp) {
    throw new PgafError(`${last.description.charAt(0).toUpperCase()}${last.description.slice(1)}.`, {
      code: 'drop-given-up',
      exit: EXIT.badState,
      hint: 'Drop it again when that is mended; nothing was stopped.',
    });
  }
  throw new PgafError(`Node ${id} was ordered back to be ${row.goal}, and is not dropped.`, {
    code: 'drop-given-up',
    exit: EXIT.badState,
    hint: 'It may have commits that no other node has. Drop it again when `pgaf show state` is calm.',
  });
}

async function awaitGone(session: CommandSession, id: number, seconds: number): Promise<void> {
  const gone = async (): Promise<boolean> => {
    if (!(await exists(session, id))) return true;
    await refuseWhenOrderedBack(session, id);
    return false;
  };
  if (await until(gone, seconds * 1000)) return;
  throw new PgafError(`Node ${id} is still leaving after ${seconds} s.`, {
    code: 'node-stays',
    exit: EXIT.internal,
    hint: 'Its keeper must be running to leave; --force forgets a node that cannot.',
  });
}

function whichNode(): UserError {
  return new UserError('It is not said which node to drop.', {
    code: 'which-node',
    exit: EXIT.badArguments,
    hint: 'Give --name, or --hostname and --pgport; or --pgdata, on the node itself.',
  });
}
