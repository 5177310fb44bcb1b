import { describe, expect, it } from 'vitest';
import { errorsOf, type Sandbox } from './run-pgaf.js';

/** A command line that is wrong, and what its user is told. */
export interface BadInput {
  readonly what: string;
  readonly args: () => readonly string[];
  readonly env?: () => Record<string, string>;
  readonly status: number;
  readonly message: RegExp;
  readonly hint: RegExp;
}

/**
 * One test for each: message, hint and exit status, nothing on stdout, no file touched.
 * @param sandbox Where it runs; folders of servers that run in it are called `monitor`, `first`, `second` and `third`.
 * @param more What else must be equal before and after.
 */
export function describeBadInput(
  sandbox: Sandbox,
  cases: readonly BadInput[],
  more: () => Promise<unknown> = async () => null,
): void {
  // Servers write files of theirs all the time, in their data directories and below config, data and run.
  const isOfServer = /(^|\/)(monitor|first|second|third)\//;
  const untouchable = async () => [sandbox.tree().filter((name) => !isOfServer.test(name)), await more()];

  describe('bad input', () => {
    it.each(cases)('$what', async ({ args, env, status, message, hint }) => {
      const before = await untouchable();
      const ended = await sandbox.run(args(), env?.());
      const errors = errorsOf(ended.stderr);
      expect(errors.map((error) => error.msg).join('\n') + ended.stdout).toMatch(message);
      expect(errors.at(-1)?.hint ?? '').toMatch(hint);
      expect(ended.status).toBe(status);
      expect(ended.stdout).toBe('');
      // JSON is for services.
      if (args()[0] !== 'run') expect(ended.stderr).not.toMatch(/^\s*[{]|^ +at /m);
      expect(await untouchable()).toEqual(before);
    });
  });
}
