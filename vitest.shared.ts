import { defineConfig, type ViteUserConfig } from 'vitest/config';

type TestOptions = NonNullable<ViteUserConfig['test']>;

/** What every package's vitest.config.ts says, but for its name; the report feeds the count at the end of CI. */
export function vitestFor(project: string, test: TestOptions = {}): ViteUserConfig {
  const report = new URL(`./reports/${project.replace('/', '-')}.json`, import.meta.url).pathname;
  return defineConfig({
    resolve: { conditions: ['@pgaf/source'] },
    ssr: { resolve: { conditions: ['@pgaf/source'] } },
    test: {
      include: ['src/**/*.test.ts'],
      reporters: ['default', 'json'],
      outputFile: { json: report },
      ...test,
    },
  });
}

/**
 * For packages whose tests run Postgres servers in their own process: a process per test file, since it gives
 * up root's rights, and two at a time, since each runs servers.
 */
export function vitestWithPostgresFor(project: string, test: TestOptions = {}): ViteUserConfig {
  return vitestFor(project, {
    pool: 'forks',
    maxWorkers: 2,
    setupFiles: [new URL('./libs/postgres/src/testing/become-postgres.ts', import.meta.url).pathname],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    ...test,
  });
}
