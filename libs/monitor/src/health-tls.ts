import { readFile } from 'node:fs/promises';
import { checkServerName } from '@pgaf/conninfo/tls-failure';
import type { ConnectionOptions } from 'node:tls';

/** How the monitor was told to connect to others; paths. */
export interface HealthTlsFiles {
  readonly sslmode: string;
  readonly caFile: string | null;
  readonly crlFile: string | null;
}

/**
 * In plain and with TLS, whichever the node lets in, one of them tried first; or TLS as these options have it, or
 * nothing.
 */
export type HealthTls = 'plain first' | 'tls first' | ConnectionOptions;

/**
 * What an sslmode asks of a health check, the files read. `require` tells no node from a stranger, so a node that was
 * made without TLS is better seen than not: the check carries nothing that is worth reading.
 */
export async function healthTls({ sslmode, caFile, crlFile }: HealthTlsFiles): Promise<HealthTls> {
  if (sslmode === 'require') return 'tls first';
  if (!sslmode.startsWith('verify-') || caFile === null) return 'plain first';
  return {
    rejectUnauthorized: true,
    ca: await readFile(caFile, 'utf8'),
    ...(crlFile === null ? {} : { crl: await readFile(crlFile, 'utf8') }),
    checkServerIdentity: sslmode === 'verify-full' ? checkServerName : () => undefined,
  };
}
