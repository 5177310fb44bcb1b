import type { Milliseconds } from '@pgaf/core/durations';
import type { Finding } from '@pgaf/postgres/finding';
import { pruneLogs } from '@pgaf/postgres/prune-logs';
import { findSettingProblems } from '@pgaf/postgres/setting-findings';
import { findSlotProblems } from '@pgaf/postgres/slot-findings';
import {
  findVersionProblems,
  InstalledVersion,
  runningVersion,
  type RunningVersion,
} from '@pgaf/postgres/version-findings';
import type { Situation } from './situation.js';

/** What an operator does to a Postgres is found after this long at the latest. */
const INSPECT_EVERY: Milliseconds = 10_000;

/** Looks the running Postgres over, now and then, for what its operator should know, and logs it once. */
export class Inspection {
  readonly #situation: Situation;
  readonly #changed: () => void;
  readonly #installed: InstalledVersion;
  #looking: Promise<void> | null = null;
  /** Told to the monitor in this process's life. */
  #toldVersion: string | null = null;

  /** `changed` is called when something else was found than before. */
  constructor(situation: Situation, changed: () => void) {
    this.#situation = situation;
    this.#changed = changed;
    this.#installed = new InstalledVersion(situation.config.bindir);
  }

  lookWhenDue(): void {
    const { observation, inspectedAt } = this.#situation;
    const now = performance.now();
    if (this.#looking || observation === null) return;
    if (inspectedAt !== null && now - inspectedAt < INSPECT_EVERY) return;
    this.#situation.inspectedAt = now;
    this.#looking = this.#look().finally(() => (this.#looking = null));
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { instance, config, log } = this.#situation;
    let version: RunningVersion | null = null;
    try {
      const settings = await findSettingProblems(instance.sql, config.pgdata);
      const slots = await findSlotProblems(instance.sql);
      version = await runningVersion(instance.sql);
      const upgrade = findVersionProblems(version, await this.#installed.find(), config.bindir);
      this.#found([...settings.findings, ...slots.findings, ...upgrade]);
      if (slots.lostOfOurs) this.#situation.slotsFor = null;
      // Written again, our lines are the last ones again.
      if (settings.includeAgain) this.#situation.hbaFor = null;
    } catch (error) {
      // Postgres may have gone meanwhile; what was found last stands until it can be looked at again.
      log.debug('Could not look Postgres over', { error });
    }
    if (version !== null) await this.#tellVersion(version);
    const pruned = await pruneLogs(config.pgdata, config.postmasterLog).catch(() => []);
    if (pruned.length > 0) log.info('Removed old logs of Postgres', { files: pruned });
  }

  async #tellVersion(version: RunningVersion): Promise<void> {
    if (this.#toldVersion === version.full) return;
    const { monitor, state, log } = this.#situation;
    try {
      await monitor.reportPostgresVersion(state.nodeId, version);
      this.#toldVersion = version.full;
    } catch (error) {
      log.debug('Could not tell the monitor the version of Postgres', { error });
    }
  }

  #found(findings: readonly Finding[]): void {
    const { log, findings: before } = this.#situation;
    this.#situation.findings = findings;
    const added = findings.filter(({ sentence }) => !before?.some((one) => one.sentence === sentence));
    const gone = (before ?? []).filter(({ sentence }) => !findings.some((one) => one.sentence === sentence));
    for (const { severity, sentence } of added) log[severity === 'warning' ? 'warn' : 'info'](sentence);
    for (const { sentence } of gone) log.info(`No longer so: ${sentence}`);
    if (added.length + gone.length > 0) this.#changed();
  }
}
