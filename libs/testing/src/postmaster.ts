import { postmastersAmong } from './end-processes.js';
import type { Host } from './host.js';

/** @throws Error when the host runs no Postgres. */
export function postmasterOf(host: Host): number {
  const [found] = postmastersAmong(host.processes());
  if (!found) throw new Error(`${host.name} runs no Postgres`);
  return found.pid;
}
