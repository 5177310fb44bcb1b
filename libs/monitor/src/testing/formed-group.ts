import { FakeKeeper } from './fake-keeper.js';
import { until, type TestMonitor } from './test-monitor.js';

/** Registers nodes, the first of which leads, and has them obey until all are where a stable group has them. */
export async function formGroup(
  monitor: TestMonitor,
  formation: string,
  names: readonly string[],
): Promise<FakeKeeper[]> {
  const keepers: FakeKeeper[] = [];
  for (const name of names) {
    keepers.push(await FakeKeeper.register(monitor, { name, formation }));
    const leads = keepers.length === 1 ? 'single' : 'primary';
    await until(`${names.join(', ')} to be stable`, async () => {
      for (const keeper of keepers) if (!(await keeper.obey())) return false;
      return keepers.every(({ state }, index) => state === (index === 0 ? leads : 'secondary'));
    });
  }
  return keepers;
}
