import { expect, it } from 'vitest';
import { onEachMachine } from './rounds.js';

const machines = new Set(['monitor', 'node1', 'node2']);
const step = (command: string) => ({ host: 'monitor', marks: [], command, output: '', line: 1 });
const typed = (command: string) => onEachMachine(step(command), machines);

it('types a command where the page says', () => {
  for (const command of ['pgaf show state', 'for n in 1 2; do echo $n; done'])
    expect(typed(command)).toEqual([[{ terminal: 'monitor', command }]]);
});

it('types a loop over machines on one after the other', () => {
  expect(typed('for host in node2 node1; do pgaf stop --pgdata ./$host || cat stop.log; done')).toEqual([
    [
      {
        terminal: 'node2',
        command: 'for host in node2; do pgaf stop --pgdata ./$host || cat stop.log; done',
      },
    ],
    [
      {
        terminal: 'node1',
        command: 'for host in node1; do pgaf stop --pgdata ./$host || cat stop.log; done',
      },
    ],
  ]);
});

it('types a loop over machines on all at once where they work at once', () => {
  expect(typed('for host in node1 monitor; do pgaf stop --pgdata ./$host & done; wait')).toEqual([
    [
      { terminal: 'node1', command: 'for host in node1; do pgaf stop --pgdata ./$host & done; wait' },
      { terminal: 'monitor', command: 'for host in monitor; do pgaf stop --pgdata ./$host & done; wait' },
    ],
  ]);
});
