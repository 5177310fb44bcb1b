import type { Terminal } from './terminal.js';

/** Where the terminals of a page stand: on one machine, or on a machine each. */
export interface ReadingPlace {
  /** A text of the page as it is in the terminal of this name: with the place's directory, addresses and ports. */
  asHere(text: string, terminal: string): string;
  /** Opens the terminal of this name. */
  open(terminal: string): Promise<Terminal>;
  /** The ends of the logs that the page's commands write. */
  logs(): Promise<string>;
  /** Ends everything that was started, and removes it. */
  close(): Promise<void>;
}
