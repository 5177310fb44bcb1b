import { spawnSync } from 'node:child_process';

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, at most 5 minutes. */
export function runProgram([program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv = {}): Ended {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: 300_000,
    env: { ...process.env, ...env },
  });
  if (error)
    throw new Error(`${program} ${args.join(' ')}: ${error.message}\n${stdout}${stderr}`, { cause: error });
  return { status, stdout, stderr };
}

/** What `docker ARGS` prints. @throws Error with its last lines when it fails. */
export function docker(...args: readonly string[]): string {
  const { status, stdout, stderr } = runProgram(['docker', ...args]);
  if (status === 0) return stdout.trim();
  throw new Error(`docker ${args.join(' ')} failed (${status}): ${stderr.trim().slice(-2000)}`);
}
