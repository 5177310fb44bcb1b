import { closeSync, openSync, readSync, readdirSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';

/** A line of a service's log, as far as it is of use here. */
export interface LogRecord {
  readonly level: string;
  readonly time: number;
  readonly msg: string;
  readonly rule?: string;
  /** The node that a line of the monitor is about. */
  readonly name?: string;
  readonly from?: string;
  readonly to?: string;
  readonly step?: string;
}

const LOG_FILE = /^service-\d+\.log$/;

/** Reads what the services of a host log, line by line, as soon as it is written. */
export class LogWatch {
  readonly #watcher: FSWatcher;
  readonly #offsets = new Map<string, number>();
  readonly #rests = new Map<string, string>();

  constructor(
    private readonly directory: string,
    private readonly onRecord: (record: LogRecord) => void,
  ) {
    this.#watcher = watch(directory, (_event, file) => {
      if (file !== null && LOG_FILE.test(file)) this.#read(file);
    });
    for (const file of readdirSync(directory)) if (LOG_FILE.test(file)) this.#read(file);
  }

  close(): void {
    this.#watcher.close();
  }

  #read(file: string): void {
    const text = (this.#rests.get(file) ?? '') + this.#news(file);
    const lines = text.split('\n');
    this.#rests.set(file, lines.pop() ?? '');
    for (const line of lines) if (line.startsWith('{')) this.onRecord(JSON.parse(line));
  }

  #news(file: string): string {
    const handle = openSync(join(this.directory, file), 'r');
    const chunk = Buffer.alloc(65_536);
    let text = '';
    try {
      for (;;) {
        const offset = this.#offsets.get(file) ?? 0;
        const count = readSync(handle, chunk, 0, chunk.length, offset);
        if (count === 0) return text;
        // Lines are ASCII but for names that a test gives.
        text += chunk.toString('utf8', 0, count);
        this.#offsets.set(file, offset + count);
      }
    } finally {
      closeSync(handle);
    }
  }
}
