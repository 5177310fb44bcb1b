import { EXIT, type ExitStatus } from '@pgaf/core/errors';
import { clientsAreRejected } from '@pgaf/postgres/closed-hba';
import { findBindir, versionOf } from '@pgaf/postgres/binaries';
import { readControlData } from '@pgaf/postgres/control-data';
import { findPostmaster } from '@pgaf/postgres/find-postmaster';
import { postmasterStatus } from '@pgaf/postgres/postmaster';
import { readPostmasterPid } from '@pgaf/postgres/postmaster-pid';
import type { CommandContext } from '../command-spec.js';
import { readNode, type ConfiguredNode } from '../node-files.js';
import { jsonText } from '../output/json-text.js';
import { readPidFile, type FoundService } from '../pid-file.js';

export interface StatusFlags {
  readonly pgdata?: string | undefined;
  readonly json: boolean;
}

/** Exit 0 when both run, 3 when the service does not, 5 when its Postgres does not, or lets nobody in. */
export async function serviceStatus(flags: StatusFlags, context: CommandContext): Promise<ExitStatus> {
  const node = await readNode(flags.pgdata, context);
  const service = readPidFile(node.paths.pid);
  const postmaster = await findPostmaster(node.paths.pgdata);
  if (flags.json) {
    context.print(jsonText(await statusOf(node, context)));
    if (!service?.alive) return EXIT.badState;
    return postmaster ? EXIT.ok : EXIT.pgctl;
  }
  if (!service?.alive) {
    context.log.info(`${context.bin} is not running on "${node.paths.pgdata}"`);
    return EXIT.badState;
  }
  context.log.info(`${context.bin} is running with pid ${service.service.pid}`);
  if (!postmaster) {
    context.log.error(`Postgres is not running on "${node.paths.pgdata}"`);
    if (service.service.waiting !== null) context.log.info(`waiting: ${service.service.waiting}`);
    return EXIT.pgctl;
  }
  if (node.role === 'keeper' && clientsAreRejected(node.paths.pgdata)) {
    context.log.error(`Postgres runs on "${node.paths.pgdata}" with its clients rejected`);
    if (service.service.waiting !== null) context.log.info(`waiting: ${service.service.waiting}`);
    return EXIT.pgctl;
  }
  context.log.info(
    `Postgres is serving PGDATA "${node.paths.pgdata}" on port ${node.config.postgresql.port} with pid ${postmaster.pid}`,
  );
  return EXIT.ok;
}

async function statusOf(node: ConfiguredNode, context: CommandContext) {
  const { paths, config } = node;
  const service = readPidFile(paths.pid);
  const postmaster = await findPostmaster(paths.pgdata);
  const file = await readPostmasterPid(paths.pgdata);
  const status = await postmasterStatus(paths.pgdata);
  const bindir = await findBindir({ pgCtl: config.postgresql.pgCtl, env: context.env });
  const version = await versionOf(bindir);
  const control = await readControlData(bindir, paths.pgdata).catch(() => null);
  return {
    postgres: {
      pgdata: paths.pgdata,
      pg_ctl: `${bindir}/pg_ctl`,
      version: version.text,
      host: file?.socketDirectory ?? '',
      port: config.postgresql.port,
      proxyport: node.role === 'keeper' ? node.config.postgresql.proxyport : 0,
      pid: postmaster?.pid ?? null,
      in_recovery: postmaster ? status === 'standby' : null,
      control: control && {
        version: control.controlVersion,
        catalog_version: control.catalogVersion,
        state: control.state,
        timeline: control.timeline,
        system_identifier: String(control.systemIdentifier),
      },
      postmaster: { status },
    },
    pg_autoctl: {
      pid: service?.service.pid ?? null,
      status: service === null ? 'stopped' : service.alive ? 'running' : 'stale',
      pgdata: paths.pgdata,
      version: service?.service.version ?? context.version,
      semId: 0,
      waiting: (service?.alive && service.service.waiting) || null,
      services: service ? servicesOf(service, postmaster?.pid ?? null) : [],
    },
  };
}

/** A postmaster may outlive the service that started it. */
function servicesOf({ service, alive }: FoundService, postmaster: number | null) {
  return service.services.map(({ name, pid }) => ({
    name,
    pid,
    status: pid === postmaster || (alive && pid === service.pid) ? 'running' : 'stale',
    version: service.version,
    pgautofailover: service.schema,
  }));
}
