import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CertificateAuthority, type IssuedCertificate } from '@pgaf/core/testing/certificate-authority';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkCertificates, type ServerCertificate } from './check-certificates.js';

const DAY = 86_400_000;
let folder: string;
let authority: CertificateAuthority;
let other: CertificateAuthority;
let good: IssuedCertificate;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgaf-certificates-'));
  authority = await CertificateAuthority.create(join(folder, 'authority'));
  other = await CertificateAuthority.create(join(folder, 'other'));
  good = await authority.issue({ name: 'db.example', altNames: ['DNS:db.example', 'IP:10.0.0.1'] });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const files = (change: Partial<ServerCertificate> = {}): ServerCertificate => ({
  ...good,
  caFile: authority.certFile,
  crlFile: null,
  ...change,
});

async function found(
  change: Partial<ServerCertificate>,
  verified: 'no' | 'chain' | 'chain and name' = 'chain and name',
  hostname: string | null = 'db.example',
): Promise<string[]> {
  const findings = await checkCertificates(files(change), verified, hostname);
  return findings.map(({ weight, problem }) => `${weight}: ${problem.replaceAll(`${folder}/`, '')}`);
}

test('a good one is good, by name and by address, with revocations too', async () => {
  expect(await found({})).toEqual([]);
  expect(await found({}, 'chain and name', '10.0.0.1')).toEqual([]);
  expect(await found({ crlFile: await authority.revocations() })).toEqual([]);
  expect(await found({ caFile: null }, 'no')).toEqual([]);
});

test('a name that is not in it is refused where it is verified', async () => {
  const problem =
    '"authority/db.example.crt" is a certificate for DNS:db.example, IP Address:10.0.0.1, and others reach this host as "elsewhere"';
  expect(await found({}, 'chain and name', 'elsewhere')).toEqual([`refusal: ${problem}`]);
  expect(await found({}, 'chain', 'elsewhere')).toEqual([`warning: ${problem}`]);
  const plain = await authority.issue({ name: 'plain' });
  expect(await found(plain, 'chain and name', 'plain')).toEqual([]);
  expect(await found(plain, 'chain and name', 'db.example')).toEqual([
    expect.stringMatching(/certificate for CN=plain/),
  ]);
});

test('an authority that did not sign it is refused where it is verified', async () => {
  const problem = '"authority/db.example.crt" is not signed by an authority of "other/ca.crt"';
  expect(await found({ caFile: other.certFile })).toEqual([`refusal: ${problem}`]);
  expect(await found({ caFile: other.certFile }, 'no')).toEqual([`warning: ${problem}`]);
  // It does not say by which key it was signed, and both authorities have one name: the signature alone tells.
  const silent = await authority.issue({ name: 'silent' });
  expect(await found({ ...silent, caFile: other.certFile }, 'chain', 'silent')).toEqual([
    'refusal: "authority/silent.crt" is not signed by an authority of "other/ca.crt"',
  ]);
});

test('authorities between the two belong into the file of the certificate, and a root into that of authorities', async () => {
  const between = await authority.subordinate(join(folder, 'between'));
  const leaf = await between.issue({ name: 'db.example', altNames: ['DNS:db.example'] });
  const whole = join(folder, 'whole.crt');
  const texts = await Promise.all([leaf.certFile, between.certFile].map((path) => readFile(path, 'utf8')));
  await writeFile(whole, texts.join(''));
  expect(await found({ ...leaf, certFile: whole })).toEqual([]);
  const unsigned = [expect.stringMatching(/^refusal: .* is not signed by an authority of/)];
  expect(await found(leaf)).toEqual(unsigned);
  expect(await found({ ...leaf, caFile: between.certFile })).toEqual(unsigned);
});

test('what is refused stands first', async () => {
  const ending = await authority.issue({ name: 'ending', until: new Date(Date.now() + DAY) });
  expect(await found({ ...ending, caFile: other.certFile }, 'chain', 'ending')).toEqual([
    expect.stringMatching(/^refusal: .* is not signed by/),
    expect.stringMatching(/^warning: .* expires on /),
  ]);
});

test('its dates', async () => {
  const inDays = (days: number): Date => new Date(Date.now() + days * DAY);
  const [long, past, soon, future] = [inDays(-9), inDays(-2), inDays(3), inDays(5)];
  const expired = await authority.issue({ name: 'dated', from: long, until: past });
  expect(await found(expired, 'chain and name', 'dated')).toEqual([
    expect.stringMatching(/^refusal: .* expired on /),
  ]);
  const early = await authority.issue({ name: 'dated', from: soon, until: future });
  expect(await found(early, 'chain and name', 'dated')).toEqual([
    expect.stringMatching(/^refusal: .* is not valid before /),
  ]);
  const ending = await authority.issue({ name: 'dated', until: soon });
  expect(await found(ending, 'chain and name', 'dated')).toEqual([
    expect.stringMatching(/^warning: .* expires on /),
  ]);
});

test('a key of another certificate, of others too, with a passphrase, or none', async () => {
  const stranger = await authority.issue({ name: 'stranger' });
  expect(await found({ keyFile: stranger.keyFile })).toEqual([
    expect.stringMatching(
      /^refusal: "authority\/stranger.key" is not the key of "authority\/db.example.crt"/,
    ),
  ]);
  const open = join(folder, 'open.key');
  await copyFile(good.keyFile, open);
  await chmod(open, 0o640);
  expect(await found({ keyFile: open })).toEqual([
    expect.stringMatching(/^refusal: others have access to the key "open.key"/),
  ]);
  const locked = join(folder, 'locked.key');
  await promisify(execFile)('openssl', [
    'rsa',
    '-aes128',
    '-passout',
    'pass:x',
    '-in',
    good.keyFile,
    '-out',
    locked,
  ]);
  expect(await found({ keyFile: locked })).toEqual([
    expect.stringMatching(/^refusal: "locked.key" is protected by a passphrase/),
  ]);
});

test('what is missing, or something else', async () => {
  const text = join(folder, 'letter.txt');
  await writeFile(text, 'dear reader', { mode: 0o600 });
  expect(await found({ certFile: join(folder, 'nowhere'), crlFile: folder })).toEqual([
    'refusal: the file "nowhere" does not exist',
    `refusal: "${folder}" is a directory`,
  ]);
  expect(await found({ certFile: text })).toEqual([
    expect.stringMatching(/^refusal: "letter.txt" holds no certificate/),
  ]);
  expect(await found({ keyFile: text })).toEqual([
    expect.stringMatching(/^refusal: "letter.txt" holds no private key/),
  ]);
  expect(await found({ caFile: text })).toEqual([
    expect.stringMatching(/^refusal: "letter.txt" holds no certificate/),
  ]);
  expect(await found({ crlFile: text })).toEqual([
    expect.stringMatching(/^refusal: "letter.txt" holds no list of revoked/),
  ]);
});
