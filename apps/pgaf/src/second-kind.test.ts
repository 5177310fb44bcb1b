import { copyFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '@pgaf/core/testing/free-ports';
import { errorsOf, Sandbox, waitFor } from './testing/run-pgaf.js';

/** Everything of the contract, with a kind that the libraries have never heard of. */
const sandbox = new Sandbox();
const plugin = sandbox.path('paired.mjs');
const env = { PGAF_PLUGINS: plugin };
let monitorUri = '';
const ports: Record<string, string> = {};

async function psql(member: string, sql: string): Promise<string> {
  const { connect } = await import('@pgaf/conninfo/connect');
  const { parseConnInfo } = await import('@pgaf/conninfo/conninfo');
  const target = member === 'monitor' ? monitorUri : `postgres://app@127.0.0.1:${ports[member]}/postgres`;
  const client = await connect(parseConnInfo(target), { connectTimeoutMs: 2000 });
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows.map((row) => Object.values(row).join('|')).join('\n');
  } finally {
    await client.end();
  }
}

const create = (member: string, role: string, ...more: string[]): void => {
  const place = [
    '--pgdata',
    sandbox.path(member),
    '--pgport',
    ports[member] ?? '',
    '--hostname',
    '127.0.0.1',
  ];
  const choices = [
    '--auth',
    'trust',
    '--no-ssl',
    '--pg-hba-lan',
    '--formation',
    'pair',
    '--monitor',
    monitorUri,
    '--username',
    'app',
  ];
  sandbox.start(['create', role, ...place, ...choices, ...more, '--run'], env);
};

const state = async (): Promise<string> =>
  (await sandbox.run(['show', 'state', '--monitor', monitorUri, '--formation', 'pair'], env)).stdout;

beforeAll(async () => {
  copyFileSync(fileURLToPath(new URL('../test/second-kind/paired.mjs', import.meta.url)), plugin);
  for (const member of ['monitor', 'hub', 'spoke', 'twin']) ports[member] = String(await freePort());
  monitorUri = `postgres://autoctl_node@127.0.0.1:${ports['monitor']}/pg_auto_failover?sslmode=prefer`;
  const place = [
    '--pgdata',
    sandbox.path('monitor'),
    '--pgport',
    ports['monitor'] ?? '',
    '--hostname',
    '127.0.0.1',
  ];
  sandbox.start(['create', 'monitor', ...place, '--auth', 'trust', '--no-ssl', '--run'], env);
  await waitFor('the monitor', async () => {
    const made = psql(
      'monitor',
      `SELECT pgautofailover.create_formation('pair', 'paired', 'postgres', true, 0)`,
    );
    return made.then(
      () => true,
      () => false,
    );
  });
  create('hub', 'hub');
  create('spoke', 'spoke', '--zone', 'there');
  await waitFor(
    'two groups',
    async () => {
      const table = await state();
      return /hub_1 .* single \|\s+single/.test(table) && /spoke1_1 .* single \|\s+single/.test(table);
    },
    60_000,
  );
}, 120_000);

afterAll(() => sandbox.dispose());

