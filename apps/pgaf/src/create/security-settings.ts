import type { SecurityChoice, SslChoice } from './security-choice.js';

/** The section `[ssl]`; a self-signed certificate has no files, the server makes them. */
export interface SslSection {
  readonly active: boolean;
  readonly sslmode: 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full' | undefined;
  readonly caFile: string | undefined;
  readonly crlFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

export function sslSection(choice: SslChoice): SslSection {
  const none = { caFile: undefined, crlFile: undefined, certFile: undefined, keyFile: undefined };
  const sslmode = choice.mode as SslSection['sslmode'];
  if (choice.tag === 'off') return { ...none, active: false, sslmode };
  if (choice.tag === 'self-signed') return { ...none, active: true, sslmode };
  const { certFile, keyFile, caFile, crlFile } = choice;
  return {
    active: true,
    sslmode,
    certFile,
    keyFile,
    caFile: caFile ?? undefined,
    crlFile: crlFile ?? undefined,
  };
}

/** Puts the choices into a configuration. */
export function withSecurity<C extends { readonly postgresql: object }>(config: C, choice: SecurityChoice) {
  return {
    ...config,
    postgresql: { ...config.postgresql, authMethod: choice.authMethod, hbaLevel: choice.hbaLevel },
    ssl: sslSection(choice.ssl),
  };
}
