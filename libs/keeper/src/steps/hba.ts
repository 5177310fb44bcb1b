import type { Milliseconds } from '@pgaf/core/durations';
import type { FormationView } from '@pgaf/core/formation-view';
import type { Written } from '@pgaf/postgres/atomic-file';
import { admitClients, rejectClients } from '@pgaf/postgres/closed-hba';
import { writeHbaRules, writeIdentMap, type HbaRule } from '@pgaf/postgres/hba';
import { reload } from '@pgaf/postgres/reload';
import { MONITOR_ROLE, REPLICATION_ROLE } from '@pgaf/postgres/roles';
import { networkOf } from '../network-of.js';
import { pause } from '../pause.js';
import type { Situation } from '../situation.js';

/** Usually some milliseconds. */
const HOSTS_WITHIN: Milliseconds = 1000;

/** Writes our lines for the peers that are known, and whether clients are let in, for a Postgres that is about to start. */
export async function writeHba(situation: Situation): Promise<void> {
  await knowHosts(situation);
  await situation.hbaTurns.take(() => write(situation));
}

/** The same, read by a Postgres that runs. What was written and may not have been read counts as not done. */
export async function putHbaInForce(situation: Situation): Promise<void> {
  const { instance, hbaTurns } = situation;
  await knowHosts(situation);
  await hbaTurns.take(async () => {
    await write(situation);
    if (instance.isRunning() && situation.hbaIsUnread()) {
      await situation.readingHba(() => reload(instance.sql));
    }
  });
}

/** In its turn alone: each of these reads the file before it writes it. */
async function write(situation: Situation): Promise<void> {
  const { config } = situation;
  const written = await writePeers(situation);
  const gate =
    situation.closedAt === null
      ? await admitClients(config.pgdata)
      : await rejectClients(config.pgdata, config.superuser);
  if (written === 'changed' || gate === 'changed') situation.hbaWritten++;
}

/** Nothing before they are known. */
async function writePeers(situation: Situation): Promise<Written> {
  const { config, assignment } = situation;
  if (!assignment) return 'unchanged';
  const key = situation.hbaKey();
  if (config.hbaLevel === 'skip') {
    situation.hbaFor = key;
    return 'unchanged';
  }
  // Those that are in the file stay, and it is asked again.
  if (namesHosts(situation) && situation.formationHosts === null) return 'unchanged';
  const names = config.auth.trim() === 'cert' ? [CERTIFICATES] : [];
  const mapped = await writeIdentMap(config.pgdata, names);
  const written = await writeHbaRules(config.pgdata, await rulesOf(situation));
  situation.hbaFor = key;
  return mapped === 'changed' ? mapped : written;
}

/** Nodes show a certificate for the role by which they log in to the monitor. */
const CERTIFICATES = { map: 'pgautofailover', systemUser: 'autoctl_node', role: REPLICATION_ROLE } as const;

async function rulesOf(situation: Situation): Promise<HbaRule[]> {
  const { config } = situation;
  const type = config.tls.active ? 'hostssl' : 'host';
  const method = config.auth;
  const options = method.trim() === 'cert' ? `map=${CERTIFICATES.map}` : undefined;
  const client = config.username ?? config.superuser;
  const hosts = withAddresses(situation, unique(situation.peers().map((peer) => peer.host)));
  const lan = config.hbaLevel === 'app' ? await networkOf(config.host) : null;
  return [
    ...withAddresses(situation, config.monitorHosts).map((address) => health(address)),
    ...hosts.flatMap((address): HbaRule[] => [
      { type, database: 'replication', user: REPLICATION_ROLE, address, method, options },
      { type, database: config.dbname, user: REPLICATION_ROLE, address, method, options },
    ]),
    ...withAddresses(situation, [config.host]).map(
      (address) => ({ type, database: config.dbname, user: client, address, method }) as const,
    ),
    ...(lan === null ? [] : [{ type, database: config.dbname, user: client, address: lan, method } as const]),
    ...(await requiredRules(situation)),
  ];
}

/** Beside each name, the addresses that it does not let in. */
function withAddresses({ hostAddresses }: Situation, hosts: readonly string[]): string[] {
  return hosts.flatMap((host) => [host, ...(hostAddresses.get(host) ?? [])]);
}

/** The health check asks whether Postgres answers, with or without TLS. */
function health(address: string): HbaRule {
  return { type: 'host', database: 'all', user: MONITOR_ROLE, address, method: 'trust' };
}

async function requiredRules(situation: Situation): Promise<HbaRule[]> {
  const required = situation.requirements?.hba ?? [];
  if (required.length === 0) return [];
  const { config, formationHosts } = situation;
  const type = config.tls.active ? 'hostssl' : 'host';
  const lan = await networkOf(config.host);
  return required.flatMap(({ database = config.dbname, user, from }) => {
    const addresses =
      from === 'formation' ? withAddresses(situation, formationHosts ?? []) : [lan ?? config.host];
    return addresses.map((address): HbaRule => ({ type, database, user, address, method: config.auth }));
  });
}

/** Before a turn begins: a monitor that is slow to answer holds up no other writer, and no start for long. */
async function knowHosts(situation: Situation): Promise<void> {
  const { monitor, state, assignment, config, log } = situation;
  if (!namesHosts(situation) || situation.formationHosts !== null) return;
  if (!assignment || config.hbaLevel === 'skip') return;
  const over = new AbortController();
  try {
    const view = await Promise.race([
      monitor.formationView(state.formation),
      pause(HOSTS_WITHIN, over.signal).then(() => null),
    ]);
    // Somebody else may have looked later.
    if (view !== null) situation.formationHosts ??= hostsOf(view);
  } catch (error) {
    log.debug('The monitor does not say who the hosts of the formation are', { error });
  } finally {
    over.abort();
  }
}

/** Rules of ours name all hosts of the formation. */
export function namesHosts({ requirements }: Situation): boolean {
  return requirements?.hba?.some(({ from }) => from === 'formation') ?? false;
}

/** Takes in who the formation's hosts are; our rules that name them are in force when this returns. @returns whether they were others. */
export async function hostsChanged(situation: Situation, view: FormationView): Promise<boolean> {
  if (!namesHosts(situation)) return false;
  const hosts = hostsOf(view);
  const known = situation.formationHosts;
  situation.formationHosts = hosts;
  if (known === null || !situation.assignment) return false;
  if (situation.hbaHolds()) return false;
  await putHbaInForce(situation);
  return known.join() !== hosts.join();
}

function hostsOf(view: FormationView): string[] {
  return unique(view.groups.flatMap((group) => group.nodes.map((node) => node.host)));
}

function unique(hosts: readonly string[]): string[] {
  return [...new Set(hosts)].sort();
}
