import { done, retry, type Outcome } from '@pgaf/core/result';
import type { Milliseconds } from '@pgaf/core/durations';
import type { FormationView } from '@pgaf/core/formation-view';
import type { Json } from '@pgaf/core/json';
import type {
  KeeperContext,
  KeeperPart,
  LocalContext,
  NodeContext,
  SqlNotice,
  SqlSession,
} from '@pgaf/plugin-api/keeper-part';
import { localClient, openSession, type LocalClient, type LocalServer, type Row } from '@pgaf/postgres/query';
import { orAborted } from '@pgaf/postgres/until';
import { LeaderHook } from './leader-hook.js';
import type { News } from './monitor-link.js';
import { pause } from './pause.js';
import type { Situation } from './situation.js';
import { hostsChanged, namesHosts } from './steps/hba.js';
import { ReconcileHook, type Paces, type Standing } from './reconcile-hook.js';
import { WritersHeard } from './writers-heard.js';

/** What a plugin's hook may take in one statement. */
const STATEMENT_TIMEOUT: Milliseconds = 30_000;
/** For a hook that hears that the keeper ends; then its connections do. */
const HOOKS_END: Milliseconds = 2000;

/** The hooks that get the formation as it is. */
type FormationHook = 'reconcile' | 'onDrop' | 'onReload';
type HookName = FormationHook | 'whileLeader';

/** The keeper's part of the node's kind, with the context that its steps and hooks get. */
export class PluginPart {
  readonly #situation: Situation;
  readonly #part: KeeperPart;
  /** Called when something to report has changed. */
  readonly #news: () => void;
  readonly #sessions = new Set<LocalClient>();
  #sql: LocalClient | null = null;
  /** No hook gets a connection any more. */
  #isClosed = false;
  readonly #reconciling: ReconcileHook;
  readonly #leading: LeaderHook;
  readonly #writers = new WritersHeard();
  readonly #ending = new AbortController();
  /** Why a hook was not done when it ran last. */
  readonly #reasons = new Map<HookName, string>();

  /** @param callAgain Called when a hook may be due that was called before. */
  constructor(situation: Situation, part: KeeperPart, news: () => void, callAgain: () => void) {
    this.#situation = situation;
    this.#part = part;
    this.#news = news;
    this.#reconciling = new ReconcileHook((signal) => this.#hook('reconcile', signal), callAgain);
    this.#leading = new LeaderHook(() => this.#lead(), callAgain);
  }

