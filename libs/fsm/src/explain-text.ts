import { formatDuration } from '@pgaf/core/durations';
import { shellWord } from '@pgaf/core/shell-word';
import type { Awaited, Explanation, NodeExplanation } from './explain.js';
import { designate, leaderOf, nodeOf } from './group.js';
import { isHealthy, isSilent } from './health.js';
import type { Outlook, Proof } from './outlook.js';
import { USUAL_PRIORITY, type Remedy } from './remedies.js';
import type { GroupSnapshot } from './vocabulary.js';

/** The words of `explain`. Sentences tell what is, clauses what they are about; none of them has a clock in it. */

/** Where the node is and what it waits for. */
export function textOfNode({ node, waitsFor }: Pick<NodeExplanation, 'node' | 'waitsFor'>): string {
  const told = node.reported === node.goal ? '' : `, told to be ${node.goal}`;
  const waits = waitsFor === null ? '' : `, waits for ${textOfAwaited(waitsFor)}`;
  return `${node.reported}${told}${node.paused ? ', paused' : ''}${waits}`;
}

function textOfAwaited(awaited: Awaited): string {
  switch (awaited.for) {
    case 'firstReport':
      return 'its first report';
    case 'report':
      return 'its service to be heard again';
    case 'start':
      return 'its service, which was told to stop';
    case 'resume':
      return '`pgaf resume`: its Postgres is stopped';
    case 'health':
      return 'its Postgres to answer the monitor';
    case 'primary':
      return 'a primary to follow';
    case 'stream':
      return 'the primary, which it does not hear';
    case 'standby':
      return 'a standby that acknowledges commits';
    case 'election':
      return 'the end of the election';
    case 'order':
      return 'the order to take writes';
    case 'successor':
      return 'another node to take over';
    case 'operator':
      return '`pgaf disable maintenance`';
    case 'postgres':
      return withReason('its Postgres, which does not run', awaited.because);
    case 'keeper':
      return withReason('its keeper', awaited.because);
    case 'wal':
      return `${textOfBytes(awaited.bytes)} of WAL`;
  }
}

function withReason(what: string, because: string | null): string {
  return because === null ? what : `${what}: ${because}`;
}

function textOfBytes(bytes: number): string {
  if (bytes < 10_000) return `${bytes} bytes`;
  return bytes < 10_000_000 ? `${Math.round(bytes / 1000)} kB` : `${Math.round(bytes / 1_000_000)} MB`;
}

/** Whether somebody would take over, or does, or why not. */
export function textOfOutlook({ group, outlook }: Pick<Explanation, 'group' | 'outlook'>): string {
  const leader = leaderOf(group);
  const primary = leader ? designate(leader) : 'the primary';
  switch (outlook.tag) {
    case 'possible':
      return `A failover is possible: if ${primary} were lost now, ${nameOf(group, outlook.node)} would take over.`;
    case 'underWay':
      return textOfTakeover(group, outlook, primary);
    case 'impossible':
      return leader && isHealthy(group, leader)
        ? `No failover is possible now: if ${primary} were lost, nobody would take over.`
        : `${leader ? `The monitor counts on ${primary} no more` : 'The group has no primary'}, and nobody can take over now.`;
  }
}

function textOfTakeover(
  group: GroupSnapshot,
  { node, waitsFor }: Extract<Outlook, { readonly tag: 'underWay' }>,
  primary: string,
): string {
  const successor = nameOf(group, node);
  if (waitsFor === null) return `A failover is under way: ${successor} takes over.`;
  if (waitsFor.tag === 'lease') {
    const left = formatDuration(Math.max(0, waitsFor.until - group.now));
    return `A failover is under way: ${successor} takes over once the lease of ${primary} is over, in ${left}, or its end is proved.`;
  }
  return `${successor} could take over, and does not: ${textOfProof(group, waitsFor, primary)}.`;
}

function textOfProof(group: GroupSnapshot, proof: Exclude<Proof, { tag: 'lease' }>, primary: string): string {
  switch (proof.tag) {
    case 'answers':
      return `the Postgres of ${primary} still answers the monitor`;
    case 'vouched':
      return `the keeper of ${primary} says that its Postgres runs, and does not stop it`;
    case 'hears':
      return `${nameOf(group, proof.node)} still hears from ${primary}`;
    case 'unproved':
      return `nothing proves that ${primary} takes no writes any more`;
  }
}

