import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeConfigFile } from '@pgaf/config/file';
import { pluginSettings } from '@pgaf/config/settings';
import { CONTRACT_VERSION, definePlugin, type RoleDefinition } from '@pgaf/plugin-api';
import { expect, test } from 'vitest';
import { pluginSection } from './node-plan.js';

const role: RoleDefinition = {
  name: 'hub',
  command: 'hub',
  summary: '',
  groups: { from: 0, to: 0 },
  defaultDbname: 'postgres',
  flags: [{ name: 'zone', summary: '', type: 'text', setting: 'time_zone_name' }],
};

test('settings of a plugin are written, also those whose names have underscores', async () => {
  const plugin = definePlugin({
    kind: 'paired',
    packageName: 'paired',
    version: '1',
    contract: CONTRACT_VERSION,
    ranges: { schema: [1, 99], postgres: [13, 18] },
    roles: [role],
    assignGroup: () => ({ tag: 'group', group: 0 }),
    nodeName: () => 'n',
    configuration: {
      name: 'paired_up',
      options: [
        { key: 'time_zone_name', default: 'here', summary: '' },
        { key: 'size', default: '1', summary: '' },
        { key: 'proxyport', default: '0', summary: '', section: 'postgresql' },
      ],
    },
  });
  const folder = mkdtempSync(join(tmpdir(), 'pgaf-plan-'));
  try {
    const file = join(folder, 'node.cfg');
    const schema = pluginSettings(plugin.configuration ? [plugin.configuration] : []);
    await writeConfigFile(file, schema, pluginSection(plugin, role, { zone: 'there' }));
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('[paired_up]');
    expect(text).toMatch(/^time_zone_name = there$/m);
    expect(text).toMatch(/^size = 1$/m);
    expect(text).not.toContain('proxyport');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
