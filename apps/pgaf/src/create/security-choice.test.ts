import { describe, expect, it } from 'vitest';
import { securityChoice } from './security-choice.js';

const trust = { auth: 'trust', 'no-ssl': true };

describe('who is let in, and through what', () => {
  it('is chosen by flags, then by the environment', () => {
    expect(securityChoice(trust, {})).toEqual({
      authMethod: 'trust',
      hbaLevel: 'minimal',
      ssl: { tag: 'off', mode: 'prefer' },
    });
    const env = {
      PG_AUTOCTL_AUTH_METHOD: 'md5',
      PG_AUTOCTL_SSL_SELF_SIGNED: 'true',
      PG_AUTOCTL_PG_HBA_LAN: 'yes',
    };
    expect(securityChoice({}, env)).toEqual({
      authMethod: 'md5',
      hbaLevel: 'app',
      ssl: { tag: 'self-signed', mode: 'require' },
    });
    expect(securityChoice({ auth: 'scram-sha-256' }, env).authMethod).toBe('scram-sha-256');
    expect(securityChoice(trust, { PG_AUTOCTL_PG_HBA_LAN: 'false' }).hbaLevel).toBe('minimal');
  });

  it('leaves pg_hba.conf alone when told so', () => {
    expect(securityChoice({ 'skip-pg-hba': true, 'no-ssl': true }, {})).toMatchObject({
      authMethod: 'trust',
      hbaLevel: 'skip',
    });
  });

  it('takes certificates', () => {
    const files = { 'server-cert': 'c', 'server-key': 'k', 'ssl-ca-file': 'a' };
    expect(securityChoice({ auth: 'cert', ...files }, {}).ssl).toEqual({
      tag: 'files',
      mode: 'verify-full',
      certFile: 'c',
      keyFile: 'k',
      caFile: 'a',
      crlFile: null,
    });
    expect(() => securityChoice({ auth: 'cert', 'server-cert': 'c' }, {})).toThrow(
      /both --server-cert and --server-key/,
    );
  });

  it('lets clients of a server without TLS ask for less, not for more', () => {
    expect(securityChoice({ ...trust, 'ssl-mode': 'disable' }, {}).ssl).toEqual({
      tag: 'off',
      mode: 'disable',
    });
  });

  it.each([
    [{ 'no-ssl': true }, {}, /authenticated/],
    [{ auth: 'trust' }, {}, /whether to use TLS/],
    [{ ...trust, 'ssl-self-signed': true }, {}, /--no-ssl and --ssl-self-signed/],
    [{ ...trust, 'server-cert': 'c' }, {}, /--no-ssl and --server-cert/],
    [{ ...trust, 'ssl-mode': 'require' }, {}, /--no-ssl and --ssl-mode require/],
    [
      { auth: 'trust', 'ssl-self-signed': true, 'ssl-mode': 'verify-ca' },
      {},
      /--ssl-self-signed and --ssl-mode verify-ca/,
    ],
    [{ auth: 'trust', 'server-cert': 'c', 'server-key': 'k' }, {}, /--ssl-ca-file is not given/],
    [
      { auth: 'trust', 'server-cert': 'c', 'server-key': 'k', 'ssl-mode': 'verify-ca' },
      {},
      /--ssl-mode verify-ca needs --ssl-ca-file/,
    ],
    [trust, { PG_AUTOCTL_SSL_SELF_SIGNED: '1' }, /--no-ssl and PG_AUTOCTL_SSL_SELF_SIGNED/],
    [{ auth: 'trust', 'ssl-self-signed': true, 'server-key': 'k' }, {}, /--ssl-self-signed and --server-key/],
    [{ ...trust, 'skip-pg-hba': true }, {}, /--skip-pg-hba and --auth/],
    [{ 'skip-pg-hba': true, 'pg-hba-lan': true, 'no-ssl': true }, {}, /--skip-pg-hba and --pg-hba-lan/],
    [{ auth: 'trust' }, { PG_AUTOCTL_SSL_SELF_SIGNED: 'maybe' }, /PG_AUTOCTL_SSL_SELF_SIGNED is "maybe"/],
  ])('refuses %o with %o', (flags, env, message) => {
    expect(() => securityChoice(flags, env)).toThrow(message);
  });
});
