import { spawn } from 'node:child_process';
import dns from 'node:dns';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectTo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT } from '@pgaf/core/errors';
import type { Client } from 'pg';
import { freePort } from '@pgaf/core/testing/free-ports';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseConnInfo } from './conninfo.js';
import { CannotConnectError, connect, type ConnectOptions } from './connect.js';
import { makeCertificates } from './testing/throwaway-certificates.js';
import { startThrowaway, twoDataDirectories, type ThrowawayPostgres } from './testing/throwaway-postgres.js';

let scratch: string;
let root: string;
/** Speaks TLS, writes, and has one user for each kind of entry. */
let primary: ThrowawayPostgres;
/** Speaks no TLS, a hot standby. */
let standby: ThrowawayPostgres;
/** Accepts and never answers. */
let silent: Server;
const silentSockets = new Set<Socket>();
let closedPort: number;

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pgaf-connect-'));
  const certificates = await makeCertificates(scratch);
  root = certificates.root;
  const [first, second] = await twoDataDirectories();
  const any = '127.0.0.1/32';
  primary = await startThrowaway(
    {
      settings: { ssl: 'on' },
      files: { 'server.crt': certificates.cert, 'server.key': certificates.key },
      hba: [
        `host all postgres ${any} trust`,
        `host all postgres ::1/128 trust`,
        `hostnossl all only_plain ${any} trust`,
        `hostssl all only_tls ${any} trust`,
        `host all with_password ${any} scram-sha-256`,
      ],
    },
    first,
  );
  standby = await startThrowaway(
    { settings: {}, files: { 'standby.signal': '' }, hba: [`host all all ${any} trust`] },
    second,
  );
  await using(`host=${primary.folder} port=${primary.port} user=postgres`, async (client) => {
    await client.query('CREATE ROLE only_plain LOGIN');
    await client.query('CREATE ROLE only_tls LOGIN');
    await client.query("CREATE ROLE with_password LOGIN PASSWORD 'se:cret'");
  });
  silent = createServer((socket) => silentSockets.add(socket));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  closedPort = await freePort();
}, 60_000);

afterAll(async () => {
  for (const socket of silentSockets) socket.destroy();
  silent?.close();
  await primary?.stop();
  await standby?.stop();
  await rm(scratch, { recursive: true, force: true });
});

/** Connections to it are neither accepted nor refused, as to a host that is gone: nobody takes them from a full queue. */
async function unansweredAddress(port: number): Promise<{ readonly address: string; end(): void }> {
  const address = '127.0.0.2';
  const listen = `require('node:net').createServer().listen({ port: ${port}, host: '${address}', backlog: 1 },
    () => process.stdout.write('.'))`;
  const listener = spawn(process.execPath, ['-e', listen], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(listener.stdout, 'data');
  listener.kill('SIGSTOP');
  const waiting: Socket[] = [];
  for (let accepted = true; accepted;) {
    const socket = connectTo(port, address).on('error', () => undefined);
    waiting.push(socket);
    accepted = await Promise.race([once(socket, 'connect').then(() => true), sleep(500).then(() => false)]);
  }
  return {
    address,
    end: () => {
      for (const socket of waiting) socket.destroy();
      listener.kill('SIGKILL');
    },
  };
}

/** Passes connections on, counts them, and keeps what the clients sent. */
async function tapped(target: () => number) {
  let leadTo = target;
  let sent = '';
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    const beyond = connectTo(leadTo(), '127.0.0.1');
    socket.on('data', (bytes) => (sent += bytes.toString('latin1')));
    for (const end of [socket, beyond]) end.on('error', () => undefined);
    socket.pipe(beyond).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(server),
    connections: () => connections,
    sent: () => sent,
    leadTo: (next: () => number) => {
      leadTo = next;
    },
    end: () => server.close(),
  };
}

/** An environment in which no file of the person who runs the tests is found. */
function options(more: Partial<ConnectOptions> = {}): ConnectOptions {
  return { connectTimeoutMs: 5000, env: { HOME: scratch }, ...more };
}

