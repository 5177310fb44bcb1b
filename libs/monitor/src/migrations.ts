import { sql as tables } from './migrations/0001-tables.sql.js';
import { sql as reports } from './migrations/0002-reports.sql.js';
import { sql as reads } from './migrations/0003-reads.sql.js';
import { sql as commands } from './migrations/0004-commands.sql.js';
import { sql as decisions } from './migrations/0005-decisions.sql.js';
import { sql as sessions } from './migrations/0006-sessions.sql.js';
import { sql as manyNodes } from './migrations/0007-many-nodes.sql.js';
import { sql as newsUnheard } from './migrations/0008-news-unheard.sql.js';
import { sql as unsaidSessions } from './migrations/0009-unsaid-sessions.sql.js';
import { sql as doubtByEpoch } from './migrations/0010-doubt-by-epoch.sql.js';
import { sql as seldomPlans } from './migrations/0011-seldom-plans.sql.js';

export interface Migration {
  readonly version: number;
  readonly name: string;
  /** True when a program that does not know this migration must not run on the schema. */
  readonly breaking: boolean;
  readonly sql: string;
}

/** In the order of their numbers. A released one never changes; what it got wrong a later one mends. */
export const MIGRATIONS: readonly Migration[] = [
  { version: 1, name: 'tables', breaking: true, sql: tables },
  { version: 2, name: 'reports', breaking: true, sql: reports },
  { version: 3, name: 'reads', breaking: true, sql: reads },
  { version: 4, name: 'commands', breaking: true, sql: commands },
  { version: 5, name: 'decisions', breaking: true, sql: decisions },
  { version: 6, name: 'sessions', breaking: false, sql: sessions },
  { version: 7, name: 'many-nodes', breaking: false, sql: manyNodes },
  { version: 8, name: 'news-unheard', breaking: false, sql: newsUnheard },
  { version: 9, name: 'unsaid-sessions', breaking: false, sql: unsaidSessions },
  { version: 10, name: 'doubt-by-epoch', breaking: false, sql: doubtByEpoch },
  { version: 11, name: 'seldom-plans', breaking: false, sql: seldomPlans },
];

/** The newest schema that this program knows; plugins name the range that they work with. */
export const SCHEMA_VERSION = 11;
