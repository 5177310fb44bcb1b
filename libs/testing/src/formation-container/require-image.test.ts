import { expect, it } from 'vitest';
import { containerEngine } from '../container-engine.js';
import { unlessRequired } from '../container-support.js';
import { FormationContainer } from './formation-container.js';

const noEngine = unlessRequired(
  await containerEngine().then(
    () => null,
    (error: unknown) => String(error),
  ),
);

/** Nothing answers as a registry there, with or without a way to the public ones. */
const MISSING = 'localhost:1/pgaf:15';

it.skipIf(noEngine !== null)(
  'a formation whose image is nowhere says which one, and what builds it',
  async () => {
    const plan = {
      kind: 'pgsql',
      image: MISSING,
      dbname: 'app',
      nodes: [{ name: 'node1', role: 'postgres' }],
    };
    const failure = await new FormationContainer(plan).start().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    const { message } = failure as Error;
    expect(message).toMatch(
      /^The Docker engine has no image "localhost:1\/pgaf:15", and it cannot be pulled: .+/,
    );
    expect(message).toContain('pgaf’s images are in no registry');
    expect(message).toContain('`npm run images` in a clone of pgaf');
    expect(message).toContain('withImage');
  },
  60_000,
);