async function using<T>(
  text: string,
  work: (client: Client) => Promise<T>,
  more: Partial<ConnectOptions> = {},
): Promise<T> {
  const client = await connect(parseConnInfo(`dbname=postgres ${text}`), options(more));
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function failure(text: string, more: Partial<ConnectOptions> = {}): Promise<CannotConnectError> {
  const error = await using(text, () => Promise.resolve('connected'), more).catch(
    (thrown: unknown) => thrown,
  );
  if (error instanceof CannotConnectError) return error;
  throw new Error('expected CannotConnectError', { cause: error });
}

async function encrypted(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ ssl: boolean }>(
    'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
  );
  return rows[0]?.ssl ?? false;
}

const toPrimary = (user = 'postgres') => `host=127.0.0.1 port=${primary.port} user=${user}`;
const toStandby = () => `host=127.0.0.1 port=${standby.port} user=postgres`;

describe('sslmode', () => {
  it.each([
    ['disable', 'postgres', false],
    ['allow', 'postgres', false],
    ['allow', 'only_tls', true],
    ['prefer', 'postgres', true],
    ['prefer', 'only_plain', false],
    ['require', 'postgres', true],
  ])('%s as %s is encrypted: %s', async (mode, user, expected) => {
    expect(await using(`${toPrimary(user)} sslmode=${mode}`, encrypted)).toBe(expected);
  });

  it('is prefer by default, and falls back when the server speaks no TLS', async () => {
    expect(await using(toPrimary(), encrypted)).toBe(true);
    expect(await using(toStandby(), encrypted)).toBe(false);
  });

  it('prefer of who looks for a server asks one without TLS once in a while, and finds out when it has TLS', async () => {
    const wire = await tapped(() => standby.port);
    const text = `host=127.0.0.1 port=${wire.port} user=postgres`;
    const sought = `${text} target_session_attrs=standby`;
    try {
      expect(await using(sought, encrypted)).toBe(false);
      expect(wire.connections()).toBe(2);
      expect(await using(sought, encrypted)).toBe(false);
      expect(wire.connections()).toBe(3);
      expect(await using(text, encrypted)).toBe(false);
      expect(wire.connections()).toBe(5);
      wire.leadTo(() => primary.port);
      const asOnlyTls = `host=127.0.0.1 port=${wire.port} user=only_tls target_session_attrs=primary`;
      expect(await using(asOnlyTls, encrypted)).toBe(true);
    } finally {
      wire.end();
    }
  });

  it.each(['allow', 'prefer'])('%s tells why a server without TLS refuses, each time', async (mode) => {
    const hosts = `host=127.0.0.1,127.0.0.1 port=${standby.port},${primary.port}`;
    const text = `${hosts} user=nobody sslmode=${mode} target_session_attrs=primary`;
    for (let i = 0; i < 2; i++)
      expect((await failure(text)).failures).toEqual([
        { host: `127.0.0.1:${standby.port}`, reason: 'role "nobody" does not exist' },
      ]);
  });

  it('does nothing over a socket', async () => {
    const text = `host=${primary.folder} port=${primary.port} user=postgres sslmode=verify-full`;
    expect(await using(text, encrypted)).toBe(false);
  });

  it('require fails without TLS', async () => {
    expect((await failure(`${toStandby()} sslmode=require`)).message).toContain('does not support SSL');
  });

  it('verify-ca checks the chain, verify-full the name too', async () => {
    const byName = `host=localhost port=${primary.port} user=postgres sslrootcert=${root}`;
    expect(await using(`${byName} sslmode=verify-full`, encrypted)).toBe(true);
    expect(await using(`${toPrimary()} sslmode=verify-ca sslrootcert=${root}`, encrypted)).toBe(true);
    const wrongName = await failure(`${toPrimary()} sslmode=verify-full sslrootcert=${root}`);
    expect(wrongName.message).toContain('the certificate is for DNS:localhost, not for 127.0.0.1');
    expect(wrongName.hint).toMatch(/by a name that is in the certificate/);
    const named = `host=localhost hostaddr=127.0.0.1 port=${primary.port} user=postgres`;
    expect(await using(`${named} sslmode=verify-full sslrootcert=${root}`, encrypted)).toBe(true);
  });

  it('require with a root file checks the chain, and without one nothing', async () => {
    const other = join(scratch, 'other');
    await mkdir(other);
    const { root: otherRoot } = await makeCertificates(other);
    expect((await failure(`${toPrimary()} sslmode=require sslrootcert=${otherRoot}`)).message).toMatch(
      /certificate is not signed by an authority that is trusted/,
    );
  });

  it('refuses a root file that is missing, and options that pgaf cannot honour', async () => {
    await expect(using(`${toPrimary()} sslmode=verify-full`, encrypted)).rejects.toMatchObject({
      code: 'bad-tls-file',
      exit: EXIT.badConfiguration,
    });
    await expect(using(`${toPrimary()} require_auth=none`, encrypted)).rejects.toMatchObject({
      code: 'bad-conninfo',
    });
    const env = { HOME: scratch, PGSSLMODE: 'verify-ful' };
    await expect(using(toPrimary(), encrypted, { env })).rejects.toMatchObject({ code: 'bad-conninfo' });
  });
});

