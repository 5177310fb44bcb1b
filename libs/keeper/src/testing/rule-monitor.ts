import { formatLsn } from '@pgaf/core/lsn';
import type { State } from '@pgaf/core/states';
import { addNode } from '@pgaf/fsm/add-node';
import { DEFAULT_TIMINGS } from '@pgaf/fsm/default-timings';
import { emptyGroup } from '@pgaf/fsm/empty-group';
import { decideCommand, type OperatorCommand } from '@pgaf/fsm/operator';
import { baseRuleBook, type RuleBook } from '@pgaf/fsm/rule-book';
import { settle } from '@pgaf/fsm/settle';
import type { FormationView, GroupSnapshot, NodeSnapshot } from '@pgaf/plugin-api';
import type { Registration } from '@pgaf/monitor-client/monitor-client';
import type { Assignment, Report } from '@pgaf/monitor-client/reports';
import type { MonitorLink, News } from '../monitor-link.js';
import { probeLogin } from './login-probe.js';

const HEALTH_EVERY_MS = 100;

/** A monitor in this process: the real rules over one group, without a database between them and the keepers. */
export class RuleMonitor {
  group: GroupSnapshot;
  /** One line per change of a goal, and per change of a reported state. */
  readonly events: string[] = [];
  readonly #listeners = new Map<number, (news: News | null) => void>();
  /** Of each node, what was told of it last. */
  readonly #announced = new Map<number, string>();
  readonly #book: RuleBook;
  readonly #health: NodeJS.Timeout;
  /** How many reports each node has sent. */
  readonly reports = new Map<number, number>();
  /** The version of Postgres that each node has reported. */
  readonly versions = new Map<number, string>();
  /** Reports of these nodes fail as if the network did. */
  readonly unreachable = new Set<number>();
  /** So many of the next reports of these nodes fail. */
  readonly missed = new Map<number, number>();
  /** How long its answers are on their way, ms. */
  distance = 0;
  /** It says of groups that they are in motion, as one of many nodes does. */
  saysInMotion = false;
  /** Neither health checks nor the ends of sessions tell it anything. */
  seesNothing = false;

  /** With an empty book nothing is decided but by `order`. */
  constructor(book: RuleBook = baseRuleBook()) {
    this.#book = book;
    const now = performance.now();
    this.group = emptyGroup({
      now,
      timings: { ...DEFAULT_TIMINGS, serviceStartedAt: now },
      formation: {
        id: 'default',
        kind: 'pgsql',
        dbname: 'app',
        numberSyncStandbys: 0,
        partitionPolicy: 'availability',
        secondary: true,
      },
      group: 0,
    });
    this.#health = setInterval(() => void this.#checkHealth(), HEALTH_EVERY_MS);
  }

