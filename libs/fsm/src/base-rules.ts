import { ALONE_RULES } from './rules/alone.js';
import { CHOICE_RULES } from './rules/choice.js';
import { ELECTION_RULES } from './rules/election.js';
import { HANDOVER_RULES } from './rules/handover.js';
import { JOINING_RULES } from './rules/joining.js';
import { LEAVING_RULES } from './rules/leaving.js';
import { MAINTENANCE_RULES } from './rules/maintenance.js';
import { PROMOTION_RULES } from './rules/promotion.js';
import { REOPENING_RULES } from './rules/reopening.js';
import { SYNCHRONY_RULES } from './rules/synchrony.js';
import type { MonitorRule } from './vocabulary.js';

/**
 * The monitor's rules for every kind of formation. Read from the top: the first row that matches and changes
 * something wins, then the table is read again, until nothing changes.
 */
export const BASE_RULES: readonly MonitorRule[] = [
  ...LEAVING_RULES,
  ...PROMOTION_RULES,
  ...HANDOVER_RULES,
  ...ELECTION_RULES,
  ...CHOICE_RULES,
  ...REOPENING_RULES,
  ...ALONE_RULES,
  ...JOINING_RULES,
  ...MAINTENANCE_RULES,
  ...SYNCHRONY_RULES,
];
