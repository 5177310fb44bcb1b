import { setTimeout as sleep } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import { PgafError } from '@pgaf/core/errors';
import type { NodeLabel } from '../output/node-label.js';
import { clockText } from './event-columns.js';
import type { Command } from './keys.js';
import type { MonitorFeed, Reading } from './monitor-feed.js';
import type { Picture } from './picture.js';
import { screenOf } from './screen-layout.js';
import { TerminalScreen } from './terminal-screen.js';
import { FIRST_VIEW, viewAfter, type Reach, type View } from './view.js';

const POLL: Milliseconds = 500;
/** Clock and ages move on also while the monitor is silent. */
const TICK: Milliseconds = 500;

const LEAVE_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/** The screen of `pgaf watch`: what the feed says, drawn when anything changes. */
export class LiveScreen {
  readonly #left = new AbortController();
  readonly #terminal = new TerminalScreen({
    command: (command) => this.#obey(command),
    resized: () => this.#draw(),
  });
  #view: View = FIRST_VIEW;
  #reach: Reach = { selectable: [], descriptionRoom: 0, longestDescription: 0 };
  #reading: Reading | null = null;
  #readAt = performance.now();
  /** Why there is no newer reading. */
  #trouble: string | null = null;

  constructor(
    private readonly feed: MonitorFeed,
    private readonly formation: string,
    private readonly labelOf: (kind: string | undefined) => NodeLabel,
  ) {}

  /** Resolves when the user leaves, or a signal says so; the terminal is as it was by then. */
  async untilLeft(): Promise<void> {
    const leave = (): void => this.#left.abort();
    for (const signal of LEAVE_SIGNALS) process.on(signal, leave);
    this.#terminal.open();
    const ticking = setInterval(() => this.#draw(), TICK);
    try {
      await Promise.race([this.#follow(), this.#leaving()]);
    } finally {
      clearInterval(ticking);
      this.#terminal.close();
      for (const signal of LEAVE_SIGNALS) process.off(signal, leave);
    }
  }

  async #follow(): Promise<void> {
    const { signal } = this.#left;
    while (!signal.aborted) {
      await this.#refresh();
      this.#draw();
      await sleep(POLL, undefined, { signal }).catch(() => undefined);
    }
  }

  #leaving(): Promise<void> {
    return new Promise((resolve) => {
      this.#left.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  async #refresh(): Promise<void> {
    try {
      const reading = await this.feed.read(this.#terminal.size.rows);
      this.#trouble = reading === null ? `There is no formation "${this.formation}" any more.` : null;
      this.#reading = reading ?? (this.#reading && { ...this.#reading, nodes: [] });
      this.#readAt = performance.now();
    } catch (error) {
      if (this.#left.signal.aborted) return;
      if (!(error instanceof PgafError)) throw error;
      this.#trouble ??= `Out of date since ${clockText(new Date())}. ${error.message}`;
    }
  }

  #obey(command: Command): void {
    if (command === 'quit') this.#left.abort();
    else if (command === 'suspend') this.#terminal.suspend();
    else {
      this.#view = viewAfter(this.#view, command, this.#reach);
      this.#draw();
    }
  }

  #draw(): void {
    const { lines, reach } = screenOf(this.#picture(), this.#view, this.#terminal.size);
    this.#reach = reach;
    this.#terminal.draw(lines);
  }

  /** Ages go on from what they were at the reading, so that no two clocks are compared. */
  #picture(): Picture {
    const { kind, numberSyncStandbys = null, nodes = [], events = [], waiting = [] } = this.#reading ?? {};
    const since = performance.now() - this.#readAt;
    return {
      formation: this.formation,
      numberSyncStandbys,
      nodes: nodes.map((node) => ({
        ...node,
        reportAge: node.reportAge + since,
        checkAge: node.checkAge + since,
      })),
      events,
      notice: this.#trouble ?? (waiting.length === 0 ? null : waiting.join(' · ')),
      now: new Date(),
      nodeLabel: this.labelOf(kind),
    };
  }
}
