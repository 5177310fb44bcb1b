import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONTRACT_VERSION, definePlugin, type Plugin } from '@pgaf/plugin-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadPlugins, type PluginHost } from './plugin-host.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgaf-plugin-host-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const plain: Plugin = definePlugin({
  kind: 'plain',
  packageName: 'plain',
  version: '1',
  contract: CONTRACT_VERSION,
  ranges: { schema: [1, 1], postgres: [13, 18] },
  roles: [
    { name: 'node', command: 'plain', summary: '', groups: { from: 0, to: 0 }, defaultDbname: 'postgres' },
  ],
  assignGroup: () => ({ tag: 'group', group: 0 }),
  nodeName: ({ id }) => `node_${id}`,
});

const placement = { role: 'hub', cluster: 'default', wantedGroup: null, secondary: true, groups: [] };
const registration = {
  id: 1,
  formation: 'f',
  role: 'hub',
  host: 'h',
  port: 1,
  cluster: 'default',
  candidatePriority: 50,
  group: 0,
  position: 0,
};
const removal = {
  node: 1,
  group: 0,
  formation: { formation: 'f', kind: 'paired', dbname: 'postgres', groups: [] },
};

function load(env: Record<string, string>, bundled: readonly Plugin[] = [plain]): Promise<PluginHost> {
  return loadPlugins({
    bundled,
    env,
    configHome: join(folder, 'config'),
    workingDirectory: folder,
    besidePgaf: join(folder, 'beside'),
    coreCommands: new Set(['create monitor', 'show state']),
    coreCreateFlags: new Set(['pgdata', 'name']),
    schema: 1,
  });
}

/** The text of a module whose default export is a plugin of two roles, with some fields replaced. */
function moduleText(replaced: Record<string, string> = {}): string {
  const fields: Record<string, string> = {
    tag: `'pgaf-plugin'`,
    kind: `'paired'`,
    packageName: `'paired'`,
    version: `'1.0.0'`,
    contract: `'${CONTRACT_VERSION}'`,
    ranges: '{ schema: [1, 2], postgres: [13, 18] }',
    roles: `[${role('hub', '{ from: 0, to: 0 }')}, ${role('spoke', '{ from: 1, to: null }')}]`,
    assignGroup: `() => ({ tag: 'group', group: 0 })`,
    nodeName: '({ id }) => `n${id}`',
    ...replaced,
  };
  const lines = Object.entries(fields).map(([name, text]) => `  ${name}: ${text},`);
  return `export default {\n${lines.join('\n')}\n};\n`;
}

function role(name: string, groups: string, more = ''): string {
  return `{ name: '${name}', command: '${name}', summary: '', groups: ${groups}, defaultDbname: 'postgres', ${more} }`;
}

