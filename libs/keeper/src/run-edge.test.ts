import { expect, test } from 'vitest';
import { EXIT, UserError } from '@pgaf/core/errors';
import { done, fatal, retry, type Outcome } from '@pgaf/core/result';
import type { Step } from '@pgaf/plugin-api';
import { runEdge, type Obstacle } from './run-edge.js';

const steps: Step[] = [{ do: 'stopPostgres' }, { do: 'recordStop' }, { do: 'startPostgres' }];

function recorder(answers: Partial<Record<Step['do'], (Outcome | Error)[]>>) {
  const ran: string[] = [];
  const obstacles: (Obstacle | null)[] = [];
  const controller = new AbortController();
  const run = {
    steps,
    signal: controller.signal,
    arrive: (): void => undefined,
    waitingFor: (obstacle: Obstacle | null) => obstacles.push(obstacle),
    runStep: (step: Step): Promise<Outcome> => {
      ran.push(step.do);
      const answer = answers[step.do]?.shift() ?? done;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  return { run, ran, obstacles, controller };
}

test('steps run in order', async () => {
  const { run, ran, obstacles } = recorder({});
  expect(await runEdge(run)).toBe('done');
  expect(ran).toEqual(['stopPostgres', 'recordStop', 'startPostgres']);
  expect(obstacles).toEqual([null]);
});

test('a step that cannot be done yet starts the edge again', async () => {
  const { run, ran, obstacles } = recorder({ recordStop: [retry('busy'), new Error('broken')] });
  expect(await runEdge(run)).toBe('done');
  expect(ran).toEqual([
    'stopPostgres',
    'recordStop',
    'stopPostgres',
    'recordStop',
    'stopPostgres',
    'recordStop',
    'startPostgres',
  ]);
  expect(obstacles.map((obstacle) => obstacle?.reason ?? null)).toEqual(['busy', 'broken', null]);
});

test('an abort ends the edge at the next step, also one that waits for a person', async () => {
  const between = recorder({});
  const inner = between.run.runStep;
  between.run.runStep = async (step) => {
    if (step.do === 'recordStop') between.controller.abort();
    return inner(step);
  };
  expect(await runEdge(between.run)).toBe('aborted');
  expect(between.ran).toEqual(['stopPostgres', 'recordStop']);

  const stuck = recorder({ stopPostgres: [fatal('no space', 'make some')] });
  stuck.run.waitingFor = (obstacle) => {
    expect(obstacle).toMatchObject({ tag: 'fatal', hint: 'make some' });
    stuck.controller.abort();
    return 0;
  };
  expect(await runEdge(stuck.run)).toBe('aborted');
});

test('an error that the user must mend is fatal', async () => {
  const { run, obstacles, controller } = recorder({
    stopPostgres: [new UserError('no pg_ctl', { code: 'x', exit: EXIT.pgctl, hint: 'install it' })],
  });
  const ended = runEdge(run);
  while (obstacles.length === 0) await Promise.resolve();
  controller.abort();
  expect(await ended).toBe('aborted');
  expect(obstacles[0]).toEqual({
    step: 'stopPostgres',
    tag: 'fatal',
    reason: 'no pg_ctl',
    hint: 'install it',
  });
});

test('an edge whose end cannot be kept is not done, and is run again', async () => {
  const { run, ran, obstacles } = recorder({});
  const failures = ['no space left'];
  const arrive = (): void => {
    const failure = failures.shift();
    if (failure) throw new Error(failure);
  };
  expect(await runEdge({ ...run, arrive })).toBe('done');
  expect(ran).toHaveLength(6);
  expect(obstacles.map((obstacle) => obstacle?.reason ?? null)).toEqual(['no space left', null]);
});
