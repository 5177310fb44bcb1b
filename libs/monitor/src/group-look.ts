import { isAtRest, lateAfter } from '@pgaf/fsm/at-rest';
import type { Timings } from '@pgaf/plugin-api/snapshot';
import type { Client } from 'pg';
import type { Contacts } from './contacts.js';
import { loadNextGlances, type Glance } from './glance-store.js';
import type { GroupDesk } from './group-desk.js';
import { keyOf, loadGroups, loadNextGroups, type GroupKey, type StoredGroup } from './group-store.js';
import type { HealthChecker } from './health-checker.js';
import type { Crowd } from './news-look.js';
import { RestingGroups } from './resting-groups.js';

export interface GroupLookOptions {
  readonly client: Client;
  readonly contacts: Contacts;
  readonly checker: Pick<HealthChecker, 'watch' | 'confirm' | 'endRound'>;
  readonly groups: Pick<GroupDesk, 'settleAll' | 'isHeld' | 'hasSession'>;
}

/** Has groups decided on as they are now. Of many nodes, those at rest are read now and then, and glanced at in between. */
export class GroupLook {
  readonly #resting = new RestingGroups();

  constructor(private readonly options: GroupLookOptions) {}

  /** The groups that have news. */
  async lookAt(keys: readonly GroupKey[], timings: Timings, crowd: Crowd): Promise<void> {
    if (keys.length > 0) await this.#settle(await loadGroups(this.options.client, timings, keys), crowd);
  }

  /** The groups behind this one, at most so many. @returns which they were */
  async lookAtNext(
    after: GroupKey | null,
    limit: number,
    timings: Timings,
    crowd: Crowd,
  ): Promise<readonly GroupKey[]> {
    const { client } = this.options;
    if (crowd === 'few') {
      const groups = await loadNextGroups(client, timings, after, limit);
      await this.#settle(groups, crowd);
      return groups.map(keyOf);
    }
    const glances = await loadNextGlances(client, after, limit);
    const lookedAt = performance.now();
    const odd = glances.filter((glance) => !this.#isEnough(glance, lookedAt, timings));
    await this.lookAt(odd, timings, crowd);
    return glances;
  }

  /** Every group was looked at since the last time. */
  endRound(): void {
    this.options.checker.endRound();
    this.#resting.endRound();
  }

  #isEnough(glance: Glance, lookedAt: number, timings: Timings): boolean {
    const { contacts, checker, groups } = this.options;
    const silence = contacts.hear(glance.nodes, lookedAt);
    const ids = glance.nodes.map(({ id }) => id);
    if (!this.#resting.mayGlance(glance) || !glance.well || silence >= lateAfter(timings)) return false;
    if (!ids.every((id) => groups.hasSession(id))) return false;
    checker.confirm(ids);
    return true;
  }

  async #settle(loaded: readonly StoredGroup[], crowd: Crowd): Promise<void> {
    const { contacts, checker, groups } = this.options;
    const stored = contacts.date(loaded).map((group) => ({
      group,
      found: crowd === 'many' && isAtRest(group.snapshot) ? ('at rest' as const) : ('astir' as const),
    }));
    for (const { group, found } of stored) {
      checker.watch(group.snapshot.nodes, found === 'at rest' ? 'seldom' : 'often');
    }
    for (const { group, found } of stored) {
      const key = keyOf(group);
      await groups.settleAll([group]);
      this.#resting.note(key, groups.isHeld(key) ? 'astir' : found);
      contacts.attend();
    }
  }
}
