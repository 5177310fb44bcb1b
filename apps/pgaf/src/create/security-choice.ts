import { EXIT, UserError } from '@pgaf/core/errors';
import { flagsConflict } from '../flags-conflict.js';
import { booleanOf, given, type FlagValues } from './flag-values.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** How this Postgres is reached: who is let in, and through what. */
export interface SecurityChoice {
  readonly authMethod: string;
  readonly hbaLevel: 'skip' | 'minimal' | 'app';
  readonly ssl: SslChoice;
}

export type SslChoice =
  | { readonly tag: 'off'; readonly mode: string }
  | { readonly tag: 'self-signed'; readonly mode: string }
  | {
      readonly tag: 'files';
      readonly mode: string;
      readonly certFile: string;
      readonly keyFile: string;
      readonly caFile: string | null;
      readonly crlFile: string | null;
    };

/** What clients may be told of a server that has no TLS. */
const WITHOUT_TLS: ReadonlySet<string> = new Set(['disable', 'allow', 'prefer']);

const CERTIFICATE_FLAGS = ['ssl-ca-file', 'ssl-crl-file', 'server-cert', 'server-key'] as const;

/**
 * Both choices are the user's to make: a default would be wrong for half of them, and would not be noticed.
 * @throws UserError `auth-not-chosen`, `ssl-not-chosen`, `flags-conflict`.
 */
export function securityChoice(flags: FlagValues, env: Environment): SecurityChoice {
  return { ...authChoice(flags, env), ssl: sslChoice(flags, env) };
}

export function authChoice(
  flags: FlagValues,
  env: Environment,
): Pick<SecurityChoice, 'authMethod' | 'hbaLevel'> {
  const method = given(flags, 'auth', env, 'PG_AUTOCTL_AUTH_METHOD');
  // A command line cannot say false, but a node's file can, and then the environment does not count.
  const lan = flags['pg-hba-lan'] === false ? null : given(flags, 'pg-hba-lan', env, 'PG_AUTOCTL_PG_HBA_LAN');
  if (flags['skip-pg-hba'] === true) {
    const other = method ?? (flags['pg-hba-lan'] === true ? lan : null);
    if (other) throw flagsConflict(['--skip-pg-hba', other.where]);
    return { authMethod: 'trust', hbaLevel: 'skip' };
  }
  if (!method) {
    throw new UserError('It is not said how connections are authenticated.', {
      code: 'auth-not-chosen',
      exit: EXIT.badArguments,
      hint: 'Choose with --auth, such as --auth scram-sha-256, or --auth trust for a try; or keep pg_hba.conf to yourself with --skip-pg-hba.',
    });
  }
  return { authMethod: method.text, hbaLevel: lan && booleanOf(lan) ? 'app' : 'minimal' };
}

export function sslChoice(flags: FlagValues, env: Environment): SslChoice {
  const selfSigned = given(flags, 'ssl-self-signed', env, 'PG_AUTOCTL_SSL_SELF_SIGNED');
  const isSelfSigned = selfSigned !== null && booleanOf(selfSigned);
  const mode = typeof flags['ssl-mode'] === 'string' ? flags['ssl-mode'] : null;
  const files = CERTIFICATE_FLAGS.filter((name) => flags[name] !== undefined);
  if (flags['no-ssl'] === true) {
    if (isSelfSigned) throw flagsConflict(['--no-ssl', selfSigned.where]);
    if (files[0] !== undefined) throw flagsConflict(['--no-ssl', `--${files[0]}`]);
    if (mode !== null && !WITHOUT_TLS.has(mode)) throw flagsConflict(['--no-ssl', `--ssl-mode ${mode}`]);
    return { tag: 'off', mode: mode ?? 'prefer' };
  }
  if (isSelfSigned) {
    if (files[0] !== undefined) throw flagsConflict([selfSigned.where, `--${files[0]}`]);
    if (mode?.startsWith('verify-')) throw flagsConflict([selfSigned.where, `--ssl-mode ${mode}`]);
    return { tag: 'self-signed', mode: mode ?? 'require' };
  }
  const {
    'server-cert': certFile,
    'server-key': keyFile,
    'ssl-ca-file': caFile,
    'ssl-crl-file': crlFile,
  } = flags;
  if (typeof certFile === 'string' && typeof keyFile === 'string') {
    if (typeof caFile !== 'string' && (mode ?? 'verify-full').startsWith('verify-')) throw noAuthority(mode);
    const optional = (file: typeof caFile): string | null => (typeof file === 'string' ? file : null);
    return {
      tag: 'files',
      mode: mode ?? 'verify-full',
      certFile,
      keyFile,
      caFile: optional(caFile),
      crlFile: optional(crlFile),
    };
  }
  throw new UserError(
    files.length > 0
      ? 'A certificate needs both --server-cert and --server-key.'
      : 'It is not said whether to use TLS.',
    {
      code: 'ssl-not-chosen',
      exit: EXIT.badArguments,
      hint: 'Choose --ssl-self-signed, or --server-cert and --server-key with --ssl-ca-file, or --no-ssl.',
    },
  );
}

function noAuthority(mode: string | null): UserError {
  return new UserError(
    mode === null
      ? 'Certificates are verified by name and authority unless told otherwise, and --ssl-ca-file is not given.'
      : `--ssl-mode ${mode} needs --ssl-ca-file.`,
    {
      code: 'ssl-not-chosen',
      exit: EXIT.badArguments,
      hint: 'Give the authority that signed the certificate with --ssl-ca-file, or choose --ssl-mode require.',
    },
  );
}
