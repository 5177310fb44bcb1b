import { expect, it } from 'vitest';
import { allowedSkips, failures, tally } from '../../tools/count.mjs';

it('adds up what a report says, and counts a file that failed to load as a failure', () => {
  const sum = tally({
    testResults: [
      {
        name: 'a.test.ts',
        status: 'passed',
        assertionResults: [
          { status: 'passed', fullName: 'a' },
          { status: 'skipped', fullName: 'b' },
          { status: 'todo', fullName: 'c' },
        ],
      },
      { name: 'b.test.ts', status: 'failed', assertionResults: [{ status: 'failed', fullName: 'd' }] },
      { name: 'c.test.ts', status: 'failed', assertionResults: [] },
    ],
  });
  expect(sum).toEqual({ passed: 1, failed: 2, skipped: ['b', 'c'] });
});

it('reads the list of allowed skips under its heading only', () => {
  const page =
    '## Checks\n\n- `npm test`\n\n## Allowed skips\n\n- `containers start`: needs Docker.\n\n## More\n\n- `x`\n';
  expect([...allowedSkips(page)]).toEqual(['containers start']);
});

it('tells of each failed test its file, its name and how its message begins', () => {
  const told = failures({
    testResults: [
      {
        name: '/somewhere/else/a.test.ts',
        status: 'failed',
        assertionResults: [
          { status: 'passed', fullName: 'a' },
          {
            status: 'failed',
            fullName: 'b fails',
            failureMessages: ['\u001B[31mError: no\u001B[39m\n    at file.ts:1\n'],
          },
          { status: 'failed', fullName: 'c fails', failureMessages: [] },
        ],
      },
      {
        name: '/somewhere/else/b.test.ts',
        status: 'failed',
        message: 'SyntaxError: what',
        assertionResults: [{ status: 'skipped', fullName: 'd' }],
      },
    ],
  });
  expect(told).toEqual([
    'a.test.ts: b fails: Error: no',
    'a.test.ts: c fails',
    'b.test.ts failed outside its tests: SyntaxError: what',
  ]);
});
