import { parseConfig } from '@pgaf/config/file';
import { keeperSettings } from '@pgaf/config/settings';
import { expect, test } from 'vitest';
import type { FlagValues } from './flag-values.js';
import { withEarlierChoices } from './earlier-choices.js';

const earlier = (level: string) =>
  parseConfig('node.cfg', `[postgresql]\nhba_level = ${level}\nauth_method = md5\n`, keeperSettings);

const LAN = 'pg-hba-lan';

test.each<[string, string, FlagValues, Record<string, string>, boolean | undefined]>([
  ['what nobody speaks of stays', 'app', {}, {}, true],
  ['by what one logs in says nothing of from where', 'app', { auth: 'trust' }, {}, true],
  ['the local network can be shut out', 'app', { auth: 'trust', [LAN]: false }, {}, false],
  ['not by a variable that is empty', 'app', {}, { PG_AUTOCTL_PG_HBA_LAN: '' }, true],
  ['also by the environment', 'app', {}, { PG_AUTOCTL_PG_HBA_LAN: 'false' }, undefined],
  ['whoever writes pg_hba.conf alone has no lines of ours', 'app', { 'skip-pg-hba': true }, {}, undefined],
  ['it was shut out, and stays so', 'minimal', { auth: 'trust' }, {}, undefined],
])('%s', (_, level, flags, env, open) => {
  expect(withEarlierChoices(flags, env, earlier(level))[LAN]).toBe(open);
});

test('whose pg_hba.conf is not ours stays without lines of ours', () => {
  expect(withEarlierChoices({}, {}, earlier('skip'))).toMatchObject({ 'skip-pg-hba': true });
});
