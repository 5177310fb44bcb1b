import { setTimeout as pause } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import { EXIT } from '@pgaf/core/errors';
import type { Formation, Member } from '@pgaf/testing/formation';

const TRY_AGAIN_AFTER: Milliseconds = 300;

/** Starts the services of a formation again whenever they end, as an init system does, until their host is down. */
export class KeepRunning {
  /** Ends of services that nobody killed, one sentence each. */
  readonly unexpected: string[] = [];
  readonly #down = new Set<Member>();
  #ended = false;

  constructor(private readonly formation: Formation) {
    for (const member of [formation.monitor, ...formation.nodes]) void this.#watch(member);
  }

  /** Every process of the host is killed, and none started before it is up. */
  async takeDown(member: Member): Promise<void> {
    this.#down.add(member);
    await member.host.killEverything();
  }

  bringUp(member: Member): void {
    this.#down.delete(member);
  }

  end(): void {
    this.#ended = true;
  }

  async #watch(member: Member): Promise<void> {
    while (!this.#ended) {
      const how = await member.service?.exited;
      member.service = undefined;
      if (how !== undefined && how !== 'SIGKILL' && !this.#ended && !this.#mayEnd(member, how))
        this.unexpected.push(`the service of ${member.host.name} ended by itself: ${how}`);
      await pause(TRY_AGAIN_AFTER);
      if (this.#ended || this.#down.has(member)) continue;
      await this.formation.restart(member);
    }
  }

  /** A monitor whose Postgres is killed again and again gives up, for the init system to go on. */
  #mayEnd(member: Member, how: number | string): boolean {
    return member === this.formation.monitor && how === EXIT.fatal;
  }
}