function write(path: string, text: string): string {
  const file = join(folder, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  return file;
}

describe('where plugins come from', () => {
  it('takes absolute and relative paths from PGAF_PLUGINS, and has both kinds then', async () => {
    const file = write('a/paired.mjs', moduleText());
    for (const text of [file, './a/paired.mjs', 'a/paired.mjs']) {
      const host = await load({ PGAF_PLUGINS: text });
      expect(host.refused).toEqual([]);
      expect(host.kinds()).toEqual(['plain', 'paired']);
      expect(host.roleOwner('spoke')?.plugin.kind).toBe('paired');
      expect(host.roleOwner('plain')?.role.name).toBe('node');
      expect(host.roleOwner('nobody')).toBeUndefined();
    }
  });

  it('takes a list separated by commas or colons', async () => {
    write('one.mjs', moduleText());
    write('two.mjs', moduleText({ kind: `'two'`, roles: `[${role('other', '{ from: 0, to: null }')}]` }));
    expect((await load({ PGAF_PLUGINS: 'one.mjs,two.mjs' })).kinds()).toEqual(['plain', 'paired', 'two']);
    expect((await load({ PGAF_PLUGINS: 'one.mjs:two.mjs' })).kinds()).toEqual(['plain', 'paired', 'two']);
  });

  it('takes paths and packages from plugins.json, resolved from its folder, then beside pgaf', async () => {
    write('config/pgaf/near.mjs', moduleText());
    const far = moduleText({ kind: `'far'`, roles: `[${role('far', '{ from: 0, to: null }')}]` });
    write('beside/node_modules/pgaf-far/index.mjs', far);
    write(
      'beside/node_modules/pgaf-far/package.json',
      '{"name":"pgaf-far","type":"module","exports":"./index.mjs"}',
    );
    write('config/pgaf/plugins.json', '["./near.mjs", "pgaf-far"]');
    const host = await load({});
    expect(host.refused).toEqual([]);
    expect(host.kinds()).toEqual(['plain', 'paired', 'far']);
  });

  it('says which file of names cannot be read', async () => {
    const file = write('config/pgaf/plugins.json', '{"paired": true}');
    expect((await load({})).refused).toEqual([
      { name: file, askedBy: file, reason: 'must be an array of paths and package names' },
    ]);
  });

  it('says where it looked for one that is not there', async () => {
    const [refused] = (await load({ PGAF_PLUGINS: 'pgaf-missing' })).refused;
    expect(refused?.reason).toContain(`it is not found in ${folder} or ${join(folder, 'beside')}`);
  });
});

describe('what a plugin is refused for', () => {
  const rule = (fields: string) => `{ id: 'paired.rule', about: 'node', ${fields} because: 'of the test' }`;
  const broken: readonly [string, Record<string, string>, RegExp][] = [
    ['no tag', { tag: 'undefined' }, /not made by definePlugin/],
    ['another major contract', { contract: `'2.0'` }, /version 2\.0 of the plugin contract/],
    ['a later minor contract', { contract: `'1.99'` }, /version 1\.99 of the plugin contract, this pgaf has/],
    ['a contract that is no version', { contract: `'new'` }, /version new of the plugin contract/],
    [
      'a choice that is none',
      { roles: `[${role('hub', '{ from: 0, to: 0 }', `choose: 'me'`)}]` },
      /"choose" of its role "hub" is not a function/,
    ],
    [
      'a guard that is none',
      { guards: `{ 'paired.ready': true }` },
      /guard "paired.ready" is not a function/,
    ],
    ['requirements of nobody', { requirements: '[{}]' }, /of no role/],
    ['requirements of another role', { requirements: `[{ role: 'wheel' }]` }, /"wheel": it has no such role/],
    [
      'requirements twice',
      { requirements: `[{ role: 'hub' }, { role: 'hub' }]` },
      /requirements of the role "hub" are there twice/,
    ],
    [
      'a setting that is no text',
      { requirements: `[{ role: 'hub', settings: { work_mem: 4 } }]` },
      /the setting "work_mem" is not a text/,
    ],
    [
      'settings for nobody',
      { requirements: `[{ role: 'hub', settingsFor: {} }]` },
      /"settingsFor" is not a function/,
    ],
    [
      'an hba line from anywhere',
      { requirements: `[{ role: 'hub', hba: [{ user: 'u', from: 'lan' }, { user: 'u', from: 'all' }] }]` },
      /entry 2 of "hba" has another shape/,
    ],
    ['no kind', { kind: 'undefined' }, /"kind" is not a text/],
    ['a kind that is no word', { kind: `'Not A Word'` }, /not a lower-case word/],
    ['a kind that is taken', { kind: `'plain'` }, /kind "plain" belongs to plain already/],
    ['no roles', { roles: '[]' }, /has no roles/],
    ['a hook that is none', { assignGroup: `'0'` }, /"assignGroup" is not a function/],
    ['another schema', { ranges: '{ schema: [2, 3], postgres: [13, 18] }' }, /schema 2 to 3/],
    ['no ranges', { ranges: '{ schema: [1, 1] }' }, /"postgres" is not \[first, last\]/],
    [
      'a role of a core command',
      { roles: `[${role('monitor', '{ from: 0, to: 0 }')}]` },
      /"create monitor" is a command/,
    ],
    [
      'a role that is taken',
      { roles: `[${role('node', '{ from: 0, to: 0 }')}]` },
      /"node" .* belongs to plain/,
    ],
    [
      'groups that overlap',
      { roles: `[${role('hub', '{ from: 0, to: 2 }')}, ${role('spoke', '{ from: 2, to: null }')}]` },
      /groups of its roles "hub" and "spoke" overlap/,
    ],
    [
      'a flag that create has',
      {
        roles: `[${role('hub', '{ from: 0, to: 0 }', `flags: [{ name: 'pgdata', summary: '', type: 'text' }]`)}]`,
      },
      /has a flag --pgdata already/,
    ],
    [
      'a default of another type',
      {
        roles: `[${role('hub', '{ from: 0, to: 0 }', `flags: [{ name: 'size', summary: '', type: 'integer', default: 'x' }]`)}]`,
      },
      /default of its flag --size is not of type integer/,
    ],
    [
      'a setting without a section',
      {
        roles: `[${role('hub', '{ from: 0, to: 0 }', `flags: [{ name: 'size', summary: '', type: 'integer', setting: 'size' }]`)}]`,
      },
      /setting "size" that its configuration lacks/,
    ],
    [
      'a command of the core',
      { commands: `[{ name: 'show state', summary: '', run: async () => {} }]` },
      /belongs to pgaf/,
    ],
    ['a missing anchor', { rulePatches: `[{ disable: 'no.such.rule' }]` }, /do not fit.*no\.such\.rule/],
    [
      'an unknown guard',
      {
        rulePatches: `[{ insertAfter: 'standby.lost', rules: [${rule(`guards: ['nowhere'], assign: { subject: 'demoted' },`)}] }]`,
      },
      /do not fit.*nowhere/,
    ],
    [
      'an edge that is not there',
      { edgePatches: `[{ from: 'unknown', to: 'unknown', place: 'after', steps: [] }]` },
      /do not fit.*unknown/,
    ],
  ];
  it.each(broken)('%s', async (_what, replaced, reason) => {
    write('paired.mjs', moduleText(replaced));
    const host = await load({ PGAF_PLUGINS: 'paired.mjs' });
    expect(host.refused.map((one) => one.reason)).toEqual([expect.stringMatching(reason)]);
    expect(host.kinds()).toEqual(['plain']);
    expect(host.roleOwner('spoke')).toBeUndefined();
  });

  it('a module that fails to load, and the next one goes on', async () => {
    write('broken.mjs', `throw new Error('no luck');`);
    write('paired.mjs', moduleText());
    const host = await load({ PGAF_PLUGINS: 'broken.mjs,paired.mjs' });
    expect(host.refused).toEqual([
      { name: 'broken.mjs', askedBy: 'PGAF_PLUGINS', reason: 'it cannot be loaded: no luck' },
    ]);
    expect(host.kinds()).toEqual(['plain', 'paired']);
  });

  it('a bundled one that fails is a bug', async () => {
    await expect(load({}, [plain, plain])).rejects.toThrow(/bundled plugin plain is refused/);
  });
});

describe('what the host hands out', () => {
  it('splices rules for the kind and edges for the role', async () => {
    write(
      'paired.mjs',
      moduleText({
        rulePatches: `[{ disable: 'standby.lost' }]`,
        edgePatches: `[{ from: 'init', to: 'single', roles: ['hub'], place: 'after', steps: [{ do: 'plugin', kind: 'paired', step: 'x' }] }]`,
        keeper: 'async () => ({ steps: { x: async () => ({ tag: "done" }) } })',
      }),
    );
    const host = await load({ PGAF_PLUGINS: 'paired.mjs' });
    expect(host.refused).toEqual([]);
    const ids = (kind: string) => host.ruleBook(kind).rules.map((rule) => rule.id);
    expect(ids('plain')).toContain('standby.lost');
    expect(ids('paired')).not.toContain('standby.lost');
    const last = (role: string) => host.edgeTable('paired', role).get('init->single')?.steps.at(-1)?.do;
    expect(last('hub')).toBe('plugin');
    expect(last('spoke')).not.toBe('plugin');
    const part = await host.keeperPart('paired');
    expect(Object.keys(part.steps ?? {})).toEqual(['x']);
    expect(await host.keeperPart('paired')).toBe(part);
    expect(await host.keeperPart('plain')).toEqual({});
  });

  const answers: readonly [string, string, (plugin: Plugin) => unknown, RegExp][] = [
    [
      'assignGroup',
      `() => { throw new Error('out of luck') }`,
      (p) => p.assignGroup(placement),
      /out of luck/,
    ],
    ['assignGroup', `() => undefined`, (p) => p.assignGroup(placement), /neither a group nor a refusal/],
    ['assignGroup', `() => ({ tag: 'group', group: '0' })`, (p) => p.assignGroup(placement), /no number/],
    ['nodeName', `() => ''`, (p) => p.nodeName(registration), /no name/],
    ['validateNode', `() => { throw 'thrown' }`, (p) => p.validateNode?.(registration), /thrown/],
    ['validateNode', `() => ({ tag: 'refused' })`, (p) => p.validateNode?.(registration), /neither null nor/],
    ['validateRemoval', `({ formation }) => formation.no.more`, (p) => p.validateRemoval?.(removal), /no/],
    [
      'removalLoss',
      `() => { throw new Error('out of words') }`,
      (p) => p.removalLoss?.(removal),
      /out of words/,
    ],
    ['removalLoss', `() => ({})`, (p) => p.removalLoss?.(removal), /neither null nor a sentence/],
  ];
  it.each(answers)('%s, which is %s, fails in the name of the plugin', async (what, text, call, reason) => {
    write('paired.mjs', moduleText({ [what]: text }));
    const host = await load({ PGAF_PLUGINS: 'paired.mjs' });
    expect(host.refused).toEqual([]);
    let error: unknown;
    try {
      call(host.plugin('paired'));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'plugin-failed', hint: expect.stringContaining('version 1.0.0') });
    expect((error as Error).message).toMatch(reason);
    expect((error as Error).message).toContain(
      `paired, the plugin of the formation kind "paired", fails in ${what}:`,
    );
  });

  it('names what is missing', async () => {
    const host = await load({});
    expect(() => host.plugin('paired')).toThrow('There is no plugin for the formation kind "paired".');
    expect(() => host.edgeTable('plain', 'hub')).toThrow('Formations of kind "plain" have no role "hub".');
  });
});
