import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '@pgaf/core/testing/free-ports';
import { errorsOf, Sandbox, waitFor } from '../testing/run-pgaf.js';

const sandbox = new Sandbox();
const ports = { monitor: 0, node: 0, other: 0 };
let monitor: FileNode;
let node: FileNode;

/** A node that a file describes, with what its service has logged by now. */
class FileNode {
  log = '';
  child: ChildProcess;

  constructor(
    readonly name: string,
    text: string,
  ) {
    this.write(text);
    this.child = this.start();
  }

  write(text: string): void {
    sandbox.file(`${this.name}.ini`, text, 0o600);
  }

  get text(): string {
    return readFileSync(sandbox.path(`${this.name}.ini`), 'utf8');
  }

  /** Replaces a line of the file. */
  edit(from: string, to: string): void {
    expect(this.text).toContain(from);
    this.write(this.text.replace(from, to));
  }

  start(): ChildProcess {
    this.child = sandbox.start(['node', 'run', `${this.name}.ini`]);
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.log += text));
    return this.child;
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    const ended = once(this.child, 'exit');
    this.child.kill(signal);
    return (await ended)[0] as number | null;
  }

  /** What it says from now on, while the work is done. */
  async says(what: RegExp, work: () => void): Promise<string> {
    const before = this.log.length;
    work();
    await waitFor(
      `${what}`,
      () => what.test(this.log.slice(before)),
      60_000,
      () => this.log,
    );
    return this.log.slice(before);
  }

  get config(): string {
    const own = `pg_autoctl${sandbox.path(this.name)}/pg_autoctl.cfg`;
    return readFileSync(`${sandbox.path('config')}/${own}`, 'utf8');
  }
}

const here = (name: string) => ['--pgdata', sandbox.path(name)];

async function states(): Promise<Record<string, unknown>[]> {
  const { stdout } = await sandbox.run(['show', 'state', ...here('monitor'), '--json']);
  return stdout === '' ? [] : (JSON.parse(stdout) as Record<string, unknown>[]);
}

async function awaitState(state: string, more: Record<string, unknown> = {}): Promise<void> {
  let seen: unknown = null;
  const holds = async (): Promise<boolean> => {
    const rows = await states();
    seen = rows;
    const wanted = { current_group_state: state, assigned_group_state: state, ...more };
    return rows.some((row) => Object.entries(wanted).every(([key, value]) => row[key] === value));
  };
  await waitFor(`a node that is ${state}`, holds, 60_000, () => JSON.stringify(seen) + node?.log);
}

const NODE = () => `[node]
kind = postgres
name = one
hostname = 127.0.0.1
port = ${ports.node}

[postgresql]
pgdata = node
dbname = app

[monitor]
pguri = postgres://autoctl_node@127.0.0.1:${ports.monitor}/pg_auto_failover?sslmode=prefer

[settings]
candidate_priority = 60

[options]
ssl = off
auth = trust
pg_hba_lan = false
`;

beforeAll(async () => {
  Object.assign(ports, { monitor: await freePort(), node: await freePort(), other: await freePort() });
  monitor = new FileNode(
    'monitor',
    `[node]
kind = monitor
hostname = 127.0.0.1
port = ${ports.monitor}
[postgresql]
pgdata = monitor
[options]
ssl = off
auth = trust
[formation default]
[formation side]
num_sync_standbys = 0
secondary = false
`,
  );
  await waitFor(
    'the monitor',
    async () => (await sandbox.run(['show', 'state', ...here('monitor')])).status === 0,
    60_000,
    () => monitor.log,
  );
  node = new FileNode('node', NODE());
  await awaitState('single');
}, 150_000);

afterAll(() => sandbox.dispose(), 60_000);

const settings = async (formation: string) =>
  (await sandbox.run(['show', 'settings', ...here('monitor'), '--formation', formation, '--json'])).stdout;

