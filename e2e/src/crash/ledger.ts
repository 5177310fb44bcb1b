import { connect } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import { until } from '@pgaf/testing/deadline';
import { checkHistory, longestOutage, type Attempt, type Verdict } from '@pgaf/testing/history';
import { Writer } from '@pgaf/testing/writer';

const TABLE = 'ledger';
/** Leaves the processors to what is tested. */
const PAUSE_MS = 8;

/**
 * A client that writes while things go wrong, one after the other, and everything it was ever told of one
 * formation: a row that was there after one fault must be there after the next.
 */
export class Ledger {
  #history: Attempt[] = [];
  #writer: Writer | null = null;

  constructor(private readonly uri: string) {}

  acknowledged(): number {
    return this.#history.filter(({ outcome }) => outcome === 'acknowledged').length;
  }

  /** The formation is a new one. */
  forget(): void {
    this.#history = [];
  }

  async begin(): Promise<void> {
    const last = this.#history.at(-1)?.id ?? 0;
    this.#writer = new Writer({ uri: this.uri, table: TABLE, firstId: last + 1, pauseMs: PAUSE_MS });
    await this.#writer.start();
  }

  async untilWriting(): Promise<void> {
    await this.#writer?.untilWriting(5, 30_000);
  }

  /** The longest time without an acknowledged row since `begin`, in milliseconds. */
  async end(): Promise<number> {
    const history = (await this.#writer?.stop()) ?? [];
    this.#writer = null;
    this.#history.push(...history);
    return longestOutage(history).ms;
  }

  /** What the table lacks, or has twice, of all that was acknowledged; empty when all is well. */
  async faults(): Promise<{ readonly lost: number; readonly sentences: string[] }> {
    // A crash that came at the end of the operation is mended while it is asked.
    const { lost, duplicated, foreign } = await until(
      { what: 'an answer of the primary', deadlineMs: 30_000 },
      () => this.#verdict(),
    );
    const found = { lost, duplicated, 'never sent': foreign };
    const sentences = Object.entries(found)
      .filter(([, ids]) => ids.length > 0)
      .map(([what, ids]) => `rows ${what}: ${ids.join(', ')}`);
    return { lost: lost.length, sentences };
  }

  async #verdict(): Promise<Verdict> {
    const client = await connect(
      { ...parseConnInfo(this.uri), targetSessionAttrs: 'read-write' },
      { connectTimeoutMs: 5000 },
    );
    try {
      return await checkHistory(client, this.#history, TABLE);
    } finally {
      await client.end();
    }
  }
}
