import type { Plugin } from '@pgaf/plugin-api';
import { BASE_GUARDS } from './guards.js';
import { BASE_RULES } from './base-rules.js';
import { faultsOfRules } from './checks.js';
import type { Guard, MonitorRule, RulePatch } from './vocabulary.js';

/** The rules of one kind of formation, with the guards that they name. */
export interface RuleBook {
  readonly rules: readonly MonitorRule[];
  readonly guards: Readonly<Record<string, Guard>>;
}

export function baseRuleBook(): RuleBook {
  return { rules: BASE_RULES, guards: BASE_GUARDS };
}

/**
 * The book with a plugin's rules at the anchors that it names.
 * @throws RangeError when an anchor is missing, an id or a guard is taken, or a row could never match.
 */
export function spliceRules(base: RuleBook, plugin: Pick<Plugin, 'rulePatches' | 'guards'>): RuleBook {
  const guards = { ...base.guards };
  for (const [name, guard] of Object.entries(plugin.guards ?? {})) {
    if (guards[name]) throw new RangeError(`the guard "${name}" exists already`);
    guards[name] = guard;
  }
  const rules = (plugin.rulePatches ?? []).reduce(applyPatch, base.rules);
  const faults = faultsOfRules({ rules, guards });
  if (faults.length > 0) throw new RangeError(faults.join('; '));
  return { rules, guards };
}

function applyPatch(rules: readonly MonitorRule[], patch: RulePatch): readonly MonitorRule[] {
  const anchor =
    'disable' in patch ? patch.disable : 'insertBefore' in patch ? patch.insertBefore : patch.insertAfter;
  const at = rules.findIndex((rule) => rule.id === anchor);
  if (at < 0) throw new RangeError(`there is no rule "${anchor}" to anchor a patch at`);
  if ('disable' in patch) return rules.toSpliced(at, 1);
  return 'insertBefore' in patch
    ? rules.toSpliced(at, 0, ...patch.rules)
    : rules.toSpliced(at + 1, 0, ...patch.rules);
}
