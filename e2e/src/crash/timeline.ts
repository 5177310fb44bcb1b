/** What happened when, for a person who reads a failure. */
export class Timeline {
  readonly #lines: string[] = [];

  add(text: string): void {
    this.#lines.push(`${new Date().toISOString().slice(11, 23)} ${text}`);
  }

  /** What was added since the last call of `restart`. */
  text(): string {
    return this.#lines.join('\n');
  }

  restart(): void {
    this.#lines.length = 0;
  }
}
