import type { Scenario } from './scenario.js';

/**
 * A scenario from the file that a failing run has left.
 * @throws SyntaxError when the text is no JSON; TypeError when it is no scenario.
 */
export function parseScenario(text: string): Scenario {
  const value: unknown = JSON.parse(text);
  if (!isScenario(value)) {
    throw new TypeError(
      'the file holds no scenario: seed, nodes, numberSyncStandbys and faults are expected',
    );
  }
  return value;
}

function isScenario(value: unknown): value is Scenario {
  if (typeof value !== 'object' || value === null) return false;
  if (!('seed' in value) || typeof value.seed !== 'number') return false;
  if (!('numberSyncStandbys' in value)) return false;
  const { numberSyncStandbys: number } = value;
  if (number !== null && typeof number !== 'number') return false;
  if (!('nodes' in value) || !Array.isArray(value.nodes) || value.nodes.length === 0) return false;
  return 'faults' in value && Array.isArray(value.faults) && value.faults.every(isFault);
}

function isFault(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return 'do' in value && typeof value.do === 'string' && 'at' in value && typeof value.at === 'number';
}
