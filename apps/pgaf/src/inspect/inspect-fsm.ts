import type { KeeperEdge } from '@pgaf/plugin-api/edges';
import { EXIT, UserError, type ExitStatus } from '@pgaf/core/errors';
import { faultsOfRules, unreachableGoals } from '@pgaf/fsm/checks';
import { edgesAsMermaid, stepsText } from '@pgaf/fsm/diagrams';
import type { EdgeTable } from '@pgaf/fsm/edge-table';
import type { CommandContext } from '../command-spec.js';
import { readNode } from '../node-files.js';
import { jsonText } from '../output/json-text.js';
import { formatTable, type Column } from '../output/text-table.js';
import { registeredState } from '../registered-state.js';

export interface FsmFlags {
  readonly pgdata?: string | undefined;
  readonly kind?: string | undefined;
  readonly role?: string | undefined;
}

export interface FsmJsonFlags extends FsmFlags {
  readonly json: boolean;
}

const COLUMNS: readonly Column[] = [
  { title: 'Current State', width: 19 },
  { title: 'Assigned State', width: 19 },
  { title: 'Steps', width: 40, left: true },
];

/** Of a node: the ways that lead from where it is. Else, and as JSON, all ways of a role. */
export async function listFsm(flags: FsmJsonFlags, context: CommandContext): Promise<void> {
  const { edges, current } = await machineOf(flags, context);
  const all = [...edges.values()];
  if (flags.json) return context.print(jsonText(all.map(plain)));
  const from = current === null ? all : all.filter((edge) => edge.from === current);
  context.print(
    formatTable(
      COLUMNS,
      from.map((edge) => [edge.from, edge.to, stepsText(edge)]),
    ),
  );
}

/** All ways of a role, as a diagram for Mermaid. */
export async function drawFsm(flags: FsmFlags, context: CommandContext): Promise<void> {
  const { edges } = await machineOf(flags, context);
  context.print(`${edgesAsMermaid(edges)}\n`);
}

/** Whether a keeper of every role knows a way to whatever the monitor can assign to it; exit 12 when not. */
export async function checkFsm({ json }: FsmJsonFlags, { host, print }: CommandContext): Promise<ExitStatus> {
  const mismatches = host.kinds().flatMap((kind) => {
    const book = host.ruleBook(kind);
    const ofRules = faultsOfRules(book).map((fault) => ({ kind, role: null, fault }));
    const ofEdges = host
      .plugin(kind)
      .roles.flatMap(({ name: role }) =>
        unreachableGoals(book, host.edgeTable(kind, role)).map((fault) => ({ kind, role, fault })),
      );
    return [...ofRules, ...ofEdges];
  });
  const ok = mismatches.length === 0;
  if (json) print(jsonText({ ok, mismatches }));
  else if (ok) print(`The rules and the edges of ${host.kinds().join(', ')} fit together.\n`);
  else
    for (const { kind, role, fault } of mismatches)
      print(`${role === null ? kind : `${kind} ${role}`}: ${fault}\n`);
  return ok ? EXIT.ok : EXIT.internal;
}

/** The edges of --kind and --role, else those of the node of --pgdata with its state, else those of the first kind. */
async function machineOf(
  flags: FsmFlags,
  context: CommandContext,
): Promise<{ readonly edges: EdgeTable; readonly current: string | null }> {
  const { host } = context;
  if (flags.pgdata !== undefined && flags.kind === undefined && flags.role === undefined) {
    const node = await readNode(flags.pgdata, context);
    if (node.role === 'keeper') {
      const { kind, role, current } = registeredState(node.paths);
      return { edges: host.edgeTable(kind, role), current };
    }
  }
  const kind = flags.kind ?? host.kinds()[0] ?? '';
  const roles = host.plugin(kind).roles.map(({ name }) => name);
  const role = flags.role ?? roles[0] ?? '';
  if (!roles.includes(role)) throw unknownRole(kind, role, roles);
  return { edges: host.edgeTable(kind, role), current: null };
}

function plain({ from, to, steps }: KeeperEdge): object {
  return {
    from,
    to,
    steps: steps.map((step) => (step.do === 'plugin' ? `${step.kind}:${step.step}` : step.do)),
  };
}

function unknownRole(kind: string, role: string, roles: readonly string[]): UserError {
  return new UserError(`Formations of kind "${kind}" have no role "${role}".`, {
    code: 'unknown-role',
    exit: EXIT.badArguments,
    hint: `Give one of: ${roles.join(', ')}.`,
  });
}
