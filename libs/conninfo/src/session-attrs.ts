import type { TargetSessionAttrs } from './keywords.js';

/** What a server says about itself, as libpq reads it from `in_hot_standby` and `default_transaction_read_only`. */
export interface SessionFacts {
  readonly inRecovery: boolean;
  readonly readOnly: boolean;
}

/** Why the session is not the one that is wanted, or undefined when it is. */
export function whyUnwanted(attrs: TargetSessionAttrs, facts: SessionFacts): string | undefined {
  if (attrs === 'read-write' && facts.readOnly) return 'the session is read-only';
  if (attrs === 'read-only' && !facts.readOnly) return 'the session is not read-only';
  if (attrs === 'primary' && facts.inRecovery) return 'the server is a standby';
  if ((attrs === 'standby' || attrs === 'prefer-standby') && !facts.inRecovery) {
    return 'the server is not a standby';
  }
  return undefined;
}
