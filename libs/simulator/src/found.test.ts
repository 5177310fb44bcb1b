import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { realMachine } from './machine.js';
import { parseScenario } from './replay.js';
import { runScenario } from './run-scenario.js';

/** What the simulator found once, shrunk to the steps that were needed. */
const FOUND = join(import.meta.dirname, 'found');

test.each(readdirSync(FOUND))(
  '%s',
  (file) => {
    const scenario = parseScenario(readFileSync(join(FOUND, file), 'utf8'));
    const { violation, story } = runScenario(scenario, realMachine());
    expect(violation, story.join('\n')).toBeNull();
  },
  30_000,
);