describe('a monitor of a file', () => {
  it('has the formations that the file names', async () => {
    await waitFor(
      'the formation',
      () => /Created formation \\"side\\"/.test(monitor.log),
      30_000,
      () => monitor.log,
    );
    const { status } = await sandbox.run([
      'get',
      'formation',
      'number-sync-standbys',
      ...here('monitor'),
      '-f',
      'side',
    ]);
    expect(status).toBe(0);
  });

  it('gets another one, and another setting, when the file changes, and loses none', async () => {
    await monitor.says(/takes standbys, as .*monitor\.ini:\d+ says/, () =>
      monitor.write(
        readFileSync(sandbox.path('monitor.ini'), 'utf8').replace('secondary = false', 'secondary = true') +
          '[formation more]\n',
      ),
    );
    await waitFor(
      'it',
      async () => (await settings('more')) !== '',
      30_000,
      () => monitor.log,
    );
    await monitor.says(/Took /, () => monitor.edit('[formation more]\n', ''));
    expect(await settings('more')).not.toBe('');
  });

  it('is the same when it starts again', async () => {
    expect(await monitor.end('SIGTERM')).toBe(0);
    monitor.start();
    await waitFor(
      'it',
      async () => (await states()).length === 1,
      60_000,
      () => monitor.log,
    );
  });
});

describe('a node of a file', () => {
  it('is created as the file says', async () => {
    expect(await states()).toMatchObject([
      { nodename: 'one', nodeport: ports.node, candidate_priority: 60, replication_quorum: true },
    ]);
    expect(node.config).toMatch(/^dbname = app$/m);
    expect(node.config).toMatch(/^hba_level = minimal$/m);
  });

  it('follows the file: priority, quorum, region, name, settings', async () => {
    await node.says(/candidate priority is 70 now \(was 60\), as .*node\.ini:\d+ says/, () =>
      node.edit('candidate_priority = 60', 'candidate_priority = 70\nregion = paris'),
    );
    await awaitState('single', { candidate_priority: 70, noderegion: 'paris' });
    await node.says(/Took .*node\.ini/, () => node.edit('name = one', 'name = uno'));
    await awaitState('single', { nodename: 'uno' });
    await node.says(/Reloaded: ssl\.active is now 1/, () => node.edit('ssl = off', 'ssl = self-signed'));
    expect(node.config).toMatch(/^active = 1$/m);
  });

  it('is told at once by SIGHUP, and once for each change', async () => {
    const said = await node.says(/Reloaded: replication\.maximum_backup_rate is now 50M/, () => {
      node.edit('[monitor]', '[replication]\nmaximum_backup_rate = 50M\n[monitor]');
      node.child.kill('SIGHUP');
    });
    expect(said.match(/Took/g)).toHaveLength(1);
  });

  it('keeps what the file says no more', async () => {
    const options = 'ssl = self-signed\nauth = trust\npg_hba_lan = false\n';
    const before = node.config;
    await node.says(/Reloaded: replication\.maximum_backup_rate is now 60M/, () => {
      node.write(node.text.replace('= 50M', '= 60M').replace(options, ''));
    });
    expect(node.config).toBe(before.replace('50M', '60M'));
    node.edit('[options]\n', `[options]\n${options}`);
  });

  it.each([
    [
      'candidate_priority = 70',
      'candidate_priority = 700',
      /settings\.candidate_priority, which must be a whole number/,
    ],
    ['[settings]', '[setings]', /\[setings\] is no section/],
    ['name = uno', 'name = u no', /node\.ini:\d+: node\.name: .*u no/],
    ['kind = postgres', 'kind = oracle', /node\.ini:2: .*oracle.* is not allowed for node\.kind/],
    ['pgdata = node', 'pgdata = elsewhere', /node\.ini:\d+: postgresql\.pgdata is/],
    ['ssl = self-signed', 'ssl = verify-full', /node\.ini/],
    ['region = paris', 'regoin = paris', /settings\.regoin is no setting/],
  ])('goes on as it is when the file says %s → %s', async (from, to, message) => {
    const [before, state] = [node.config, await states()];
    const said = await node.says(message, () => node.edit(from, to));
    expect(said).toContain('is not taken, and what was in force goes on');
    expect(node.config).toBe(before);
    expect(
      (await states()).map(({ nodename, candidate_priority }) => [nodename, candidate_priority]),
    ).toEqual(state.map(({ nodename, candidate_priority }) => [nodename, candidate_priority]));
    node.edit(to, from);
  });

  it('is the same node when it starts again, with what has changed meanwhile', async () => {
    const [{ node_id: id } = {}] = await states();
    expect(await node.end('SIGTERM')).toBe(0);
    node.edit('candidate_priority = 70', 'candidate_priority = 80');
    node.edit(`port = ${ports.node}`, `port = ${ports.other}`);
    node.start();
    await awaitState('single', { node_id: id, nodeport: ports.other, candidate_priority: 80 });
    expect(node.config).toMatch(/^dbname = app$/m);
  });

  it('starts while its monitor is away, also with another priority', async () => {
    expect(await node.end('SIGKILL')).toBe(null);
    await monitor.end('SIGTERM');
    node.edit('candidate_priority = 80', 'candidate_priority = 90');
    node.start();
    await waitFor(
      'it to run',
      () => /runs the keeper/.test(node.log.slice(-5000)),
      30_000,
      () => node.log,
    );
    monitor.start();
    await awaitState('single', { candidate_priority: 90 });
  });

  it('waits to be launched', async () => {
    const text = NODE()
      .replace('name = one', 'name = late')
      .replace('pgdata = node', 'pgdata = late')
      .replace(`port = ${ports.node}`, `port = ${await freePort()}`);
    await sandbox.run(['create', 'formation', '-f', 'late', '-k', 'pgsql', '-d', 'app', ...here('monitor')]);
    const late = new FileNode('late', `${text}[launch]\ncreate = deferred\n[formation]\nname = late\n`);
    await waitFor(
      'it to wait',
      () => /does not say launch.create/.test(late.log),
      30_000,
      () => late.log,
    );
    expect(sandbox.tree().filter((name) => name.startsWith('late/'))).toEqual([]);
    const shown = async () =>
      (await sandbox.run(['show', 'state', ...here('monitor'), '-f', 'late', '--json'])).stdout;
    late.edit('create = deferred', 'run = deferred');
    await waitFor(
      'its creation',
      () => /does not say launch.run/.test(late.log),
      60_000,
      () => late.log,
    );
    expect(await shown()).toContain('"late"');
    late.edit('run = deferred', 'run = immediate');
    await waitFor(
      'it',
      async () => (await shown()).includes('"single"'),
      60_000,
      () => late.log,
    );
    expect(await late.end('SIGTERM'), late.log).toBe(0);
  }, 120_000);
});

