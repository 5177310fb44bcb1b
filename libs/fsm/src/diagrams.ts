import type { KeeperEdge } from '@pgaf/plugin-api/edges';
import type { EdgeTable } from './edge-table.js';
import type { RuleBook } from './rule-book.js';
import type { MonitorRule, NodePattern } from './vocabulary.js';

/** The rules as a Markdown table, in their order. */
export function rulesAsMarkdown(book: RuleBook): string {
  const rows = book.rules.map((rule) =>
    [`\`${rule.id}\``, subjectText(rule), conditionText(rule), assignText(rule), rule.because].join(' | '),
  );
  const head = ['Rule', 'About', 'When', 'Assigns', 'Because'];
  return [
    `| ${head.join(' | ')} |`,
    `|${' --- |'.repeat(head.length)}`,
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
}

/** The edges as a Markdown table: what a keeper does from a state to a goal. */
export function edgesAsMarkdown(table: EdgeTable): string {
  const rows = [...table.values()].map((edge) => `| ${edge.from} | ${edge.to} | ${stepsText(edge)} |`);
  return ['| From | To | Steps |', '| --- | --- | --- |', ...rows].join('\n');
}

/** The edges as a Mermaid state diagram; edges to `dropped` lead from everywhere and are left out. */
export function edgesAsMermaid(table: EdgeTable): string {
  const lines = [...table.values()]
    .filter((edge) => edge.to !== 'dropped')
    .map((edge) => `  ${edge.from} --> ${edge.to}`);
  return ['stateDiagram-v2', ...lines].join('\n');
}

/** The names of its steps, in their order. */
export function stepsText(edge: KeeperEdge): string {
  const names = edge.steps.map((step) => (step.do === 'plugin' ? `${step.kind}:${step.step}` : step.do));
  return names.length > 0 ? names.join(', ') : '–';
}

function subjectText(rule: MonitorRule): string {
  return rule.subject ? `${rule.about} ${patternText(rule.subject)}` : rule.about;
}

function conditionText(rule: MonitorRule): string {
  const parts = [
    rule.leader === 'absent' ? 'no leader' : rule.leader && `leader ${patternText(rule.leader)}`,
    rule.someOther && `some other ${patternText(rule.someOther)}`,
    rule.noOther && `no other ${patternText(rule.noOther)}`,
    ...(rule.guards ?? []),
  ];
  return parts.filter(Boolean).join('; ') || '–';
}

function patternText(pattern: NodePattern): string {
  const parts = [
    pattern.converged && `= ${pattern.converged.join('/')}`,
    pattern.reported && `reports ${pattern.reported.join('/')}`,
    pattern.goal && `→ ${pattern.goal.join('/')}`,
    pattern.health,
    pattern.quorum !== undefined && (pattern.quorum ? 'in quorum' : 'not in quorum'),
    pattern.candidate !== undefined && (pattern.candidate ? 'candidate' : 'no candidate'),
  ];
  return parts.filter(Boolean).join(', ');
}

function assignText(rule: MonitorRule): string {
  const parts = [
    rule.assign.subject && `it → ${rule.assign.subject}`,
    rule.assign.leader && `leader → ${rule.assign.leader}`,
    rule.assign.followers &&
      `followers ${patternText(rule.assign.followers.matching)} → ${rule.assign.followers.goal}`,
    ...(rule.effects ?? []),
  ];
  return parts.filter(Boolean).join('; ');
}
