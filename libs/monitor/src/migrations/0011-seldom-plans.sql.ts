/** How often the tables of reports are vacuumed and analyzed. Immutable once released. */
export const sql = /* sql */ `
-- Whenever a table is vacuumed or analyzed, each session plans anew what it has planned of it. By Postgres' own thresholds,
-- which follow the number of rows and not how often they change, that would be once a minute for 1,000 keepers: a second of a
-- core at once for their next reports, and more of it for those in full. What reports leave behind the pages clear away by
-- themselves but for a few of a hundred, and all that is planned are looks at single rows, or at all of few.
ALTER TABLE pgautofailover.node
  SET (autovacuum_vacuum_threshold = 10000, autovacuum_analyze_threshold = 1000000);
ALTER TABLE pgautofailover.group_state
  SET (autovacuum_vacuum_threshold = 1000, autovacuum_analyze_threshold = 10000);
`;
