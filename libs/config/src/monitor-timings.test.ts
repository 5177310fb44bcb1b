import { expect, test } from 'vitest';
import { parseConfig } from './file.js';
import { requireConsistentTimings } from './monitor-timings.js';
import { resolve } from './precedence.js';
import { monitorSettings } from './settings.js';

function check(timeouts: string): void {
  const text = `[postgresql]\npgdata = /data\n[timeout]\n${timeouts}\n`;
  const file = parseConfig('/monitor.cfg', text, monitorSettings);
  requireConsistentTimings(resolve(monitorSettings, { file }).config.timeout, file);
}

test('the defaults go together, and so does what is scaled with them', () => {
  check('');
  check('health_check_timeout = 4\nbad_health_after = 5');
});

test.each([
  ['health_check_timeout = 5', '/monitor.cfg: timeout.bad_health_after is 5 s', '6 s'],
  ['health_check_period = 3\nbad_health_after = 3', '/monitor.cfg:5: timeout.bad_health_after is 3 s', '4 s'],
  ['silent_after = 1', '/monitor.cfg:4: timeout.silent_after is 1 s', '1.5 s'],
])('%s is refused, with the line that is wrong and what would be right', (timeouts, said, needed) => {
  expect(() => check(timeouts)).toThrow(said);
  expect(() => check(timeouts)).toThrow(expect.objectContaining({ hint: expect.stringContaining(needed) }));
});
