import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { pgdataOfNodeFile, readNodeFile } from './node-file.js';

const folder = mkdtempSync(join(tmpdir(), 'pgaf-node-file-'));
const path = join(folder, 'node.ini');
afterAll(() => rmSync(folder, { recursive: true }));

const MORE = [
  { section: 'extra', key: 'size', type: 'integer', min: 0, max: 9, flag: 'extra-size' },
] as const;

function read(text: string, mode = 0o600) {
  rmSync(path, { force: true });
  writeFileSync(path, text, { mode });
  return readNodeFile(path, MORE);
}

describe('the file of a node', () => {
  it('says which options it stands for, each with its line, and where its paths begin', async () => {
    const file = await read(
      '# a node\n[node]\nname = one\nport = 5433\n[postgresql]\npgdata = data\n[ssl]\nca_file = /etc/ca\n[extra]\nsize = 3\n',
    );
    expect(file.pgdata).toBe(join(folder, 'data'));
    expect([...file.options]).toEqual([
      ['name', { name: 'node.name', line: 3, value: 'one' }],
      ['pgport', { name: 'node.port', line: 4, value: '5433' }],
      ['pgdata', { name: 'postgresql.pgdata', line: 6, value: join(folder, 'data') }],
      ['ssl-ca-file', { name: 'ssl.ca_file', line: 8, value: '/etc/ca' }],
      ['extra-size', { name: 'extra.size', line: 10, value: '3' }],
    ]);
    expect(file.config).toMatchObject({
      node: { kind: 'postgres' },
      options: { ssl: 'self-signed', pgHbaLan: true },
      launch: { create: 'immediate', run: 'immediate' },
    });
  });

  it('has any number of formations', async () => {
    const { formations } = await read(
      '[postgresql]\npgdata = /d\n[formation default]\n[formation b]\nkind = x\nnum_sync_standbys = 1\nsecondary = no\n',
    );
    expect(formations).toMatchObject([
      { name: 'default', line: 3 },
      { name: 'b', line: 4, kind: 'x', numSyncStandbys: 1, secondary: false },
    ]);
    expect(formations[0]?.secondary).toBeUndefined();
  });

  it.each([
    ['[postgresql]\n', /:1: postgresql\.pgdata is missing/],
    ['[postgresql]\npgdata = /d\n[nonsense]\nx = 1\n', /:3: \[nonsense\] is no section/],
    ['[postgresql]\npgdata = /d\nport = 1\n', /:3: postgresql\.port is no setting/],
    ['[postgresql]\npgdata = /d\n[node]\nport = high\n', /:4: "high" is not allowed for node\.port/],
    ['[postgresql]\npgdata = /d\n[extra]\nsize = 10\n', /:4: "10" is not allowed for extra\.size/],
    ['[postgresql]\npgdata = /d\n[formation x]\nsecondary = some\n', /:4: "some" is not allowed/],
    [
      '[postgresql]\npgdata = /d\n[formation x]\n[formation x]\n',
      /:4: \[formation x\] stands on line 3 already/,
    ],
  ])('%j is refused with its line', async (text, message) => {
    await expect(read(text)).rejects.toMatchObject({ message: expect.stringMatching(message), exit: 2 });
  });

  it('is closed to others when it has a password', async () => {
    const text = '[postgresql]\npgdata = /d\n[replication]\npassword = x\n';
    await expect(read(text, 0o644)).rejects.toMatchObject({ code: 'open-configuration' });
    expect((await read(text)).options.get('replication-password')?.value).toBe('x');
  });

  it('names its data directory before anything else is known', async () => {
    await read('[node]\npgdata = no\n[postgresql]\n  pgdata = "data"\nnonsense').catch(() => undefined);
    expect(pgdataOfNodeFile(path)).toBe(join(folder, 'data'));
    expect(pgdataOfNodeFile(join(folder, 'none'))).toBeNull();
  });
});
