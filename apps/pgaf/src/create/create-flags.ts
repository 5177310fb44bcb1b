import { Flags, type Interfaces } from '@oclif/core';
import type { FlagDefinition } from '@pgaf/plugin-api';
import { osUser, pgdata } from '../flag-definitions.js';
import { REFUSED_PASSWORD_FLAGS } from './password-file.js';

const text = (
  char: Interfaces.AlphabetLowercase | Interfaces.AlphabetUppercase | undefined,
  summary: string,
  helpValue: string,
) => Flags.string({ ...(char === undefined ? {} : { char }), summary, helpValue });

/** Known, so that whoever brings them along is told what to use instead; help is silent about them. */
const REFUSED = Object.fromEntries(
  Object.keys(REFUSED_PASSWORD_FLAGS).map((name) => [name, Flags.string({ hidden: true })]),
);

/** What a monitor and a node are both created with. */
const SHARED = {
  pgdata,
  pgctl: text('C', 'Path of the pg_ctl to use; else PG_CONFIG, else the only one in PATH', 'PATH'),
  pgport: text('p', 'Port of Postgres, 5432 unless told (PGPORT)', 'PORT'),
  listen: text('l', 'Addresses that Postgres listens on, all unless told', 'ADDRESSES'),
  hostname: text(
    'n',
    'How other hosts reach this one; else its name, or its address on the way to the monitor',
    'HOST',
  ),
  auth: text(
    'A',
    'Required, or --skip-pg-hba: how connections are authenticated: trust, scram-sha-256, cert, … (PG_AUTOCTL_AUTH_METHOD)',
    'METHOD',
  ),
  'skip-pg-hba': Flags.boolean({ char: 'S', summary: 'Leave pg_hba.conf alone' }),
  'ssl-self-signed': Flags.boolean({
    char: 's',
    summary:
      'Required, or certificates, or --no-ssl: TLS with a certificate made here (PG_AUTOCTL_SSL_SELF_SIGNED)',
  }),
  'no-ssl': Flags.boolean({ char: 'N', summary: 'No TLS' }),
  'ssl-mode': text(
    undefined,
    'sslmode of connections; require, and verify-full with certificates, unless told',
    'MODE',
  ),
  'ssl-ca-file': text(undefined, 'Certificates of authorities', 'PATH'),
  'ssl-crl-file': text(undefined, 'Revoked certificates', 'PATH'),
  'server-cert': text(undefined, 'Certificate of the server', 'PATH'),
  'server-key': text(undefined, 'Its key', 'PATH'),
  'autoctl-node-password-file': text(
    undefined,
    'File with the password by which nodes log in to the monitor',
    'PATH',
  ),
  ...REFUSED,
  run: Flags.boolean({ char: 'x', summary: 'Go on and run the service' }),
  'os-user': osUser,
};

export const MONITOR_FLAGS = {
  ...SHARED,
  formation: Flags.string({
    char: 'f',
    summary: 'A formation that it has besides "default"; may be given several times',
    helpValue: 'NAME',
    multiple: true,
    multipleNonGreedy: true,
  }),
};

export const NODE_FLAGS = {
  ...SHARED,
  pghost: text('H', 'Host or socket directory of the local Postgres (PGHOST)', 'HOST'),
  waldir: text(undefined, 'Directory for the WAL, absolute and empty; else inside the data directory', 'DIR'),
  username: text('U', 'Role to create for the application (PGUSER)', 'ROLE'),
  dbname: text('d', 'Database of the application (PGDATABASE); else that of the formation kind', 'NAME'),
  name: text('a', 'Name of the node (PG_AUTOCTL_NODE_NAME); else the monitor chooses one', 'NAME'),
  formation: text('f', 'Formation to join, "default" unless told', 'NAME'),
  group: text(undefined, 'Group to join; else the monitor decides', 'N'),
  monitor: text('m', 'Connection string of the monitor (PG_AUTOCTL_MONITOR)', 'URI'),
  wait: text(
    undefined,
    'Seconds to wait for a monitor that is not up yet, 60 unless told; 0 does not wait',
    'S',
  ),
  'pg-hba-lan': Flags.boolean({
    char: 'L',
    summary: 'Let in the clients of the local network (PG_AUTOCTL_PG_HBA_LAN)',
  }),
  'candidate-priority': text(
    'P',
    'Priority in elections, 0 to 100, 50 unless told; 0 is never promoted (PG_AUTOCTL_CANDIDATE_PRIORITY)',
    'N',
  ),
  'replication-quorum': text(
    'r',
    'Whether commits may wait for this node, true unless told (PG_AUTOCTL_REPLICATION_QUORUM)',
    'BOOL',
  ),
  'replication-password-file': text(
    undefined,
    'File with the password by which the nodes of the group log in to each other',
    'PATH',
  ),
  region: text('G', 'Where the node stands, for people to see; "default" unless told', 'NAME'),
  'maximum-backup-rate': text(
    'R',
    'Most that a base backup may copy in a second, 32k to 1024M, 100M unless told',
    'RATE',
  ),
};

/** The flags that a plugin gives its role; values are checked when the node is created. */
export function pluginFlags(flags: readonly FlagDefinition[]): Interfaces.FlagInput {
  return Object.fromEntries(
    flags.map((flag) => {
      const summary = flag.env === undefined ? flag.summary : `${flag.summary} (${flag.env})`;
      return [
        flag.name,
        flag.type === 'boolean'
          ? Flags.boolean({ summary })
          : text(undefined, summary, flag.type.toUpperCase()),
      ];
    }),
  );
}
