import { existsSync } from 'node:fs';
import type { Milliseconds } from '@pgaf/core/durations';
import { EXIT, UserError } from '@pgaf/core/errors';
import type { Wake } from '@pgaf/core/wake';
import { readStateFile } from '@pgaf/keeper/state-file';
import type { CommandContext } from '../command-spec.js';
import { nodePaths } from '../node-files.js';
import { sendSignal } from '../service/send-signal.js';
import { convergeConfiguration } from './converge-configuration.js';
import { convergeFormations } from './converge-formations.js';
import { convergeStanding } from './converge-standing.js';
import { inTermsOfFile, mayPass } from './in-terms-of-file.js';
import { readSpecifiedNode, type SpecifiedNode } from './specified-node.js';

/** Between two looks at the file; SIGHUP is heard at once. */
export const LOOK_EVERY: Milliseconds = 1000;
/** An order that is refused may be taken later, such as a number of standbys that are not there yet. */
const ORDER_AGAIN: Milliseconds = 30_000;

/** Brings a service of this process in line with its file, whenever that changes. */
export class KeepConverging {
  /** What the monitor has not been told yet, from this instant on. */
  #orderAt: Milliseconds | null = 0;
  #refusal = '';
  #complaint = '';

  constructor(
    private inForce: SpecifiedNode,
    private readonly context: CommandContext,
  ) {}

  /** Looks at each ring and each second, until it is told to end. */
  async until(ending: AbortSignal, wake: Wake): Promise<void> {
    while (!ending.aborted) {
      await this.#take();
      if (this.#orderAt !== null && performance.now() >= this.#orderAt) await this.#order();
      if (!ending.aborted) await wake.wait(LOOK_EVERY);
    }
  }

  /** A file that is wrong changes nothing, and is told once. */
  async #take(): Promise<void> {
    const { context, inForce } = this;
    const { path } = inForce.file;
    let read: SpecifiedNode | null = null;
    try {
      read = await readSpecifiedNode(path, context);
      if (read.file.source === inForce.file.source) this.#complaint = '';
      if (read.file.source === inForce.file.source || !this.#isCreated()) return;
      requireSamePlace(inForce, read);
      const isNew = await convergeConfiguration(read, context);
      this.inForce = read;
      this.#complaint = '';
      this.#orderAt = 0;
      context.log.info(`Took ${path}, which has changed`);
      if (isNew) sendSignal(process.pid, 'SIGHUP');
    } catch (thrown) {
      const error = read === null ? thrown : inTermsOfFile(thrown, read.file);
      const complaint = error instanceof Error ? error.message : String(error);
      if (complaint !== this.#complaint)
        context.log.error(`${path} is not taken, and what was in force goes on`, { error });
      this.#complaint = complaint;
    }
  }

  /** What only the monitor can give. One that is away is told when it is back. */
  async #order(): Promise<void> {
    const { context, inForce } = this;
    try {
      if (!this.#isCreated()) return;
      await (inForce.what === null
        ? convergeFormations(inForce, context)
        : convergeStanding(inForce, context));
      this.#orderAt = null;
      this.#refusal = '';
    } catch (thrown) {
      const error = inTermsOfFile(thrown, inForce.file);
      this.#orderAt = performance.now() + (mayPass(thrown) ? LOOK_EVERY : ORDER_AGAIN);
      const refusal = error instanceof Error ? error.message : String(error);
      if (refusal !== this.#refusal && !mayPass(thrown))
        context.log.error(`The monitor does not take what ${inForce.file.path} says; it is asked again`, {
          error,
        });
      this.#refusal = refusal;
    }
  }

  /** Before that there is nothing to bring in line. */
  #isCreated(): boolean {
    const { what, file } = this.inForce;
    const paths = nodePaths(file.pgdata, this.context);
    return what === null ? existsSync(paths.config) : readStateFile(paths.state) !== null;
  }
}

/** @throws UserError `other-node` */
function requireSamePlace(before: SpecifiedNode, { file }: SpecifiedNode): void {
  const changed = [
    ['node.kind', before.file.config.node.kind, file.config.node.kind],
    ['postgresql.pgdata', before.file.pgdata, file.pgdata],
  ] as const;
  for (const [name, from, to] of changed) {
    if (from === to) continue;
    const line = file.text.entries.find(({ section, key }) => `${section}.${key}` === name)?.line ?? 1;
    throw new UserError(`${file.path}:${line}: ${name} is "${to}", and the service is that of "${from}".`, {
      code: 'other-node',
      exit: EXIT.badConfiguration,
      hint: 'That is another node: stop this one first, and give the other a file of its own.',
    });
  }
}
