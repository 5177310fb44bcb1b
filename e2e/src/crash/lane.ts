import { Ledger } from './ledger.js';
import { OPERATIONS, type Operation, type Shape } from './operations.js';
import { NO_FAULT, runOperation, type Plan, type Played, type Scene } from './run-operation.js';
import { Stage, type StageOptions } from './stage.js';
import { WritableWatch } from './writable-watch.js';

const ATTEMPTS = 3;

/** The fewest operations that lead from one shape to another. */
export function pathTo(from: Shape, to: Shape): readonly Operation[] {
  const paths = new Map<Shape, readonly Operation[]>([[from, []]]);
  for (const [shape, path] of paths) {
    if (shape === to) return path;
    for (const operation of OPERATIONS)
      if (operation.from === shape && !paths.has(operation.to)) paths.set(operation.to, [...path, operation]);
  }
  throw new RangeError(`no operation leads from ${from} to ${to}`);
}

/** A formation that is played on, and where it stands. */
export class Lane implements Scene {
  shape: Shape = 'empty';
  readonly ledger: Ledger;
  readonly writable: WritableWatch;

  private constructor(readonly stage: Stage) {
    this.ledger = new Ledger(stage.formation.uri);
    this.writable = new WritableWatch(stage.nodes);
  }

  static async open(options?: StageOptions): Promise<Lane> {
    return new Lane(await Stage.open(options));
  }

  async close(): Promise<void> {
    await this.writable.close();
    await this.stage.close();
  }

  /** @throws Error when no way leads there: a failover may have to wait for the lost node. */
  async reach(shape: Shape): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS && this.shape !== shape; attempt++) {
      for (const operation of pathTo(this.shape, shape)) {
        await this.play(operation, NO_FAULT);
        if (this.shape !== operation.to) break;
      }
    }
    if (this.shape !== shape)
      throw new Error(`the formation stays "${this.shape}" and does not become "${shape}"`);
  }

  async play(operation: Operation, plan: Plan): Promise<Played> {
    const played = await runOperation(this, operation, plan);
    this.shape = played.shape;
    return played;
  }

  rowsAcknowledged(): number {
    return this.ledger.acknowledged();
  }

  /** Of all that was acknowledged on this formation; all of it when nobody can be asked. */
  async rowsLost(): Promise<number> {
    return this.ledger.faults().then(
      ({ lost }) => lost,
      () => this.rowsAcknowledged(),
    );
  }
}
