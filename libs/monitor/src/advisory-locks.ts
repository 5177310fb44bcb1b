/** The first key of our advisory locks in the monitor's database; the letters `pgaf`. */
const PGAF = 0x70676166;

/** Held by the service for as long as it runs; `service_is_running()` looks for the same pair. */
export const SERVICE_LOCK = [PGAF, 1] as const;

/** Held by a transaction that migrates the schema. */
export const MIGRATION_LOCK = [PGAF, 2] as const;

/** Held by the session of the service that waits for news; `service_looks()` asks for the same pair. */
export const NEWS_LOCK = [PGAF, 3] as const;
