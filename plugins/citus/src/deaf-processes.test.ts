import { describe, expect, it } from 'vitest';
import { DeafProcesses } from './deaf-processes.js';

describe('a process that is told to end', () => {
  it('is deaf when it is there for too long', () => {
    const deaf = new DeafProcesses();
    expect(deaf.look([7], 0)).toEqual([]);
    expect(deaf.look([7, 8], 1000)).toEqual([]);
    expect(deaf.look([7, 8], 1600)).toEqual([7]);
    expect(deaf.look([8], 3000)).toEqual([8]);
  });

  it('is another one when it comes back', () => {
    const deaf = new DeafProcesses();
    deaf.look([7], 0);
    deaf.look([], 1000);
    expect(deaf.look([7], 2000)).toEqual([]);
  });
});
