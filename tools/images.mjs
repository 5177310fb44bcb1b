import { parseArgs } from 'node:util';
import { buildImages } from '../docker/images.mjs';
import { main, setUp } from './set-up.mjs';

const OPTIONS = {
  suite: { type: 'string', multiple: true },
  'node-image': { type: 'string' },
  'citus-image': { type: 'string' },
};

await main(async () => {
  const { values } = parseArgs({ options: OPTIONS });
  await setUp();
  for (const suite of values.suite ?? [undefined]) {
    await buildImages({ suite, nodeImage: values['node-image'], citusImage: values['citus-image'] });
  }
});
