import { formatDuration, type Milliseconds } from '@pgaf/core/durations';
import { EXIT, UserError } from '@pgaf/core/errors';
import type { ConfigFile } from './file.js';
import type { MonitorConfig } from './settings.js';

type Timeouts = MonitorConfig['timeout'];

interface Rule {
  /** The setting that is too small, as in the file, and its value. */
  readonly key: string;
  readonly value: (timeout: Timeouts) => Milliseconds;
  readonly least: (timeout: Timeouts) => Milliseconds;
  readonly because: string;
}

/** What each setting says for itself may be right, and not beside the others. */
const RULES: readonly Rule[] = [
  {
    key: 'bad_health_after',
    value: ({ badHealthAfter }) => badHealthAfter,
    least: ({ healthCheckPeriod, healthCheckTimeout }) => healthCheckPeriod + healthCheckTimeout,
    because:
      'health_check_period and health_check_timeout together: one check that fails would outweigh a keeper',
  },
  {
    key: 'silent_after',
    value: ({ silentAfter }) => silentAfter,
    // A report each second, and some time on the way.
    least: () => 1500,
    because: 'the time between two reports: a node that is well would be silent before each of them',
  },
];

/** @throws UserError `contradiction`, naming the line, when settings of a monitor do not go together. */
export function requireConsistentTimings(timeout: Timeouts, file: ConfigFile): void {
  for (const { key, value, least, because } of RULES) {
    const needed = least(timeout);
    if (value(timeout) >= needed) continue;
    const line = file.entries.find((entry) => entry.section === 'timeout' && entry.key === key)?.line;
    const place = line === undefined ? file.path : `${file.path}:${line}`;
    throw new UserError(
      `${place}: timeout.${key} is ${formatDuration(value(timeout))}, which is less than ${because}.`,
      {
        code: 'contradiction',
        exit: EXIT.badConfiguration,
        hint: `Set timeout.${key} to ${formatDuration(needed)} or more.`,
      },
    );
  }
}
