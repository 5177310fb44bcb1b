import type { FormationView } from '@pgaf/plugin-api';
import { pausesRequested, type PauseRequest } from './pause-request.js';

/** Tokens that were answered; they are random, so those of another keeper in this process are no harm. */
const answered = new Set<string>();

export function noteAnswered(token: string): void {
  answered.add(token);
}

/** The first group that asks and has no answer: who asked before and is not gone yet holds up nobody. */
export function unansweredPause(formation: FormationView): PauseRequest | null {
  return pausesRequested(formation).find(({ token }) => !answered.has(token)) ?? null;
}