describe('the password', () => {
  it('is the one of the string, else PGPASSWORD, else the passfile', async () => {
    const text = toPrimary('with_password');
    expect(await using(`${text} password=se:cret`, encrypted)).toBe(true);
    expect(await using(text, encrypted, { env: { HOME: scratch, PGPASSWORD: 'se:cret' } })).toBe(true);
    const passfile = join(scratch, 'pgpass');
    await writeFile(passfile, `127.0.0.1:${primary.port}:postgres:with_password:se\\:cret\n`, {
      mode: 0o600,
    });
    expect(await using(text, encrypted, { env: { HOME: scratch, PGPASSFILE: passfile } })).toBe(true);
    expect(await using(`${text} passfile=${passfile}`, encrypted)).toBe(true);
  });

  it('that is missing or wrong ends the search, and is not printed', async () => {
    const text = `host=127.0.0.1,127.0.0.1 port=${primary.port},${standby.port} user=with_password`;
    const missing = await failure(text);
    expect(missing.failures).toHaveLength(1);
    expect(missing.message).toContain('the server asks for a password and none is given');
    const wrong = await failure(`${text} password=hush`);
    expect(wrong.failures).toEqual([
      {
        host: `127.0.0.1:${primary.port}`,
        reason: 'password authentication failed for user "with_password"',
      },
    ]);
    expect(wrong.hint).toContain('Correct the password');
    expect(wrong.message).not.toContain('hush');
  });
});

describe('a failure', () => {
  it('may mend itself when a server that is not up yet is all that it takes', async () => {
    const texts = {
      'nobody listens': `host=127.0.0.1 port=${closedPort} user=postgres`,
      'nobody answers': `host=127.0.0.1 port=${portOf(silent)} user=postgres`,
      'nobody listens at one of two': `host=127.0.0.1,127.0.0.1 port=${closedPort},${primary.port} user=postgres target_session_attrs=standby`,
      'a wrong password': `host=127.0.0.1 port=${primary.port} user=with_password password=hush`,
      'nobody listens, and then a wrong password': `host=127.0.0.1,127.0.0.1 user=with_password password=hush port=${closedPort},${primary.port}`,
      'no such role': `host=127.0.0.1 port=${standby.port} user=nobody`,
      'no TLS where it is asked for': `host=127.0.0.1 port=${standby.port} user=postgres sslmode=require`,
      'nobody takes writes yet': `${toStandby()} target_session_attrs=read-write`,
      'a certificate that nobody here trusts': `host=127.0.0.1 port=${primary.port} user=postgres sslmode=verify-full sslrootcert=system`,
    };
    const found: Record<string, boolean> = {};
    for (const [what, text] of Object.entries(texts)) {
      found[what] = (await failure(text, { connectTimeoutMs: 500 })).mayMendItself;
    }
    expect(found).toEqual({
      'nobody listens': true,
      'nobody answers': true,
      'nobody listens at one of two': true,
      'a wrong password': false,
      'nobody listens, and then a wrong password': false,
      'no such role': false,
      'no TLS where it is asked for': false,
      'nobody takes writes yet': true,
      'a certificate that nobody here trusts': false,
    });
  });
});

