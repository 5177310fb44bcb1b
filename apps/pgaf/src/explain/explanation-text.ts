import { hostAndPort } from '@pgaf/core/host-and-port';
import { ageText } from '../watch/ages.js';

/** As the monitor's `explain` answers; instants in ISO 8601. */
export interface ExplainedGroup {
  readonly formation: string;
  readonly group_id: number;
  readonly epoch: number;
  readonly primary_id: number | null;
  readonly now: string;
  readonly nodes: readonly ExplainedNode[];
  readonly failover: {
    readonly outlook: 'possible' | 'underWay' | 'impossible';
    readonly text: string;
    readonly reasons: readonly string[];
    readonly ways_text: string;
    readonly ways: readonly (readonly { readonly text: string }[])[];
  };
}

interface ExplainedNode {
  readonly node_id: number;
  readonly node_name: string;
  readonly node_host: string;
  readonly node_port: number;
  readonly text: string;
  readonly since: string | null;
  readonly rule: string | null;
  readonly because: string | null;
  readonly moved_at: string | null;
}

/** A line for the group, one for each node, then what becomes of it and how that would change. */
export function explanationText({
  formation,
  group_id: group,
  epoch,
  now,
  nodes,
  failover,
}: ExplainedGroup): string {
  return [
    `Group ${group} of formation "${formation}", epoch ${epoch}:`,
    ...nodes.map((node) => `  ${nodeText(node, now)}`),
    failover.text,
    // Where somebody takes over, the sentence before says all of it.
    ...(failover.outlook === 'underWay' ? [] : failover.reasons.map((reason) => `  ${reason}`)),
    ...waysText(failover),
    '',
  ].join('\n');
}

function nodeText(node: ExplainedNode, now: string): string {
  const { node_id: id, node_name: name, node_host: host, node_port: port, text, since } = node;
  const forHowLong = since === null ? '' : `, for ${ageOf(since, now)}`;
  return `node ${id} "${name}" (${hostAndPort(host, port)}): ${text}${forHowLong}${moveText(node, now)}`;
}

function moveText({ rule, because, moved_at: at }: ExplainedNode, now: string): string {
  if (rule === null || at === null) return '';
  return `; moved by ${rule} ${ageOf(at, now)} ago: ${because ?? ''}`;
}

function waysText({ ways, ways_text: head }: ExplainedGroup['failover']): string[] {
  return ways.flatMap((way, index) => [
    index === 0 ? `${head}:` : 'or once:',
    ...way.map(({ text }) => `  - ${text}`),
  ]);
}

function ageOf(instant: string, now: string): string {
  return ageText(Date.parse(now) - Date.parse(instant));
}
