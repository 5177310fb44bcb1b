import { MONITOR } from './network.js';
import type { Processes } from './processes.js';
import type { World } from './world.js';

const EVERY = 1000;
const TIMEOUT = 1000;

/** What one attempt to connect to a node's Postgres showed. */
export interface HealthCheck {
  readonly health: 'good' | 'bad';
  /** By the host itself. */
  readonly refused: boolean;
}

/** Checks every node of the group once a period, and one that somebody asks about at once. */
export class ModelHealthChecker {
  constructor(
    private readonly world: World,
    private readonly processes: Processes,
    private readonly seen: (id: number, check: HealthCheck) => void,
  ) {}

  begin(): void {
    this.processes.later(EVERY, () => {
      for (const { id } of this.world.monitor.group.nodes) this.check(id);
      this.begin();
    });
  }

  check(id: number): void {
    let answered = false;
    const postgres = this.world.postgresOf(id);
    const result = this.processes.whileAlive((check: HealthCheck) => {
      if (answered) return;
      answered = true;
      this.seen(id, check);
    });
    this.world.network.packet(MONITOR, id, () => {
      if (postgres?.processes.areFrozen) return;
      const health = postgres?.life === 'up' ? 'good' : 'bad';
      const refused = postgres?.listens !== true;
      this.world.network.packet(id, MONITOR, () => result({ health, refused }));
    });
    this.processes.later(TIMEOUT, () => result({ health: 'bad', refused: false }));
  }
}