  close(): void {
    clearInterval(this.#health);
  }

  node(id: number): NodeSnapshot {
    const node = this.group.nodes.find((one) => one.id === id);
    if (!node) throw new RangeError(`no node ${id}`);
    return node;
  }

  isAtRest(states: Readonly<Record<number, State>>): boolean {
    return Object.entries(states).every(([id, state]) => {
      const node = this.group.nodes.find((one) => one.id === Number(id));
      return node?.goal === state && node.reported === state;
    });
  }

  states(): string {
    return this.group.nodes
      .map(
        (node) =>
          `${node.id}: ${node.reported}->${node.goal} ${toText(node.report.facts)} ${toText(node.seen)}`,
      )
      .join('; ');
  }

  command(command: OperatorCommand): void {
    const decision = decideCommand(this.#now(), command, this.#book);
    if (decision.tag === 'refused')
      throw new Error([decision.message, this.states(), ...this.events].join('\n'));
    this.#commit(decision.settled.group, decision.settled.transitions);
  }

  /** Gives orders that no rule has decided. */
  order(change: (group: GroupSnapshot) => GroupSnapshot): void {
    this.group = change(this.group);
    this.#settle(true);
  }

  /** Announces a change in a group that is not here. */
  announceElsewhere(news: Omit<News, 'formation' | 'group'>): void {
    for (const listener of this.#listeners.values())
      listener({ formation: this.group.formation.id, group: 1, ...news });
  }

  /** False when the rules refuse it now. */
  tryCommand(command: OperatorCommand): boolean {
    try {
      this.command(command);
      return true;
    } catch {
      return false;
    }
  }

  link(): MonitorLink {
    let own: number | null = null;
    return {
      report: async (report) => {
        own = report.nodeId;
        const answer = await this.#report(report);
        if (this.distance > 0) await new Promise((resolve) => setTimeout(resolve, this.distance));
        return answer;
      },
      register: async (registration) => this.#register(registration),
      removeNode: async () => undefined,
      setSystemIdentifier: async () => undefined,
      updateNode: async (id, place) => this.#change(id, (node) => ({ ...node, ...place })),
      tell: async (id, sentence) => void this.events.push(`${id}: ${sentence}`),
      reportPostgresVersion: async (id, { text }) => void this.versions.set(id, text),
      formationView: async () => {
        if (own !== null && this.unreachable.has(own)) throw new Error('the network is down');
        return this.#view();
      },
      onNews: (_, listener) => this.#listeners.set(own ?? -this.#listeners.size - 1, listener),
      close: async () => {
        if (own !== null && !this.seesNothing) this.#see(own, { session: 'closed' });
      },
    };
  }

  #now(): GroupSnapshot {
    return { ...this.group, now: performance.now() };
  }

  async #report(report: Report): Promise<Assignment> {
    await Promise.resolve();
    this.reports.set(report.nodeId, (this.reports.get(report.nodeId) ?? 0) + 1);
    const missed = this.missed.get(report.nodeId) ?? 0;
    this.missed.set(report.nodeId, Math.max(missed - 1, 0));
    if (missed > 0 || this.unreachable.has(report.nodeId)) throw new Error('the network is down');
    if (!this.group.nodes.some((node) => node.id === report.nodeId)) {
      throw Object.assign(new Error('no such node'), { sqlstate: '42704' });
    }
    const before = this.node(report.nodeId);
    if (before.reported !== report.reported) this.events.push(`${report.nodeId} is ${report.reported}`);
    this.#change(report.nodeId, (node) => ({
      ...node,
      reported: report.reported,
      changedAt: node.reported === report.reported ? node.changedAt : performance.now(),
      report: {
        at: performance.now(),
        postgresRunning: report.postgresRunning,
        tli: report.tli || node.report.tli,
        lsn: report.lsn || node.report.lsn,
        facts: report.facts,
      },
      seen: { ...node.seen, session: 'open' },
    }));
    const goal = before.goal;
    this.#settle(before.reported !== report.reported);
    return this.#assignment(report.nodeId, goal);
  }

  #assignment(id: number, goal: State): Assignment {
    const { group } = this;
    const node = group.nodes.find((each) => each.id === id);
    return {
      goal: node?.goal ?? goal,
      candidatePriority: node?.candidatePriority ?? 0,
      quorum: node?.quorum ?? false,
      epoch: group.epoch,
      leader: group.leader,
      restored: group.restored,
      switchoverTarget: group.switchoverTarget,
      switchoverForced: group.switchoverForced,
      walSource: group.walSource,
      setting: group.settingsInForce.at(-1) ?? null,
      nodes: group.nodes.map((each) => ({ ...each, tli: each.report.tli, lsn: each.report.lsn })),
      lineage: group.lineage,
      memory: group.memory,
      formation: group.formation,
      inMotion: this.saysInMotion,
    };
  }

  #register(registration: Registration) {
    const { host, port } = registration;
    const unheard = this.group.nodes.find(
      (node) => node.host === host && node.port === port && node.reported === 'init',
    );
    if (unheard) return { nodeId: unheard.id, group: 0, goal: unheard.goal, name: unheard.name };
    const id = Math.max(0, ...this.group.nodes.map((node) => node.id)) + 1;
    const placed = addNode(this.#now(), {
      id,
      name: registration.name || `node_${id}`,
      host: registration.host,
      port: registration.port,
      role: registration.role,
      cluster: registration.cluster,
      reported: 'init',
      goal: 'init',
      candidatePriority: registration.candidatePriority,
      quorum: registration.quorum,
      changedAt: performance.now(),
      paused: false,
      report: { at: null, postgresRunning: false, tli: 1, lsn: 0n, facts: {} },
      seen: { health: 'unknown', healthSince: performance.now(), refused: false, session: 'unknown' },
    });
    if (placed.tag === 'refused') throw new Error(placed.message);
    this.group = placed.group;
    this.#settle(true);
    return { nodeId: id, group: 0, goal: placed.goal, name: this.node(id).name };
  }

  #settle(changed: boolean): void {
    const settled = settle(this.#now(), this.#book);
    const setting = this.group.settingsInForce.at(-1)?.version;
    this.#commit(settled.group, settled.transitions);
    if (
      changed ||
      settled.transitions.length > 0 ||
      setting !== settled.group.settingsInForce.at(-1)?.version
    ) {
      this.#announce();
    }
  }

  #commit(group: GroupSnapshot, transitions: readonly { node: number; goal: State; rule: string }[]): void {
    this.group = group;
    for (const { node, goal, rule } of transitions) {
      this.events.push(`${node} -> ${goal} by ${rule}`);
      this.#change(node, (before) => ({ ...before, changedAt: performance.now() }));
    }
    if (transitions.length > 0) this.#announce();
  }

  /** What has changed of the nodes; what is no node's, such as a setting, as after a reconnection. */
  #announce(): void {
    const news = this.group.nodes.flatMap((node): News[] => {
      const { id: nodeId, reported, goal, seen } = node;
      const told = [reported, goal, seen.health].join();
      if (this.#announced.get(nodeId) === told) return [];
      this.#announced.set(nodeId, told);
      return [{ formation: this.group.formation.id, group: 0, nodeId, reported, goal, health: seen.health }];
    });
    for (const listener of this.#listeners.values())
      setImmediate(() => (news.length > 0 ? news : [null]).forEach((one) => listener(one)));
  }

  #change(id: number, change: (node: NodeSnapshot) => NodeSnapshot): void {
    this.group = {
      ...this.group,
      nodes: this.group.nodes.map((node) => (node.id === id ? change(node) : node)),
    };
  }

  #see(id: number, seen: Partial<NodeSnapshot['seen']>): void {
    this.#change(id, (node) => {
      const flipped = seen.health !== undefined && seen.health !== node.seen.health;
      return {
        ...node,
        seen: { ...node.seen, ...seen, ...(flipped ? { healthSince: performance.now() } : {}) },
      };
    });
  }

  async #checkHealth(): Promise<void> {
    if (this.seesNothing) return this.#settle(false);
    for (const node of this.group.nodes) {
      const answer = await probeLogin(node.host, node.port, 1000);
      if (!this.group.nodes.some((one) => one.id === node.id)) continue;
      this.#see(node.id, { health: answer === 'open' ? 'good' : 'bad', refused: answer === 'refused' });
    }
    this.#settle(false);
  }

  #view(): FormationView {
    const { group } = this;
    const { formation } = group;
    return {
      formation: formation.id,
      kind: formation.kind,
      dbname: formation.dbname,
      groups: [
        {
          ...{ group: 0, epoch: group.epoch, leader: group.leader, memory: {} },
          ...{ restored: group.restored, nodes: group.nodes },
        },
      ],
    };
  }
}

function toText(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? formatLsn(part) : part));
}
