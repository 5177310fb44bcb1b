import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A root of our own, written to `<folder>/root.crt`, and a certificate for the name `localhost` alone. */
export async function makeCertificates(folder: string): Promise<{ cert: string; key: string; root: string }> {
  const path = (name: string) => join(folder, name);
  const newKey = ['req', '-newkey', 'rsa:2048', '-nodes', '-keyout'];
  const rootArgs = ['-x509', '-subj', '/CN=root', '-days', '2', '-out', path('root.crt')];
  await run('openssl', [...newKey, path('root.key'), ...rootArgs]);
  await run('openssl', [...newKey, path('server.key'), '-subj', '/CN=localhost', '-out', path('server.csr')]);
  await writeFile(path('names'), 'subjectAltName=DNS:localhost\n');
  const signed = ['-CA', path('root.crt'), '-CAkey', path('root.key'), '-CAcreateserial', '-days', '2'];
  const ends = ['-extfile', path('names'), '-in', path('server.csr'), '-out', path('server.crt')];
  await run('openssl', ['x509', '-req', ...signed, ...ends]);
  return {
    cert: await readFile(path('server.crt'), 'utf8'),
    key: await readFile(path('server.key'), 'utf8'),
    root: path('root.crt'),
  };
}
