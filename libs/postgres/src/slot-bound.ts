import { statfs } from 'node:fs/promises';
import { join } from 'node:path';

const MEGABYTE = 1024 ** 2;
/** As much as wal_keep_size keeps in any case. */
const LEAST_MB = 1024;

/**
 * How much WAL slots may hold back: a quarter of the file system of `pg_wal`, in whole megabytes and at least 1 GB, as
 * `max_slot_wal_keep_size`. A standby that needs more is copied anew, which is better than a primary without room.
 */
export async function defaultSlotBound(pgdata: string): Promise<string> {
  const { blocks, bsize } = await statfs(join(pgdata, 'pg_wal')).catch(() => statfs(pgdata));
  const quarter = Math.floor((blocks * bsize) / 4 / MEGABYTE);
  return `${Math.max(LEAST_MB, quarter)}MB`;
}
