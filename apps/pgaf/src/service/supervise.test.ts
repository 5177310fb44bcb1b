import { EXIT, PgafError, UserError } from '@pgaf/core/errors';
import type { Logger } from '@pgaf/logging/logger';
import { describe, expect, it } from 'vitest';
import { PassingError, supervise } from './supervise.js';

const silent: Logger = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};
const policy = { times: 3, within: 60_000, first: 1, longest: 4 };
const never = new AbortController().signal;

function failing(times: number, error: Error) {
  let runs = 0;
  return {
    service: async () => {
      runs += 1;
      if (runs <= times) throw error;
      return 'ended';
    },
    runs: () => runs,
  };
}

describe('a supervised service', () => {
  it('is started again until it ends by itself', async () => {
    const { service, runs } = failing(3, new Error('no luck'));
    expect(await supervise('service', service, silent, never, policy)).toBe('ended');
    expect(runs()).toBe(4);
  });

  it('is given up when it fails too often', async () => {
    const { service, runs } = failing(99, new Error('no luck'));
    await expect(supervise('service', service, silent, never, policy)).rejects.toMatchObject({
      code: 'restarts-exhausted',
      exit: EXIT.fatal,
    });
    expect(runs()).toBe(4);
  });

  it('is not given up for what somebody can mend meanwhile', async () => {
    const full = new PassingError('no room', { code: 'no-room', exit: EXIT.pgctl, hint: 'Make room.' });
    const { service, runs } = failing(9, full);
    expect(await supervise('service', service, silent, never, policy)).toBe('ended');
    expect(runs()).toBe(10);
  });

  it('is not started again where that cannot help', async () => {
    const wrong = new UserError('wrong', { code: 'wrong', exit: EXIT.badConfiguration });
    const fatal = new PgafError('fatal', { code: 'fatal', exit: EXIT.fatal });
    for (const error of [wrong, fatal]) {
      const { service, runs } = failing(1, error);
      await expect(supervise('service', service, silent, never, policy)).rejects.toBe(error);
      expect(runs()).toBe(1);
    }
  });

  it('is not started again once it shall stop', async () => {
    const stopping = new AbortController();
    const { service, runs } = failing(99, new Error('no luck'));
    const run = supervise('service', service, silent, stopping.signal, {
      ...policy,
      first: 60_000,
      longest: 60_000,
    });
    stopping.abort();
    await expect(run).rejects.toThrow('no luck');
    expect(runs()).toBe(1);
  });
});
