import { expect, test } from 'vitest';
import { edgesAsMarkdown, edgesAsMermaid, rulesAsMarkdown } from './diagrams.js';
import { baseEdgeTable } from './edge-table.js';
import { baseRuleBook } from './rule-book.js';

test('docs/state-machine.md says what the tables say (vitest -u writes it anew)', async () => {
  const edges = baseEdgeTable();
  const page = [
    '# The state machine',
    'Printed from the tables in `libs/fsm/src/rules/` and `libs/fsm/src/base-edges.ts`; a test fails when they differ.',
    '## How a node moves',
    '```mermaid\n' + edgesAsMermaid(edges) + '\n```',
    '## What the monitor assigns',
    'The first row that matches and changes something wins; then the table is read again. `=` stands for reported and assigned alike, `→` for assigned.',
    rulesAsMarkdown(baseRuleBook()),
    '## What a keeper does',
    edgesAsMarkdown(edges),
  ].join('\n\n');
  await expect(`${page}\n`).toMatchFileSnapshot('../../../docs/state-machine.md');
});
