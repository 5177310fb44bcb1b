import { execFile } from 'node:child_process';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface IssuedCertificate {
  readonly certFile: string;
  /** 0600. */
  readonly keyFile: string;
}

export interface CertificateRequest {
  /** The common name, which also names the files. */
  readonly name: string;
  /** Such as `DNS:localhost` or `IP:127.0.0.1`. */
  readonly altNames?: readonly string[];
  readonly from?: Date;
  readonly until?: Date;
}

const DAY_MS = 86_400_000;

function stamp(date: Date): string {
  return `${date.toISOString().replace(/\D/g, '').slice(0, 14)}Z`;
}

/** A certificate authority for tests, in a folder of its own. */
export class CertificateAuthority {
  private constructor(
    readonly folder: string,
    private readonly owner: { readonly uid: number; readonly gid: number } | null,
  ) {}

  /** @param owner Who gets the files; null keeps the current user. */
  static async create(
    folder: string,
    owner: { readonly uid: number; readonly gid: number } | null = null,
  ): Promise<CertificateAuthority> {
    const authority = await CertificateAuthority.layOut(folder, owner);
    const subject = ['-x509', '-subj', '/CN=Authority of a test', '-days', '30'];
    await run('openssl', [...authority.newKey('ca'), ...subject, '-out', authority.certFile]);
    await authority.give('ca.key', 'ca.crt');
    return authority;
  }

  /** One below this one, which signs its certificate. */
  async subordinate(folder: string): Promise<CertificateAuthority> {
    const below = await CertificateAuthority.layOut(folder, this.owner);
    const csr = below.path('ca.csr');
    const subject = ['-subj', '/CN=Authority below', '-addext', 'basicConstraints=critical,CA:TRUE'];
    await run('openssl', [...below.newKey('ca'), ...subject, '-out', csr]);
    await this.ca(['-notext', '-days', '30', '-in', csr, '-out', below.certFile]);
    await below.give('ca.key', 'ca.crt');
    return below;
  }

  private static async layOut(
    folder: string,
    owner: CertificateAuthority['owner'],
  ): Promise<CertificateAuthority> {
    const authority = new CertificateAuthority(folder, owner);
    await mkdir(folder, { recursive: true });
    const lines = [
      '[ca]\ndefault_ca = own',
      `[own]\ndatabase = ${authority.path('index')}\nserial = ${authority.path('serial')}`,
      `new_certs_dir = ${folder}\ncertificate = ${authority.certFile}\nprivate_key = ${authority.path('ca.key')}`,
      'default_md = sha256\npolicy = any\ncopy_extensions = copy\nunique_subject = no\ndefault_crl_days = 30',
      '[any]\ncommonName = supplied',
    ];
    await writeFile(authority.path('ca.cnf'), `${lines.join('\n')}\n`);
    await writeFile(authority.path('index'), '');
    await writeFile(authority.path('serial'), '01\n');
    return authority;
  }

  get certFile(): string {
    return this.path('ca.crt');
  }

  async issue(request: CertificateRequest): Promise<IssuedCertificate> {
    const { name, altNames = [], from = new Date(Date.now() - DAY_MS) } = request;
    const until = request.until ?? new Date(Date.now() + 30 * DAY_MS);
    const names = altNames.length > 0 ? ['-addext', `subjectAltName=${altNames.join(',')}`] : [];
    const csr = this.path(`${name}.csr`);
    await run('openssl', [...this.newKey(name), '-subj', `/CN=${name}`, ...names, '-out', csr]);
    const dates = ['-startdate', stamp(from), '-enddate', stamp(until)];
    await this.ca(['-notext', ...dates, '-in', csr, '-out', this.path(`${name}.crt`)]);
    await this.give(`${name}.key`, `${name}.crt`);
    return { certFile: this.path(`${name}.crt`), keyFile: this.path(`${name}.key`) };
  }

  async revoke({ certFile }: IssuedCertificate): Promise<void> {
    await this.ca(['-revoke', certFile]);
  }

  /** A list of what is revoked by now. */
  async revocations(): Promise<string> {
    await this.ca(['-gencrl', '-out', this.path('ca.crl')]);
    await this.give('ca.crl');
    return this.path('ca.crl');
  }

  private path(name: string): string {
    return join(this.folder, name);
  }

  private newKey(name: string): string[] {
    return ['req', '-newkey', 'rsa:2048', '-nodes', '-keyout', this.path(`${name}.key`)];
  }

  private async ca(args: readonly string[]): Promise<void> {
    await run('openssl', ['ca', '-batch', '-config', this.path('ca.cnf'), ...args]);
  }

  private async give(...names: readonly string[]): Promise<void> {
    if (!this.owner) return;
    for (const name of names) await chown(this.path(name), this.owner.uid, this.owner.gid);
  }
}