describe('a second kind', () => {
  it('has its roles among the commands, with their flags', async () => {
    const help = await sandbox.run(['create', 'spoke', '--help'], env);
    expect(help.stderr).toContain('--zone');
    expect((await sandbox.run(['create', 'spoke', '--help'])).stderr).not.toContain('--zone');
  });

  it('places and names its nodes', async () => {
    const table = await state();
    expect(table).toMatch(/ hub_1 \|\s+0\/\d+ \|/);
    expect(table).toMatch(/spoke1_1 \|\s+1\/\d+ \|/);
  });

  it('has the groups that its roles have', async () => {
    const about = ['--monitor', monitorUri, '--formation', 'pair'];
    const one = await sandbox.run(['show', 'state', ...about, '--group', '1'], env);
    expect(one.stdout).toMatch(/spoke1_1 \|/);
    expect(one.stdout).not.toMatch(/hub_1 \|/);
    const none = await sandbox.run(['show', 'state', ...about, '--group', '9'], env);
    expect(errorsOf(none.stderr)[0]).toEqual({
      msg: 'There is no group 9 in the formation "pair".',
      hint: 'It has the groups 0, 1.',
    });
  });

  it('keeps its flag in its section of the configuration', async () => {
    const { readFileSync } = await import('node:fs');
    const folder = `${sandbox.path('config')}/pg_autoctl${sandbox.directory}`;
    expect(readFileSync(`${folder}/spoke/pg_autoctl.cfg`, 'utf8')).toMatch(/\[paired\]\nzone = there/);
    expect(readFileSync(`${folder}/hub/pg_autoctl.cfg`, 'utf8')).toMatch(/\[paired\]\nzone = here/);
  });

  it('runs its step on the edge, and reconciles what the hub knows of the spokes', async () => {
    await waitFor(
      'the registry',
      async () =>
        (await psql('hub', 'SELECT * FROM public.paired_registry')) === `1|127.0.0.1|${ports['spoke']}`,
    );
  });

  it('applies its settings to its role alone', async () => {
    const place = await psql('hub', `SELECT current_setting('paired.place', true)`);
    expect(place).toBe(`127.0.0.1:${ports['hub']} here`);
    const setting = `SELECT coalesce(current_setting('paired.hub', true), '')`;
    expect(await psql('hub', setting)).toBe('on');
    expect(await psql('spoke', setting)).toBe('');
  });

  it('decides by its rule in its groups', async () => {
    create('twin', 'spoke', '--group', '1');
    await waitFor(
      'a standby of the spoke',
      async () => /spoke1_2 .* secondary \|\s+secondary/.test(await state()),
      60_000,
    );
    const events = await sandbox.run(
      ['show', 'events', '--monitor', monitorUri, '--formation', 'pair', '--count', '50', '--json'],
      env,
    );
    const rules = (JSON.parse(events.stdout) as { rule: string | null }[]).map(({ rule }) => rule);
    expect(rules).toContain('paired.copySpoke');
    expect(rules).not.toContain('standby.copy');
  }, 90_000);

  it('tells people what its parts on the nodes have done', async () => {
    const told = await psql('monitor', 'SELECT description FROM pgautofailover.event ORDER BY eventid');
    expect(told.split('\n')).toEqual(
      expect.arrayContaining(['The hub has started', `The hub knows spoke 1 at 127.0.0.1:${ports['spoke']}`]),
    );
  });

  it('says to the other nodes what they need, and lets no node go that they need', async () => {
    const said = `SELECT pgautofailover.formation_view('pair') #>> '{groups,0,nodes,0,said,spokes}'`;
    await waitFor('the word of the hub', async () => (await psql('monitor', said)) === '[1]');
    const about = ['--monitor', monitorUri, '--formation', 'pair', '--name', 'hub_1'];
    const ended = await sandbox.run(['drop', 'node', ...about], env);
    expect(errorsOf(ended.stderr)[0]).toMatchObject({
      msg: expect.stringContaining('The hub has 1 spoke(s)'),
      hint: 'Drop the spokes first.',
    });
    expect(ended.status).toBe(6);
  });

  it('refuses options that exclude each other before anything is made', async () => {
    const place = ['--pgdata', sandbox.path('aside'), '--hostname', '127.0.0.1', '--monitor', monitorUri];
    const options = ['--auth', 'trust', '--no-ssl', '--zone', 'aside', '--candidate-priority', '7'];
    const ended = await sandbox.run(['create', 'spoke', ...place, ...options], env);
    expect(errorsOf(ended.stderr)[0]).toEqual({
      msg: 'A spoke aside is never promoted.',
      hint: 'Leave the priority out.',
    });
    expect(ended.status).toBe(1);
  });

  it('prints its rows of show uri, and its own command', async () => {
    const uris = await sandbox.run(['show', 'uri', '--monitor', monitorUri, '--json'], env);
    const rows = JSON.parse(uris.stdout) as { type: string; name: string; uri: string }[];
    expect(rows.map(({ type, name }) => `${type} ${name}`)).toEqual([
      'monitor monitor',
      'formation default',
      'formation pair',
      'spoke spoke1',
    ]);
    const pairs = await sandbox.run(['show', 'pairs', '--monitor', monitorUri, '--formation', 'pair'], env);
    expect(pairs.stdout).toContain(`spoke 1: spoke1_1 (127.0.0.1:${ports['spoke']})`);
    const json = await sandbox.run(
      ['show', 'pairs', '--monitor', monitorUri, '--formation', 'pair', '--json'],
      env,
    );
    expect(JSON.parse(json.stdout)).toHaveLength(2);
  });

  it('refuses with its own words', async () => {
    const port = String(await freePort());
    const place = [
      '--pgdata',
      sandbox.path('refused'),
      '--pgport',
      port,
      '--hostname',
      '127.0.0.1',
      '--monitor',
      monitorUri,
    ];
    const hub = [
      'create',
      'hub',
      ...place,
      '--auth',
      'trust',
      '--no-ssl',
      '--formation',
      'pair',
      '--candidate-priority',
      '0',
    ];
    const ended = await sandbox.run(hub, env);
    expect(errorsOf(ended.stderr)[0]).toMatchObject({
      msg: expect.stringContaining('A hub must be able to be elected'),
      hint: 'Give a priority above 0.',
    });
    expect(ended.status).toBe(6);
  });

  it('is missed by name where its plugin is not loaded', async () => {
    const ended = await sandbox.run(['create', 'hub']);
    expect(ended.status).toBe(1);
    const refused = await sandbox.run(['show', 'state', '--monitor', monitorUri], {
      PGAF_PLUGINS: sandbox.path('nowhere.mjs'),
    });
    expect(refused.status).toBe(0);
    expect(errorsOf(refused.stderr)[0]?.msg).toMatch(
      /nowhere\.mjs" of PGAF_PLUGINS is refused: it is not found/,
    );
  });
});
