import type { Situation } from '../situation.js';
import type { PluginPart } from '../plugin-part.js';

/** What a step works with. Every step is idempotent, and stops soon after `signal` is aborted. */
export interface StepContext {
  readonly situation: Situation;
  readonly part: PluginPart;
  readonly signal: AbortSignal;
}