describe('several hosts', () => {
  it('are tried in order, each within the timeout', async () => {
    const ports = `${closedPort},${portOf(silent)},${primary.port}`;
    const hosts = '127.0.0.1,127.0.0.1,127.0.0.1';
    const text = `host=${hosts} port=${ports} user=postgres`;
    const port = await using(text, async (client) => client.port, { connectTimeoutMs: 300 });
    expect(port).toBe(primary.port);
  });

  it('of one name do not wait for an address where nobody is any more', async () => {
    const gone = await unansweredAddress(primary.port);
    const addresses = [gone.address, '127.0.0.1'];
    const lookup = vi.spyOn(dns, 'lookup').mockImplementation(((
      _name: string,
      options: { readonly all?: boolean },
      answer: (error: null, found: unknown, family?: number) => void,
    ) =>
      process.nextTick(() =>
        options.all
          ? answer(
              null,
              addresses.map((address) => ({ address, family: 4 })),
            )
          : answer(null, gone.address, 4),
      )) as unknown as typeof dns.lookup);
    try {
      const text = `host=moved port=${primary.port} user=postgres`;
      expect(await using(text, encrypted, { connectTimeoutMs: 2000 })).toBe(true);
      expect(lookup).toHaveBeenCalled();
    } finally {
      lookup.mockRestore();
      gone.end();
    }
  });

  it('that all fail are named with their reasons, the exit and the hint', async () => {
    const text = `host=127.0.0.1,127.0.0.1,${scratch} port=${closedPort},${portOf(silent)},1 user=postgres`;
    const error = await failure(text, { connectTimeoutMs: 300, what: 'the monitor', exit: EXIT.monitor });
    expect(error.message).toBe(
      `Cannot connect to the monitor: 127.0.0.1:${closedPort}: connection refused; ` +
        `127.0.0.1:${portOf(silent)}: no answer within 300 ms; ${scratch}:1: there is no such socket.`,
    );
    expect(error).toMatchObject({ code: 'cannot-connect', exit: 6 });
    expect(error.hint).toContain('Check that Postgres runs');
  });

  it.each([
    ['any', 'standby'],
    ['read-write', 'primary'],
    ['primary', 'primary'],
    ['read-only', 'standby'],
    ['standby', 'standby'],
    ['prefer-standby', 'standby'],
  ])('with target_session_attrs=%s end at the %s', async (attrs, expected) => {
    const hosts = `host=127.0.0.1,127.0.0.1 user=postgres target_session_attrs=${attrs}`;
    const standbyFirst = ['any', 'read-write', 'primary'].includes(attrs);
    const ports = standbyFirst ? [standby.port, primary.port] : [primary.port, standby.port];
    const port = await using(`${hosts} port=${ports.join(',')}`, async (client) => client.port);
    expect(port).toBe(expected === 'primary' ? primary.port : standby.port);
  });

  it('prefer-standby takes a primary when there is nothing else', async () => {
    const text = `${toPrimary()} target_session_attrs=prefer-standby`;
    expect(await using(text, async (client) => client.port)).toBe(primary.port);
  });

  it('are not asked what they say unasked', async () => {
    const wire = await tapped(() => standby.port);
    try {
      await failure(`host=127.0.0.1 port=${wire.port} user=postgres target_session_attrs=read-write`);
      expect(wire.sent()).toContain('postgres');
      expect(wire.sent()).not.toContain('SELECT');
    } finally {
      wire.end();
    }
  });

  it('say what was wrong with a session that is not wanted', async () => {
    const error = await failure(`${toStandby()} target_session_attrs=read-write`);
    expect(error.failures[0]?.reason).toBe('the session is read-only');
  });
});

describe('a connection', () => {
  it('survives as a process when its server ends it', async () => {
    const client = await connect(parseConnInfo(`${toPrimary()} dbname=postgres`), options());
    const ended = new Promise((resolve) => client.once('end', resolve));
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await using(toPrimary(), (other) => other.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]));
    await ended;
    await expect(client.query('SELECT 1')).rejects.toThrow();
  });

  it('carries the name and the settings that are asked for', async () => {
    const read = async (client: Client) =>
      (
        await client.query(
          "SELECT current_setting('application_name') AS name, current_setting('lock_timeout') AS lock",
        )
      ).rows[0];
    const more = { applicationName: 'pgaf test', session: { lock_timeout: 500 } };
    expect(await using(toPrimary(), read, more)).toEqual({ name: 'pgaf test', lock: '500ms' });
    const named = `${toPrimary()} application_name=own options='-c lock_timeout=7s'`;
    expect(await using(named, read, { applicationName: 'pgaf test' })).toEqual({ name: 'own', lock: '7s' });
  });

  it('is given up on a signal', async () => {
    const controller = new AbortController();
    const pending = failure(`host=127.0.0.1,127.0.0.1 port=${portOf(silent)},${primary.port}`, {
      signal: controller.signal,
    });
    controller.abort();
    expect((await pending).failures).toHaveLength(1);
  });
});
