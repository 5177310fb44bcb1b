import type { Milliseconds } from '@pgaf/core/durations';
import { Wake } from '@pgaf/core/wake';
import type { GroupKey } from './group-store.js';

/** Whether groups have news to decide on, which nothing that can wait should hold up. */
export type Inflow = 'news' | 'quiet';

/** Collects what happened until the service takes it; the service sleeps here in between. */
export class Inbox {
  #commands = true;
  readonly #groups = new Map<string, GroupKey>();
  readonly #wake = new Wake();

  /** Payloads of the channel `inbox`: `command <id>`, `group <number> <formation>`. */
  note(payload: string): void {
    if (payload.startsWith('command ')) {
      this.#commands = true;
      this.wake();
      return;
    }
    // Anybody can notify a channel; a number that is too great for a group would fail the next query.
    const group = /^group (\d{1,9}) (.*)$/s.exec(payload);
    if (group) this.add({ group: Number(group[1]), formation: group[2] ?? '' });
  }

  add(key: GroupKey): void {
    this.#groups.set(keyText(key), key);
    this.wake();
  }

  wake(): void {
    this.#wake.ring();
  }

  takeCommands(): 'waiting' | 'none' {
    const commands = this.#commands ? 'waiting' : 'none';
    this.#commands = false;
    return commands;
  }

  get inflow(): Inflow {
    return this.#groups.size > 0 ? 'news' : 'quiet';
  }

  takeGroups(): readonly GroupKey[] {
    const groups = [...this.#groups.values()];
    this.#groups.clear();
    return groups;
  }

  /** Resolves when there is something to do, at the latest after `ms`. */
  async wait(ms: Milliseconds): Promise<void> {
    await this.#wake.wait(ms);
  }
}

/** One text for each group; the number first, since a formation's name may hold anything. */
export function keyText({ formation, group }: GroupKey): string {
  return `${group} ${formation}`;
}
