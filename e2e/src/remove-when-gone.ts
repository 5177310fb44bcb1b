import { spawn } from 'node:child_process';

/** Removes the directory, and ends what runs in it, when this process is gone, whatever ended it. */
export function removeWhenGone(directory: string, reaper: string): void {
  const guard = spawn(process.execPath, [reaper, directory], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.unref();
}