/** What heads the ways, each of which suffices. */
export function headOfWays({ group, outlook }: Pick<Explanation, 'group' | 'outlook'>): string {
  if (outlook.tag === 'underWay') return 'That changes once';
  const leader = leaderOf(group);
  return leader && isHealthy(group, leader) ? 'It would be possible once' : 'It has a primary again once';
}

/** One remedy as a clause after "once": what is true then, and how to get there. */
export function textOfRemedy(group: GroupSnapshot, remedy: Remedy): string {
  const command = commandOf(group, remedy);
  const by = command === null ? '' : `: \`${command}\``;
  if (remedy.do === 'addStandby') return 'a standby has joined the group: see `pgaf create --help`';
  if (remedy.do === 'acceptLoss') return `you give up what only the lost primary has${by}`;
  if (remedy.do === 'acceptTimeline') return `you decide that timeline ${remedy.tli} is the real one${by}`;
  const node = nameOf(group, remedy.node);
  const facts = nodeOf(group, remedy.node)?.report.facts;
  switch (remedy.do) {
    case 'resume':
      return `${node} is resumed${by}`;
    case 'start':
      return `${node} is heard again: run \`pgaf run\` there, or mend its network to the monitor`;
    case 'mendPostgres':
      return withReason(`the Postgres of ${node} can be started`, facts?.waitingFor ?? null);
    case 'connect':
      return withReason(
        `the Postgres of ${node} answers the monitor: see its log, and the network between them`,
        facts?.waitingFor ?? null,
      );
    case 'reconnect':
      return `${node} hears the primary: see the network between them`;
    case 'await':
      return withReason(`${node} is secondary, where its keeper takes it`, facts?.waitingFor ?? null);
    case 'awaitSetting':
      return withReason(
        `${node} has put in force what commits wait for, which its keeper does`,
        facts?.waitingFor ?? null,
      );
    case 'mendSetting':
      return `nobody else's value of synchronous_standby_names wins on ${node}: see its warning in \`pgaf show state\``;
    case 'stop':
      return `what is left of ${node} is stopped: run \`pgaf stop\` there, or stop its host`;
    case 'endMaintenance':
      return `the maintenance of ${node} is over${by}`;
    case 'raisePriority':
      return `${node} may be elected${by}`;
    case 'joinQuorum':
      return `commits wait for ${node}${by}`;
    case 'drop':
      return isKeptAlone(group, remedy.node)
        ? `you give up what only ${node} has, which is dropped${by}`
        : `${node}, if it is gone for good, is dropped${by}`;
  }
}

/** The command that an operator types for it, anywhere; null when there is none. */
export function commandOf(group: GroupSnapshot, remedy: Remedy): string | null {
  const formation = group.formation.id === 'default' ? '' : ` --formation ${shellWord(group.formation.id)}`;
  const number = group.group === 0 ? '' : ` --group ${group.group}`;
  if (remedy.do === 'addStandby') return null;
  if (remedy.do === 'acceptLoss') return `pgaf perform failover --allow-data-loss${formation}${number}`;
  if (remedy.do === 'acceptTimeline') {
    return `pgaf accept timeline --tli ${remedy.tli}${formation}${number}`;
  }
  const words = WORDS[remedy.do];
  if (words === undefined) return null;
  return `pgaf ${words} --name ${shellWord(nodeOf(group, remedy.node)?.name ?? String(remedy.node))}${formation}`;
}

const WORDS: Readonly<Partial<Record<Remedy['do'], string>>> = {
  resume: 'resume',
  endMaintenance: 'disable maintenance',
  raisePriority: `set node candidate-priority ${USUAL_PRIORITY}`,
  joinQuorum: 'set node replication-quorum true',
  drop: 'drop node --force',
};

function nameOf(group: GroupSnapshot, id: number): string {
  const node = nodeOf(group, id);
  return node ? designate(node) : `node ${id}`;
}

/** It is there, and nobody leads who would have what it has. */
function isKeptAlone(group: GroupSnapshot, id: number): boolean {
  const node = nodeOf(group, id);
  return group.leader === null && node !== null && !isSilent(group, node);
}
