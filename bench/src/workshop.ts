import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endEverythingIn } from '@pgaf/testing/end-processes';
import { makeTables } from 'e2e/citus/citus-tables';
import { makeOwnedDirectory, postgresOwner } from '@pgaf/testing/owner';
import { withClient } from './citus/with-client.js';
import type { LoadedMonitor } from './monitor-load/loaded-monitor.js';
import { USUAL, type CitusSystem, type Installation, type Shape, type System } from './systems/system.js';

/**
 * Makes systems of one kind, in a directory of its own, at most one at a time: a system at rest would still take
 * processor time from the one that is measured.
 */
export class Workshop {
  private directory: string | undefined;
  private system: System | undefined;
  private monitor: LoadedMonitor | undefined;
  private citusSystem: CitusSystem | undefined;
  private shape = USUAL;
  private closed = false;

  constructor(private readonly installation: Installation) {}

  /** The one that is there, or a new one when there is none of this shape. */
  async current(shape: Shape = USUAL): Promise<System> {
    const isWanted = this.shape.nodes === shape.nodes && this.shape.hosts === shape.hosts;
    return this.system && isWanted ? this.system : (await this.fresh(shape)).system;
  }

  /** A new one in the place of the one that is there, and how long it took to make. */
  async fresh(shape: Shape = USUAL): Promise<{ readonly system: System; readonly seconds: number }> {
    const directory = await this.emptyDirectory();
    const start = performance.now();
    this.shape = shape;
    const system = (this.system = await this.installation.create(directory, shape));
    return { system, seconds: (performance.now() - start) / 1000 };
  }

  /** The one with two groups of workers that is there, or a new one. */
  async currentCitus(): Promise<CitusSystem> {
    return this.citusSystem ?? (await this.freshCitus(2)).system;
  }

  /** A new one in the place of what is there, and how long it took to make. */
  async freshCitus(
    workerGroups: number,
  ): Promise<{ readonly system: CitusSystem; readonly seconds: number }> {
    const directory = await this.emptyDirectory();
    const start = performance.now();
    const system = await this.installation.createCitus?.(directory, workerGroups);
    if (!system) throw new Error('it knows no Citus');
    const seconds = (performance.now() - start) / 1000;
    this.citusSystem = system;
    await withClient(system.uri, makeTables);
    return { system, seconds };
  }

  /** The monitor without nodes of its own that is there, or a new one. */
  async loadedMonitor(): Promise<LoadedMonitor> {
    if (this.monitor) return this.monitor;
    const directory = await this.emptyDirectory();
    const made = await this.installation.createMonitor?.(directory);
    if (!made) throw new Error('it has no monitor');
    return (this.monitor = made);
  }

  private async emptyDirectory(): Promise<string> {
    await this.discard();
    if (this.closed) return new Promise(() => undefined);
    this.directory = realpathSync(mkdtempSync(join(tmpdir(), 'pgaf-bench-')));
    makeOwnedDirectory(this.directory, postgresOwner());
    return this.directory;
  }

  /** Discards what is there for good: who asks for a system from now on waits for ever, while this process ends. */
  async close(): Promise<void> {
    this.closed = true;
    await this.discard();
  }

  /** Ends every process of the system and removes every file, also of one that is just being made. */
  async discard(): Promise<void> {
    const { system, citusSystem, monitor, directory } = this;
    this.system = undefined;
    this.citusSystem = undefined;
    this.monitor = undefined;
    this.directory = undefined;
    await system?.close();
    await citusSystem?.close();
    await monitor?.close();
    if (directory === undefined) return;
    await endEverythingIn(directory);
    rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}
