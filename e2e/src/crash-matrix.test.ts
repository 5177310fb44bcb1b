import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JOBS, Matrix } from './crash/matrix.js';
import { momentsOf, OPERATIONS } from './crash/operations.js';

/** It takes some ten minutes on two cores that do nothing else. */
const DEADLINE_MS = 30 * 60_000;
/** Formations at once: a fault is mostly waited for. */
const LANES = 3;

const matrix = new Matrix(JOBS, LANES);

beforeAll(() => {
  void matrix.play();
});
afterAll(() => matrix.close());

describe.each(OPERATIONS)('$name', (operation) => {
  it.each(JOBS.filter((job) => job.operation === operation))(
    'loses nothing and leaves nothing behind when the $victim.name is killed at each step',
    async (job) => {
      const { hit, absent, missed, told, error } = await matrix.result(job);
      if (error) throw error;
      expect(missed).toEqual([]);
      expect(hit.length + absent.length).toBe(momentsOf(operation).length);
      expect(hit.length).toBeGreaterThan(0);
      expect(told).toBe(true);
    },
    DEADLINE_MS,
  );
});
