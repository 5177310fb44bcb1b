import type { Json } from '@pgaf/core/json';
import type { Refusal } from '@pgaf/fsm/command-decision';
import type { CommandContext } from './command-handlers.js';
import type { Command } from './command-queue.js';
import { explainGroups } from './explain-groups.js';

/** What was read for an answer, and how the answer is made of it, which may take its time: it touches no table. */
export interface Asked {
  readonly tag: 'asked';
  readonly answer: () => Promise<Json>;
}

export type Question = (context: CommandContext, command: Command) => Promise<Asked | Refusal>;

/** Commands that change nothing, by the `kind` of the row. They are answered beside the decisions. */
export const QUESTIONS: Readonly<Record<string, Question>> = {
  explain: explainGroups,
};
