import { expect, test } from 'vitest';
import { explore } from './explore.js';
import { realMachine, type Machine } from './machine.js';
import { runScenario } from './run-scenario.js';
import { randomScenario } from './scenario.js';
import { shrink } from './shrink.js';
import { simulate } from './simulate.js';

function run(argv: readonly string[], files: Readonly<Record<string, string>> = {}) {
  const lines: string[] = [];
  const status = simulate(argv, {
    print: (line) => lines.push(line),
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error(`${path}: no such file`);
      return text;
    },
    keep: (name) => name,
  });
  return { status, said: lines.join('\n') };
}

test('explores from a seed for so many runs, and says what it did', () => {
  expect(run(['--seed', '5', '--runs', '3', '--nodes', '2'])).toMatchObject({
    status: 0,
    said: expect.stringMatching(/^simulating groups of 2 from seed 5\n3 runs, \d+ steps/),
  });
});

test('replays a scenario from a file', () => {
  const scenario = JSON.stringify(randomScenario(3, { nodes: 2 }));
  expect(run(['--replay', 'x.json'], { 'x.json': scenario })).toMatchObject({
    status: 0,
    said: expect.stringMatching(/^nothing went wrong: \d+ steps/),
  });
});

test.each([
  [['--seed', 'x'], '--seed is a number from 0 on, not "x"'],
  [['--nodes', '0'], '--nodes is a number from 1 on, not "0"'],
  [['--nodes', '1.5'], '--nodes is a whole number, not "1.5"'],
  [['--minutes', ''], '--minutes is a number from 0 on, not ""'],
  [['--replay', 'none.json'], 'none.json: no such file'],
  [['--replay', 'bad.json'], 'the file holds no scenario'],
  [['--sed', '1'], "Unknown option '--sed'"],
])('refuses %j and says how to type it', (argv, message) => {
  const { status, said } = run(argv, { 'bad.json': '{"seed": 1}' });
  expect(status).toBe(1);
  expect(said).toContain(message);
  expect(said).toContain('npm run simulate -- --replay FILE');
});

test('a failure is shrunk to few steps that fail in the same way, and repeats from its file', () => {
  const machine: Machine = { ...realMachine(), opens: () => true };
  const wanted = /still takes them/;
  const { found } = explore(machine, { seed: 1, seconds: 60, runs: 4000, wanted });
  if (!found) return expect.fail('nothing to shrink was found');
  const { scenario, result } = shrink(found, machine);
  expect(scenario.faults.length).toBeLessThanOrEqual(Math.min(4, found.scenario.faults.length));
  expect(result.violation?.what).toMatch(wanted);
  expect(runScenario(JSON.parse(JSON.stringify(scenario)), machine)).toEqual(result);
});
