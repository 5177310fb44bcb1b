import { randomBytes } from 'node:crypto';
import { getContainerRuntimeClient, type ContainerRuntimeClient } from 'testcontainers';
import { until } from './deadline.js';
import { here, isOfTheDead, OWNER, RUN } from './owner-labels.js';

// What is made here is swept by its labels, and an engine without a registry has no Ryuk.
process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';

const REMOVAL_DEADLINE_MS = 30_000;

/** Names one network with its hosts: no other one of the engine has it, whatever machine or container makes it. */
export function newRun(): string {
  return `pgaf-${process.pid}-${randomBytes(3).toString('hex')}`;
}

/** @throws Error where no engine answers. */
export async function containerEngine(): Promise<ContainerRuntimeClient> {
  try {
    return await getContainerRuntimeClient();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`no container engine answers: ${reason}`, { cause: error });
  }
}

interface Labelled {
  readonly Labels?: Readonly<Record<string, string>> | null | undefined;
}

type Container = ReturnType<ContainerRuntimeClient['container']['getById']>;
type Chosen = (labels: Readonly<Record<string, string>>) => boolean;

const GONE = [404];
/** In use, or about to go: a sweep by another process is under way, or was ended half way. */
const GONE_OR_IN_USE = [404, 403, 409];

const statusOf = (error: unknown): unknown =>
  error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;

async function unless(statuses: readonly number[], removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!statuses.some((status) => status === statusOf(error))) throw error;
  }
}

const isGone = (container: Container): Promise<boolean> =>
  container.inspect().then(
    () => false,
    (error: unknown) => statusOf(error) === 404,
  );

/** Somebody else may remove it at the same time: it is gone when this returns. */
async function removeContainer(container: Container): Promise<void> {
  try {
    await container.remove({ force: true, v: true });
  } catch (error) {
    const isUnderWay = statusOf(error) === 409 && String(error).includes('already in progress');
    if (!isUnderWay && statusOf(error) !== 404) throw error;
    const what = `the container ${container.id} to be removed by somebody else`;
    await until({ what, deadlineMs: REMOVAL_DEADLINE_MS, everyMs: 100 }, () => isGone(container));
  }
}

/**
 * Containers first: a network or a volume in use cannot go.
 * @param tolerated The engine's answers that leave a network or a volume there.
 */
async function removeAll(chosen: Chosen, tolerated: readonly number[]): Promise<void> {
  const { dockerode: docker } = (await containerEngine()).container;
  const isChosen = ({ Labels }: Labelled) => chosen(Labels ?? {});
  const filters = { label: [OWNER] };
  const containers = await docker.listContainers({ all: true, filters });
  for (const { Id } of containers.filter(isChosen)) await removeContainer(docker.getContainer(Id));
  const networks = await docker.listNetworks({ filters });
  for (const { Id } of networks.filter(isChosen)) await unless(tolerated, docker.getNetwork(Id).remove());
  const { Volumes } = await docker.listVolumes({ filters });
  for (const { Name } of (Volumes ?? []).filter(isChosen))
    await unless(tolerated, docker.getVolume(Name).remove());
}

export async function removeRun(run: string): Promise<void> {
  await removeAll((labels) => labels[RUN] === run, GONE);
}

/** Removes the containers, networks and volumes of processes that are gone. What is in use stays for the next sweep. */
export async function sweepContainers(): Promise<void> {
  const now = here();
  await removeAll((labels) => isOfTheDead(labels, now), GONE_OR_IN_USE);
}
