import type { Processes } from './processes.js';
import type { Random } from './random.js';

/** The checkpointer of one Postgres: checkpoints one after the other, each for all who had asked before it began. */
export class ModelCheckpointer {
  #done = 0;
  #asked = 0;
  #works = false;

  constructor(
    private readonly processes: Processes,
    private readonly random: Random,
    private readonly on: {
      /** It reads what was reloaded before it begins one. */
      readonly begin: () => void;
      readonly done: () => void;
    },
  ) {}

  /** Asks for a checkpoint that begins from now on; `isDone` tells of it by the number. */
  ask(): number {
    this.#asked++;
    if (!this.#works) this.#begin();
    return this.#asked;
  }

  isDone(number: number): boolean {
    return this.#done >= number;
  }

  /** The process is gone; a start reads the files, too, so that whoever asked has what he asked for. */
  end(): void {
    this.#works = false;
    this.#done = this.#asked;
  }

  #begin(): void {
    this.#works = true;
    this.processes.later(this.random.between(0.1, 10), () => {
      const covered = this.#asked;
      this.on.begin();
      this.processes.later(this.random.between(1, 50), () => {
        this.#done = covered;
        this.#works = false;
        this.on.done();
        if (this.#asked > covered) this.#begin();
      });
    });
  }
}
