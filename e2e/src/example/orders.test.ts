import { newRun, removeRun, sweepContainers } from '@pgaf/testing/container-engine';
import { labelsOf } from '@pgaf/testing/owner-labels';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageOfCheckout, whyNoDocker } from '../containers/image-of-checkout.js';
import { ExampleProject } from './example-project.js';

const noEngine = whyNoDocker();

describe.skipIf(noEngine !== null)('examples/orders, with the packages as others install them', () => {
  const run = newRun();
  let project: ExampleProject;

  beforeAll(async () => {
    await sweepContainers();
    project = await ExampleProject.install('orders');
  }, 500_000);
  afterAll(async () => {
    await removeRun(run);
    project?.remove();
  }, 60_000);

  it('agrees with their types', () => project.npm(['run', 'typecheck']), 400_000);

  it('passes its tests', async () => {
    const report = 'report.json';
    await project.npm(
      ['test', '--', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
      {
        PGAF_IMAGE: await imageOfCheckout(),
        CONTAINER_LABELS: JSON.stringify(labelsOf(run)),
        // What is left over is swept by its labels, and an engine without a registry has no Ryuk.
        TESTCONTAINERS_RYUK_DISABLED: 'true',
      },
    );
    expect(project.json(report)).toMatchObject({ success: true, numTotalTests: 3, numPassedTests: 3 });
  }, 1_200_000);
});
