import type { Typing } from './rounds.js';
import type { Terminal } from './terminal.js';
import type { TypedCommand } from './typed-commands.js';

/** Where the terminals of a page stand: on one machine, or on a machine each. */
export interface ReadingPlace {
  /** Where a command of the page is typed: rounds, of what is typed at once. */
  rounds(step: TypedCommand): readonly (readonly Typing[])[];
  /** A text of the page as it is in the terminal of this name: with the place's directory, addresses and ports. */
  asHere(text: string, terminal: string): string;
  /** Opens the terminal of this name. */
  open(terminal: string): Promise<Terminal>;
  /** The ends of the logs that the page's commands write. */
  logs(): Promise<string>;
  /** Ends everything that was started, and removes it. */
  close(): Promise<void>;
}