  /** The formation changed: `reconcile` is due, and on a leader `whileLeader` soon when a node may take writes anew. */
  formationChanged(news: News | null): void {
    this.#reconciling.call();
    // Its work at the others would hold up those who are on their way.
    if (this.#writers.mayHaveGained(news)) this.#leading.callSoon();
  }

  async runStep(kind: string, step: string, signal: AbortSignal): Promise<Outcome> {
    // The monitor orders something else now, and must not find that it was done all the same.
    const { abandoned, leaving } = this.#situation;
    if (abandoned !== null && !leaving && !this.#situation.isSucceeded()) return retry(abandoned);
    const runLocally = this.#part.localSteps?.[step];
    if (runLocally) return runLocally(this.#localContext(signal));
    const run = this.#part.steps?.[step];
    if (!run) return retry(`the plugin of kind "${kind}" brings no step "${step}"`);
    // A monitor that is frozen answers late, and nobody waits for it once the order is another one.
    return run(await orAborted(this.#context(signal), signal));
  }

  /** `onDrop` may fail without keeping the node in its formation. */
  async drop(signal: AbortSignal): Promise<void> {
    await this.#hook('onDrop', signal);
  }

  /** What `reconcile` keeps in line may hang on the configuration, too. */
  async reload(signal: AbortSignal): Promise<void> {
    this.#reconciling.callAtOnce();
    await this.#hook('onReload', signal);
  }

  /** Starts `reconcile` when it is due and none runs. */
  reconcileWhenDue(pace: Paces, standing: Standing, signal: AbortSignal): void {
    if (this.#looksAtFormation()) this.#reconciling.runWhenDue(pace, standing, signal);
  }

  /** Starts `whileLeader` when it is due and none runs. */
  leadWhenDue(every: Milliseconds): void {
    if (this.#part.whileLeader) this.#leading.runWhenDue(every);
  }

  /** This node does not take writes now: once it does, `whileLeader` is due at once. */
  doesNotLead(): void {
    this.#leading.call();
  }

  /**
   * Its hooks have ended when this returns. A statement under way may wait for as long as a standby is lost; what it was to
   * do is done when Postgres has done it, or by the next keeper.
   */
  async close(): Promise<void> {
    this.#ending.abort();
    const hooks = Promise.all([this.#reconciling.ended(), this.#leading.ended()]);
    const ended = new AbortController();
    await Promise.race([hooks, pause(HOOKS_END, ended.signal)]);
    ended.abort();
    this.#isClosed = true;
    await Promise.all([this.#sql, ...this.#sessions].map((client) => client?.close()));
    this.#sessions.clear();
    await hooks;
  }

  /** `reconcile` is more than the plugin's: rules of ours follow the formation, too. */
  async #hook(name: FormationHook, signal: AbortSignal): Promise<Outcome> {
    const run = this.#part[name];
    if (!run && name !== 'reconcile') return done;
    return this.#noted(name, async () => {
      const context = await this.#context(signal);
      return run ? run(context) : done;
    });
  }

  /** Runs a hook, and logs why it is not done when that is another reason than last time. */
  async #noted(name: HookName, run: () => Promise<Outcome>): Promise<Outcome> {
    const outcome = await this.#outcomeOf(run);
    if (outcome.tag === 'done') {
      this.#reasons.delete(name);
      return outcome;
    }
    if (this.#reasons.get(name) !== outcome.reason)
      this.#situation.log.warn(`${name} is not done`, { reason: outcome.reason });
    this.#reasons.set(name, outcome.reason);
    return outcome;
  }

  #lead(): Promise<Outcome> {
    const run = this.#part.whileLeader;
    return this.#noted('whileLeader', async () => (run ? run(this.#nodeContext(this.#ending.signal)) : done));
  }

  async #outcomeOf(run: () => Promise<Outcome>): Promise<Outcome> {
    try {
      return await run();
    } catch (error) {
      return retry(error instanceof Error ? error.message : String(error));
    }
  }

  async #context(signal: AbortSignal): Promise<KeeperContext> {
    const { state, monitor } = this.#situation;
    const formation = await this.#look();
    const node = formation.groups.flatMap((group) => group.nodes).find((one) => one.id === state.nodeId);
    if (!node) throw new RangeError(`node ${state.nodeId} is not in formation "${state.formation}"`);
    return {
      ...this.#localContext(signal),
      node,
      formation,
      lookAgain: () => this.#look(),
      say: (name, value) => this.#say(name, value),
      tell: (sentence) => monitor.tell(state.nodeId, sentence),
      giveUpHandover: (reason) => {
        this.#situation.abandoned = reason;
        this.#news();
      },
      runWhileLeader: () => {
        this.#leading.call();
        this.#news();
      },
    };
  }

  #localContext(signal: AbortSignal): LocalContext {
    const { assignment, leaving } = this.#situation;
    return {
      ...this.#nodeContext(signal),
      handover: {
        target: assignment?.switchoverTarget ?? null,
        forced: assignment?.switchoverForced ?? false,
        leaving,
        isSucceeded: this.#situation.isSucceeded(),
      },
    };
  }

  #nodeContext(signal: AbortSignal): NodeContext {
    const { config, log } = this.#situation;
    const server = this.#server();
    const sql = (this.#sql ??= localClient(server));
    const query = queryOf(sql);
    return {
      signal,
      settings: config.pluginSettings,
      log: (message, fields) => log.info(message, fields),
      leaseLeft: () => this.#situation.leaseLeft(),
      sql: {
        query: async (text, values) => {
          this.#requireOpen();
          return query(text, values);
        },
        session: (onNotice) => this.#openSession(server, onNotice),
      },
    };
  }

  #server(): LocalServer {
    const { instance, config, state } = this.#situation;
    return {
      ...instance.server,
      database: config.dbname,
      applicationName: `pgaf ${state.kind}`,
      statementTimeoutMs: STATEMENT_TIMEOUT,
    };
  }

  async #openSession(server: LocalServer, onNotice?: (notice: SqlNotice) => void): Promise<SqlSession> {
    this.#requireOpen();
    const client = await openSession(server, onNotice);
    this.#sessions.add(client);
    return {
      query: queryOf(client),
      close: async () => {
        this.#sessions.delete(client);
        await client.close();
      },
    };
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new Error('the keeper ends');
  }

  /** The formation as it is now; rules of ours that name its hosts follow them. */
  async #look(): Promise<FormationView> {
    const { monitor, state } = this.#situation;
    const formation = await monitor.formationView(state.formation);
    if (await hostsChanged(this.#situation, formation)) this.#news();
    return formation;
  }

  #looksAtFormation(): boolean {
    if (this.#part.reconcile) return true;
    return namesHosts(this.#situation);
  }

  #say(name: string, value: Json | null): void {
    const { [name]: before = null, ...others } = this.#situation.said;
    if (JSON.stringify(before) === JSON.stringify(value)) return;
    this.#situation.said = value === null ? others : { ...others, [name]: value };
    this.#news();
  }
}

/** Values are what Postgres gives; the plugin says what shape it asked for. */
function queryOf(client: LocalClient): SqlSession['query'] {
  return async <Shape>(text: string, values?: readonly unknown[]) =>
    (await client.query<Row>(text, values)) as Shape[];
}
