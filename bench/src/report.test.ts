import { describe, expect, it } from 'vitest';
import { format } from 'prettier';
import { inserted, markdown } from './markdown.js';
import { achieved, type Outcome, type Result } from './measurement.js';
import type { Report } from './report.js';
import { comparison, details, peerCell, ratio } from './table.js';

const runs = (...values: number[]): Outcome =>
  achieved(values.map((value) => ({ value, acknowledged: 1000, lost: 0 })));

const SWITCHOVER: Result = {
  id: 'switchover',
  title: 'planned switchover',
  unit: 's',
  budget: 0.4,
  digits: 3,
  systems: { pgaf: runs(0.3, 0.2, 0.5), peer: runs(2.7, 2.1, 3), bare: runs(0.15) },
};
const NODE: Result = {
  id: 'node',
  title: 'node killed',
  unit: 's',
  budget: 4,
  digits: 3,
  systems: { pgaf: runs(5, 6, 7), peer: { failed: 'it did not come back' } },
};
const MEMORY: Result = {
  id: 'memory',
  title: 'memory of pgaf',
  unit: 'MB',
  budget: 90,
  digits: 1,
  systems: { pgaf: achieved([{ value: 30 }]) },
};
const REPORT: Report = {
  measuredAt: '2026-11-21T03:00:00.000Z',
  machine: {
    processors: 2,
    processor: 'one',
    memoryGB: 8,
    kernel: '6.1.0-18-amd64',
    node: 'v20.19.0',
    postgres: '15.18',
    citus: null,
    loadBefore: 0.14,
    emptyProcess: [52, 48, 101],
  },
  systems: [
    { id: 'pgaf', title: 'pgaf', version: '0.1.0', setup: 'defaults' },
    { id: 'peer', title: 'A peer', version: '2.0', setup: 'its defaults' },
    { id: 'bare', title: 'bare', version: '15.18', setup: 'by hand' },
  ],
  leftOut: [{ title: 'Another', reason: 'it is not installed' }],
  results: [SWITCHOVER, NODE, MEMORY],
};

describe('the comparison', () => {
  const lines = comparison(REPORT).split('\n');

  it('sets each median of ours beside spread, budget and verdict, and each peer’s beside its ratio', () => {
    expect(lines[0]).toMatch(/^ +pgaf +min – max +budget +A peer +bare$/);
    expect(lines[1]).toMatch(
      /^planned switchover +0\.300 s +0\.200 – 0\.500 +≤ 0\.4 s +ok +2\.700 s \(9×\) +0\.150 s \(0\.5×\)$/,
    );
    expect(lines[3]).toMatch(/30\.0 MB +30\.0 – 30\.0 +≤ 90 MB +ok +– +–$/);
  });

  it('says so when a budget is overrun, a peer failed, or a system does not have the scenario', () => {
    expect(lines[2]).toMatch(/^node killed +6\.000 s .* OVER +failed +–$/);
  });

  it('needs no pgaf in the run', () => {
    const peers = { ...REPORT, systems: REPORT.systems.slice(1) };
    const [head, first] = comparison(peers).split('\n');
    expect(head).toMatch(/^ +A peer +bare$/);
    expect(first).toMatch(/2\.700 s \(9×\) +0\.150 s/);
  });

  it('gives no ratio to none at all', () => {
    const [none, some] = [0, 156].map((value) => achieved([{ value }]));
    const result = { id: 'x', title: 'x', unit: 'statements', budget: 0, digits: 0 } as const;
    const systems = { ...(none && { pgaf: none }), ...(some && { peer: some }) };
    expect(peerCell({ ...result, systems }, 'peer')).toBe('156 statements');
  });

  it('shortens a ratio to what it can say', () => {
    const of = (median: number) => ratio(achieved([{ value: median }]), achieved([{ value: 0.2 }]));
    expect([0.17, 1.3, 51.04].map(of)).toEqual(['0.85×', '6.5×', '255×']);
  });
});

it('tells the rows of every system that wrote, and how often it ran', () => {
  const lines = details(REPORT).split('\n');
  expect(lines[2]).toMatch(/^planned switchover: A peer +2\.700 s +2\.100 – 3\.000 +3 +3000 +0$/);
  expect(lines.some((line) => /^node killed: A peer +failed/.test(line))).toBe(true);
  expect(lines.join()).not.toContain('memory');
});

describe('the page’s tables', () => {
  const text = markdown(REPORT);

  it('keep what is compared apart from what is ours alone, and tell versions, set-ups and who is missing', () => {
    const [compared, own, notes] = text.split('\n\n');
    expect(compared).toMatch(
      /\| planned switchover +\| 0\.300 s .*\| 2\.700 s \(9×\) +\| 0\.150 s \(0\.5×\) +\|/,
    );
    expect(compared).toMatch(/\| acknowledged rows lost, of all +\| 0 of 6000 +\| +\| none +\| 0 of 3000/);
    expect(own).toMatch(/\| memory of pgaf +\| 30\.0 MB/);
    expect(notes).toContain('A peer 2.0, medians of 3 runs: its defaults.');
    expect(notes).toContain('pgaf 0.1.0, medians of 1 to 3 runs');
    expect(notes).toContain('bare 15.18, medians of 1 run:');
    expect(notes).toContain(
      '2 cores, Linux 6.1, Postgres 15.18, Node 20.19.0, of which an empty process takes 52 ms (48 – 101), load average 0.1 before the start.',
    );
    expect(notes).toContain('Another was left out: it is not installed.');
  });

  it('are as prettier writes them', async () => {
    expect(await format(text, { parser: 'markdown' })).toBe(`${text}\n`);
  });

  it('replace what stands between the marks of a page, as often as they are put there', () => {
    const page = 'before\n\n<!-- bench: begin -->\n\nold\n\n<!-- bench: end -->\n\nafter\n';
    const once = inserted(page, 'new');
    expect(once).toBe('before\n\n<!-- bench: begin -->\n\nnew\n\n<!-- bench: end -->\n\nafter\n');
    expect(inserted(once, 'new')).toBe(once);
    expect(() => inserted('a page', 'new')).toThrow(/bench: begin/);
  });
});