describe('a file that is wrong', () => {
  const run = (text: string) => {
    sandbox.file('bad.ini', text, 0o600);
    return sandbox.run(['node', 'run', 'bad.ini']);
  };
  const place = '[postgresql]\npgdata = new\n';

  it.each([
    ['[postgresql\n', /bad\.ini:1: "\[postgresql" is no "key = value"/, 2],
    ['[node]\nname = x\n', /bad\.ini:\d: postgresql\.pgdata is missing/, 2],
    [`${place}[monitor]\nno_monitor = true\n`, /bad\.ini:4: monitor\.no_monitor/, 2],
    [`${place}[formation a]\nkind = cluster\n`, /bad\.ini:3: \[formation a\]: there is no kind/, 2],
    [`${place}[monitor]\npguri = nonsense\n`, /bad\.ini:4: monitor\.pguri/, 2],
    [place, /bad\.ini: It is not said which monitor the node belongs to/, 2],
    [`${place}[options]\nauth = magic\n[monitor]\npguri = postgres://h/d\n`, /magic/, 2],
  ])('%j is refused, and nothing is made', async (text, message, status) => {
    const before = sandbox.tree().filter((name) => name.includes('new'));
    const ended = await run(text);
    expect(
      errorsOf(ended.stderr)
        .map(({ msg }) => msg)
        .join('\n'),
    ).toMatch(message);
    expect(ended.status).toBe(status);
    expect(sandbox.tree().filter((name) => name.includes('new'))).toEqual(before);
  });

  it('is refused when others can read its password, or when there is none', async () => {
    sandbox.file('open.ini', `${place}[replication]\npassword = x\n`, 0o644);
    const open = await sandbox.run(['node', 'run', 'open.ini']);
    expect(errorsOf(open.stderr)[0]).toMatchObject({
      msg: expect.stringContaining('open.ini:4'),
      hint: expect.stringMatching(/chmod 600/),
    });
    const none = await sandbox.run(['node', 'run', 'none.ini']);
    expect(errorsOf(none.stderr)[0]).toMatchObject({
      msg: expect.stringMatching(/There is no configuration file/),
      hint: expect.stringMatching(/node run FILE/),
    });
    expect(none.status).toBe(2);
  });
});
