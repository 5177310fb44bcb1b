import { BugError, PgafError } from '@pgaf/core/errors';
import { Turns } from '@pgaf/core/turns';
import type { Refusal } from '@pgaf/fsm/command-decision';
import pg from 'pg';
import { watchBlockers } from './blockers.js';
import { COMMAND_HANDLERS, type Acceptance, type CommandContext } from './command-handlers.js';
import { answerCommand, refuseCommand, takeCommand, waitingCommands, type Command } from './command-queue.js';
import { QUESTIONS, type Question } from './questions.js';
import { SnapshotOutdatedError, type Decision } from './decision-store.js';
import type { GroupDeskOptions } from './group-desk.js';
import type { GroupKey } from './group-store.js';
import { holdReports } from './held-reports.js';
import { logDecision } from './log-decision.js';
import { TermLostError } from './term.js';
import { endsSession, inTransaction, isBlocked } from './transaction.js';

export type CommandDeskOptions = CommandContext &
  Pick<GroupDeskOptions, 'eyes' | 'pid' | 'logger' | 'inbox' | 'announcer'>;

const LOOK_FOR_BLOCKERS_AFTER = 300;

/** Takes commands in their order and answers each one, in the transaction of what it changes. */
export class CommandDesk {
  readonly #questions = new Turns();

  constructor(private readonly options: CommandDeskOptions) {}

  async answerWaiting(): Promise<void> {
    const { client } = this.options;
    for (const id of await waitingCommands(client)) {
      const command = await takeCommand(client, id);
      if (!command) continue;
      const question = QUESTIONS[command.kind];
      if (question) await this.#ask(command, question);
      else await this.#answer(command);
    }
  }

  /** Reads at once, in the order of the commands; the answer is made and written beside them, one after another. */
  async #ask(command: Command, question: Question): Promise<void> {
    const { client, eyes, logger } = this.options;
    const asked = await this.#orRefusal(command, () => question(this.options, command));
    if (asked.tag === 'refused') return refuseCommand(client, command.id, asked);
    const { answer } = asked;
    void this.#questions
      .take(async () => {
        const made = await this.#orRefusal(
          command,
          async () => ({ tag: 'made', json: await answer() }) as const,
        );
        if (made.tag === 'refused') await refuseCommand(eyes, command.id, made);
        else await answerCommand(eyes, command.id, made.json);
      })
      // The next service refuses what has no answer; a session that is lost ends this one by itself.
      .catch((error: unknown) => logger.warn(`The command ${command.kind} is not answered.`, { error }));
  }

  async #orRefusal<T>(command: Command, work: () => Promise<T>): Promise<T | Refusal> {
    try {
      return await work();
    } catch (error) {
      const refusal = refusalOf(error);
      if (!refusal) throw error;
      this.options.logger.error(`The command ${command.kind} has failed.`, { error });
      return refusal;
    }
  }

  async #answer(command: Command): Promise<void> {
    const { client, logger } = this.options;
    const about = {
      command: command.id,
      kind: command.kind,
      formation: command.formation,
      by: command.requestedBy,
    };
    const refusal = await this.#carryOut(command);
    if (refusal) {
      await refuseCommand(client, command.id, refusal);
      logger.warn(`Refused ${command.kind}: ${refusal.message}.`, about);
    } else {
      logger.info(`Carried out ${command.kind}.`, about);
    }
  }

  /** Null when it is done. */
  async #carryOut(command: Command): Promise<Refusal | null> {
    const handler = COMMAND_HANDLERS[command.kind];
    if (!handler) {
      return {
        tag: 'refused',
        sqlstate: '0A000',
        message: `this monitor does not know the command ${command.kind}`,
      };
    }
    try {
      const decision = await handler(this.options, command);
      if (decision.tag === 'refused') return decision;
      return await this.#commit(command, async () => decision).catch((error: unknown) => {
        if (!(error instanceof SnapshotOutdatedError)) throw error;
        const { client, term } = this.options;
        return this.#commit(command, async () => {
          await holdReports(client, term, decision.touched);
          return handler(this.options, command);
        });
      });
    } catch (error) {
      const refusal = refusalOf(error);
      if (!refusal) throw error;
      this.options.logger.error(`The command ${command.kind} has failed.`, { error });
      return refusal;
    }
  }

  /** @param decide Is called in the transaction of what is written. */
  async #commit(command: Command, decide: () => Promise<Acceptance | Refusal>): Promise<Refusal | null> {
    const { client, eyes, pid, inbox, announcer, logger } = this.options;
    const written = await watchBlockers(eyes, pid, LOOK_FOR_BLOCKERS_AFTER, () =>
      inTransaction(client, async () => {
        const decision = await decide();
        if (decision.tag === 'refused') return decision;
        await decision.write();
        await answerCommand(client, command.id, decision.answer);
        return decision;
      }),
    );
    if ('result' in written) {
      if (written.result.tag === 'refused') return written.result;
      const { touched, decisions = [] } = written.result;
      for (const decision of decisions) logDecision(logger, decision);
      for (const key of touched) {
        if (decisions.some((decision) => movesNodesOf(key, decision))) announcer.decided(key);
        else announcer.hasten();
        inbox.add(key);
      }
      return null;
    }
    const { error, blockers } = written;
    if (!isBlocked(error)) throw error;
    return {
      tag: 'refused',
      sqlstate: '55P03',
      message: `the command ${command.kind} is blocked by ${blockers.join(', ') || 'another session'}`,
      hint: 'End that session or its transaction on the monitor, then try again.',
    };
  }
}

/** Whether keepers of the group are given goals: only these ask for what follows. */
function movesNodesOf({ formation, group }: GroupKey, { before: { snapshot }, settled }: Decision): boolean {
  const isOfGroup = snapshot.formation.id === formation && snapshot.group === group;
  return isOfGroup && settled.transitions.length > 0;
}

/**
 * What the requester is told when a command fails; null when it is the session or the term that ended. Whatever else
 * it is, such as a plugin's fault, is of this command alone: it must not end the service for all the others.
 */
function refusalOf(error: unknown): Refusal | null {
  if (error instanceof TermLostError || endsSession(error)) return null;
  if (error instanceof pg.DatabaseError) {
    const { code, message, detail, hint } = error;
    if (code === undefined || /^(57P|08)/.test(code)) return null;
    return {
      tag: 'refused',
      sqlstate: code,
      message,
      ...(detail !== undefined && { detail }),
      ...(hint !== undefined && { hint }),
    };
  }
  if (error instanceof PgafError || error instanceof SnapshotOutdatedError) {
    const hint = error instanceof PgafError ? error.hint : 'Try again.';
    return { tag: 'refused', sqlstate: 'XX000', message: error.message, ...(hint !== undefined && { hint }) };
  }
  const bug = new BugError(`the command fails: ${error instanceof Error ? error.message : String(error)}`);
  return { tag: 'refused', sqlstate: 'XX000', message: bug.message, ...(bug.hint && { hint: bug.hint }) };
}
