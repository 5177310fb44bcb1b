import { beforeAll } from 'vitest';

/**
 * Postgres refuses to run as root, so tests that root starts, and whose set-up this is or that import it, become
 * the user that pgaf becomes. Only once the test file and all that it imports is loaded: the checkout may be
 * readable by root alone.
 */
beforeAll(() => {
  if (process.getuid?.() !== 0) return;
  const user = 'postgres';
  process.setgroups?.([user]);
  process.setgid?.(user);
  process.setuid?.(user);
  Object.assign(process.env, { USER: user, LOGNAME: user, HOME: '/var/lib/postgresql' });
  process.chdir('/');
});
