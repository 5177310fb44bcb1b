import { join } from 'node:path';

/** Where a postmaster prints before its own log is open. Beside the data, so that it is removed with them. */
export function postmasterLog(pgdata: string): string {
  return join(pgdata, 'startup.log');
}
