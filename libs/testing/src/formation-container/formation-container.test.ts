import type { FormationPlan } from '@pgaf/plugin-api/test-formation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { containerEngine, newRun, removeRun, sweepContainers } from '../container-engine.js';
import { pgafImage, whyNoContainers } from '../container-support.js';
import { labelsOf } from '../owner-labels.js';
import { FormationContainer, type StartedFormation } from './formation-container.js';

const noContainers = await whyNoContainers();

const plan: FormationPlan = {
  kind: 'pgsql',
  image: pgafImage(),
  dbname: 'app',
  nodes: ['node1', 'node2'].map((name) => ({ name, role: 'postgres' })),
};
const WAIT_MS = 180_000;

describe.skipIf(noContainers !== null)('a formation for other people’s suites', () => {
  const run = newRun();
  let formation: StartedFormation;

  beforeAll(async () => {
    await sweepContainers();
    formation = await new FormationContainer(plan).withLabels(labelsOf(run)).start();
  }, 240_000);
  afterAll(() => removeRun(run), 60_000);

  it('is stable when it has started, and tells where it is', async () => {
    expect(await formation.getStates()).toMatchObject([
      { name: 'node1', reported: 'primary' },
      { name: 'node2', reported: 'secondary' },
    ]);
    const [one, two] = formation.getNodes().map((node) => node.getPort());
    expect(formation.getConnectionUri()).toMatch(
      new RegExp(`^postgres://postgres@[^:/]+:${one},[^:/]+:${two}/app\\?target_session_attrs=read-write$`),
    );
    const asked = ['psql', formation.getNetworkConnectionUri(), '-XAtc', 'SELECT current_database()'];
    expect((await formation.getMonitor().exec(asked)).stdout).toBe('app\n');
  }, 60_000);

  it('has another primary when the first one is killed, which comes back under the same port', async () => {
    const primary = await formation.getPrimary();
    const uri = primary.getConnectionUri();
    await primary.kill();
    await formation.waitForState('node2', 'wait_primary', WAIT_MS);
    expect(await formation.getPrimaryConnectionUri()).toBe(formation.getNode('node2').getConnectionUri());
    await primary.boot();
    await formation.waitForState('node1', 'secondary', WAIT_MS);
    expect(primary.getConnectionUri()).toBe(uri);
  }, 400_000);

  it('leaves nothing behind', async () => {
    const ids = [formation.getMonitor(), ...formation.getNodes()].map((container) => container.getId());
    await formation.stop();
    const { container } = await containerEngine();
    const there = await container.dockerode.listContainers({ all: true });
    expect(there.filter(({ Id }) => ids.includes(Id))).toEqual([]);
    const networks = await container.dockerode.listNetworks();
    expect(networks.map(({ Name }) => Name)).not.toContain(formation.getNetworkName());
  }, 60_000);
});
