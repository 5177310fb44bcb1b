import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, realpathSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { once } from 'node:events';
import { CertificateAuthority, type IssuedCertificate } from '@pgaf/core/testing/certificate-authority';
import { Formation, type Member } from '@pgaf/testing/formation';
import { makeOwnedDirectory, postgresOwner } from '@pgaf/testing/owner';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { whileWriting } from './while-writing.js';

const owner = postgresOwner();
const here = { name: 'server', altNames: ['IP:127.0.0.1'] };

let formation: Formation;
let authority: CertificateAuthority;
let server: IssuedCertificate;
let node: IssuedCertificate;

const parameters = ({ certFile, keyFile }: IssuedCertificate): string =>
  `sslmode=verify-full&sslrootcert=${authority.certFile}&sslcert=${certFile}&sslkey=${keyFile}`;

beforeAll(async () => {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'pgaf-certificates-')));
  makeOwnedDirectory(directory, owner);
  authority = await CertificateAuthority.create(join(directory, 'authority'), owner);
  server = await authority.issue(here);
  node = await authority.issue({ name: 'autoctl_node' });
  const app = await authority.issue({ name: 'app' });
  const monitorSecurity = [
    ...['--auth', 'cert', '--ssl-ca-file', authority.certFile],
    ...['--server-cert', server.certFile, '--server-key', server.keyFile],
  ];
  formation = await Formation.create({
    nodes: 2,
    directory,
    monitorSecurity,
    security: [...monitorSecurity, '--username', 'app', '--pg-hba-lan', '--region', 'here'],
    monitorParameters: `sslmode=verify-full&sslrootcert=${authority.certFile}`,
    login: { user: 'app', monitorParameters: parameters(node), nodeParameters: parameters(app) },
    // In the place of ~/.postgresql, which is one for all hosts of this machine.
    env: { PGSSLCERT: node.certFile, PGSSLKEY: node.keyFile },
  });
});

afterAll(() => formation?.dispose());

/** The certificate that a server shows: Postgres is asked for TLS, and the handshake begun. */
async function shownBy({ host, port }: Member): Promise<string> {
  const plain: Socket = connectTcp(port, host.address);
  plain.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]));
  const [answer] = (await once(plain, 'data')) as [Buffer];
  expect(answer.toString()).toBe('S');
  const socket = connectTls({ socket: plain, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

it('replicates, switches over, and takes a killed node back, by certificates alone', async () => {
  await whileWriting(formation, async (writer) => {
    const switchover = await formation.onMonitor(['perform', 'switchover']);
    expect(switchover.status, switchover.stderr).toBe(0);
    await formation.waitUntilStable();
    const primary = await formation.primary();
    const standby = await formation.standby();
    await primary.host.killEverything();
    await formation.waitForState(standby.host.name, 'wait_primary');
    await writer.untilWriting();
    await formation.restart(primary);
    await formation.waitUntilStable();
  });
});

it('tells the monitor the region', async () => {
  const shown = await formation.onMonitor(['show', 'state', '--json']);
  const rows = JSON.parse(shown.stdout) as { noderegion: string }[];
  expect(rows.map(({ noderegion }) => noderegion)).toEqual(['here', 'here']);
});

it('refuses a certificate that names somebody else, and a host that the certificate does not name', async () => {
  const stranger = await authority.issue({ name: 'stranger' });
  const at = `postgres://autoctl_node@${formation.monitor.host.address}:${formation.monitor.port}/pg_auto_failover`;
  const asStranger = await formation.monitor.host.run(
    ['show', 'state', '--monitor', `${at}?${parameters(stranger)}`],
    { env: { PGDATA: '' } },
  );
  expect(asStranger.status).toBe(6);
  expect(asStranger.stderr).toMatch(/certificate authentication failed for user "autoctl_node"/);
  const elsewhere = at.replace('127.0.0.1', 'localhost');
  const misnamed = await formation.monitor.host.run([
    ...['show', 'state', '--monitor', `${elsewhere}?${parameters(node)}`],
  ]);
  expect(misnamed.status).toBe(6);
  expect(misnamed.stderr).toMatch(/the certificate is for IP Address:127\.0\.0\.1, not for localhost/);
});

it('takes a renewed certificate at a reload, while clients stay', async () => {
  const before = new X509Certificate(readFileSync(server.certFile)).serialNumber;
  const renewed = await authority.issue({ ...here, name: 'renewed' });
  const serial = new X509Certificate(readFileSync(renewed.certFile)).serialNumber;
  for (const member of formation.nodes) expect(await shownBy(member)).toBe(before);
  renameSync(renewed.keyFile, server.keyFile);
  renameSync(renewed.certFile, server.certFile);
  for (const member of [...formation.nodes, formation.monitor]) {
    const reload = await member.host.run(['reload', '--pgdata', member.host.pgdata]);
    expect(reload.status, reload.stderr).toBe(0);
    await expect.poll(() => shownBy(member), { timeout: 30_000 }).toBe(serial);
  }
  await formation.waitUntilReported();
  await formation.waitUntilStable();
});
