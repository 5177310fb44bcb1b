import type { State } from '@pgaf/core/states';
import type { RuleBook } from '@pgaf/fsm/rule-book';
import type { RuleMonitor } from '@pgaf/keeper/testing/rule-monitor';
import { killNode, newMonitor, newNode, until, type TestNode } from '@pgaf/keeper/testing/test-nodes';
import { realMachine } from '@pgaf/simulator/machine';
import { World, type Host } from '@pgaf/simulator/world';
import { expect } from 'vitest';
import type { EndState } from './end-state.js';
import { movesOf, ordered, type Leg } from './legs.js';
import { endStateOfModel } from './model-node.js';
import { endStateOfNode } from './real-node.js';

/** The monitors decide nothing: a story gives every order. */
const NO_RULES: RuleBook = { rules: [], guards: {} };

/** Virtual milliseconds: a model gets where it goes within the first, and has come to rest after the second. */
const MODEL_ARRIVES = 20_000;
const MODEL_RESTS = 3000;
/** What a keeper does after its edge is done, such as a stream that begins or a probe that is answered. */
const REAL_RESTS_MS = 30_000;

type End = Readonly<Record<string, EndState>>;

/** Two formations that are given the same orders: one of real nodes, one of the simulator. */
export class BothWorlds {
  readonly #monitor: RuleMonitor = newMonitor(NO_RULES);
  readonly #nodes: TestNode[] = [];
  readonly #world = new World(1, { ...realMachine(), book: NO_RULES });

  constructor() {
    // A late packet is a fault, and what a fault leaves behind is not what the edge leads to.
    this.#world.network.weather = { late: 0, lost: 0, doubled: 0 };
  }

  /** Takes both worlds over one leg, and compares where their nodes end. */
  async pass(leg: Leg): Promise<void> {
    const arrivals = Object.fromEntries(movesOf(leg).map(({ node, to }) => [node, to]));
    const model = this.#passModel(leg);
    await this.#passReal(leg);
    await until(`the real nodes pass ${JSON.stringify(leg)}`, this.#monitor, () =>
      this.#monitor.isAtRest(arrivals),
    );
    await this.#compare(model, leg);
  }

  #passModel(leg: Leg): End {
    const world = this.#world;
    const { monitor } = world;
    this.#runModel(MODEL_ARRIVES, () => monitor.isIdle);
    if (leg.joins !== undefined) world.addNode();
    const killed = leg.killed === undefined ? null : this.#host(leg.killed);
    killed?.keeper.kill();
    killed?.postgres.crash();
    if (killed) this.#runModel(MODEL_ARRIVES, () => monitor.isIdle);
    for (const { node, from } of movesOf(leg)) expect(this.#host(node).keeper.memory.current).toBe(from);
    monitor.group = ordered(monitor.group, leg);
    killed?.keeper.start();
    for (const { id } of world.hosts) world.wakeKeeper(id);
    const arrived = (): boolean =>
      movesOf(leg).every(({ node, to }) =>
        monitor.group.nodes.some((one) => one.id === node && one.goal === to && one.reported === to),
      );
    if (!this.#runModel(MODEL_ARRIVES, arrived))
      expect.fail(`the model is stuck\n${world.story().join('\n')}`);
    this.#runModel(MODEL_RESTS, () => false);
    const end = world.hosts.map((host) => [`node ${host.id}`, endStateOfModel(host, monitor.group)] as const);
    return Object.fromEntries(end);
  }

  #runModel(atMost: number, done: () => boolean): boolean {
    const reached = done() || this.#world.run(atMost, done);
    const { violation } = this.#world;
    if (violation) expect.fail(`${violation.what}\n${this.#world.story().join('\n')}`);
    return reached;
  }

  #host(id: number): Host {
    const host = this.#world.hosts[id - 1];
    if (!host) throw new RangeError(`the model has no node ${id}`);
    return host;
  }

  #node(id: number): TestNode {
    const node = this.#nodes[id - 1];
    if (!node) throw new RangeError(`there is no node ${id}`);
    return node;
  }

  async #passReal(leg: Leg): Promise<void> {
    const monitor = this.#monitor;
    const fresh = leg.joins === undefined ? null : await newNode(monitor);
    if (fresh) {
      await fresh.register();
      this.#nodes.push(fresh);
    }
    const killed = leg.killed === undefined ? null : this.#node(leg.killed);
    if (killed) await killNode(killed);
    if (leg.writes !== undefined) {
      await this.#node(leg.writes).sql.query('SET synchronous_commit = local; CREATE TABLE alone (i int)');
    }
    for (const { node, from } of movesOf(leg)) expect(monitor.node(node).reported).toBe(from);
    monitor.order((group) => ordered(group, leg));
    (killed ?? fresh)?.run();
  }

  async #compare(model: End, leg: Leg): Promise<void> {
    const comparable = leg.killed === undefined ? withoutHowStreamsEnded : (end: End) => end;
    const what = `after ${JSON.stringify(leg)}, received: the node, expected: the model`;
    const deadline = performance.now() + REAL_RESTS_MS;
    for (;;) {
      const real = await this.#realEnd();
      try {
        expect(comparable(real), what).toEqual(comparable(model));
        return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async #realEnd(): Promise<End> {
    const ends = this.#nodes.map(async (node) => [`node ${node.id}`, await endStateOfNode(node)] as const);
    return Object.fromEntries(await Promise.all(ends));
  }
}

const MAY_HAVE_FORWARDED: ReadonlySet<State> = new Set(['fast_forward', 'report_lsn', 'prepare_promotion']);

/**
 * A Postgres that is shutting down refuses nobody for a moment after it has ended its streams. Who asks in that moment
 * does not count their end any more, and who asks later does.
 */
function withoutHowStreamsEnded(end: End): End {
  return Object.fromEntries(
    Object.entries(end).map(([node, state]) => {
      const { upstream, ...facts } = state.report.facts;
      // One that fast-forwards asks for WAL only where it lacks some, which is for the writers of each world to say.
      if (MAY_HAVE_FORWARDED.has(state.report.state)) {
        return [node, { ...state, report: { ...state.report, facts } }];
      }
      const { closed: _, ...rest } = { ...(upstream as object | undefined) } as { readonly closed?: boolean };
      return [node, { ...state, report: { ...state.report, facts: { ...facts, upstream: rest } } }];
    }),
  );
}
