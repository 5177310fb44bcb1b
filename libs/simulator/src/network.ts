import type { EventQueue } from './event-queue.js';
import type { Random } from './random.js';

/** The monitor's host; nodes' hosts have their node's id. */
export const MONITOR = 0;

type Side = 'from' | 'to';

interface Held {
  readonly connection: Connection;
  readonly side: Side;
  readonly deliver: () => void;
}

interface Link {
  cutSince: number | null;
  readonly held: Held[];
}

/** A TCP connection; what is sent over it arrives in order, late, or never when an end is gone before. */
export interface Connection {
  readonly from: number;
  readonly to: number;
  /** True while that end has not closed it. */
  readonly open: Record<Side, boolean>;
  /** Called at an end when the other one has closed it, or when nothing was heard for too long. */
  readonly ended: Record<Side, (how: 'closed' | 'timeout') => void>;
  /** Nothing that this end sends later arrives earlier. */
  readonly lastArrival: Record<Side, number>;
  /** Since when the program at this end says nothing, though its host answers. */
  readonly silentSince: Record<Side, number | null>;
}

/** What a network does to packets. */
export interface Weather {
  /** The share of packets that are very late. */
  readonly late: number;
  /** The share that is lost: sent again after a while in a connection, gone without one. */
  readonly lost: number;
  /** The share of packets without a connection that come twice. */
  readonly doubled: number;
}

export const CALM: Weather = { late: 0.002, lost: 0, doubled: 0 };

/** A connection whose other end is not heard for this long is given up. */
const TIMEOUT = 5000;

/** The network between the hosts: delays, late and lost packets, cuts in each direction, half-open connections. */
export class Network {
  weather = CALM;
  readonly #links = new Map<number, Link>();
  readonly #connections = new Set<Connection>();
  /** Pairs of hosts, either way round, with somebody between them who refuses each in the name of the other. */
  readonly #rejected = new Set<number>();

  constructor(
    private readonly queue: EventQueue,
    private readonly random: Random,
  ) {}

  /** A packet that needs no connection: a request to open one, a refusal. Lost on a cut link. */
  packet(from: number, to: number, deliver: () => void): void {
    if (this.isCut(from, to) || this.isRejected(from, to)) return;
    const { lost, doubled } = this.weather;
    if (lost > 0 && this.random.chance(lost)) return;
    this.queue.after(this.#delay(), deliver);
    if (doubled > 0 && this.random.chance(doubled)) this.queue.after(this.#delay(), deliver);
  }

  send(connection: Connection, side: Side, deliver: () => void): void {
    const [from, to] = side === 'from' ? [connection.from, connection.to] : [connection.to, connection.from];
    const link = this.#link(from, to);
    if (link.cutSince === null) this.#schedule(connection, side, deliver);
    else link.held.push({ connection, side, deliver });
  }

  connect(from: number, to: number, ended: Connection['ended']): Connection {
    const connection: Connection = {
      from,
      to,
      open: { from: true, to: true },
      ended,
      lastArrival: { from: 0, to: 0 },
      silentSince: { from: null, to: null },
    };
    this.#connections.add(connection);
    if (this.isCut(from, to)) this.#timeOutAfterCut(from, to);
    if (this.isCut(to, from)) this.#timeOutAfterCut(to, from);
    return connection;
  }

  /** One end closes; the other hears of it when the network lets it. */
  close(connection: Connection, side: Side): void {
    if (!connection.open[side]) return;
    connection.open[side] = false;
    const other = side === 'from' ? 'to' : 'from';
    if (!connection.open[other]) {
      this.#connections.delete(connection);
      return;
    }
    this.send(connection, side, () => this.#end(connection, other, 'closed'));
  }

  cut(from: number, to: number): void {
    const link = this.#link(from, to);
    if (link.cutSince !== null) return;
    link.cutSince = this.queue.now;
    this.#timeOutAfterCut(from, to);
  }

  heal(from: number, to: number): void {
    const link = this.#link(from, to);
    if (link.cutSince === null) return;
    link.cutSince = null;
    for (const { connection, side, deliver } of link.held.splice(0)) {
      this.#schedule(connection, side, deliver);
    }
  }

  isCut(from: number, to: number): boolean {
    const since = this.#links.get(key(from, to))?.cutSince;
    return since !== undefined && since !== null;
  }

  reject(a: number, b: number): void {
    if (a === b) return;
    this.#rejected.add(key(a, b));
    this.#rejected.add(key(b, a));
    for (const connection of [...this.#connections]) {
      const { from, to } = connection;
      if (!(from === a && to === b) && !(from === b && to === a)) continue;
      this.#connections.delete(connection);
      for (const side of ['from', 'to'] as const) {
        const wasOpen = connection.open[side];
        connection.open[side] = false;
        if (wasOpen) connection.ended[side]('closed');
      }
    }
  }

  admit(a: number, b: number): void {
    this.#rejected.delete(key(a, b));
    this.#rejected.delete(key(b, a));
  }

  isRejected(from: number, to: number): boolean {
    return this.#rejected.size > 0 && this.#rejected.has(key(from, to));
  }

  /** The program at this end is frozen: the other end gives the connection up when that lasts. */
  fallSilent(connection: Connection, side: Side): void {
    const since = this.queue.now;
    connection.silentSince[side] = since;
    const other = side === 'from' ? 'to' : 'from';
    this.queue.after(TIMEOUT + this.random.between(0, 500), () => {
      if (connection.silentSince[side] === since) this.#end(connection, other, 'timeout');
    });
  }

  speakAgain(connection: Connection, side: Side): void {
    connection.silentSince[side] = null;
  }

  #delay(): number {
    const late = this.random.chance(this.weather.late) ? this.random.between(20, 800) : 0;
    return this.random.between(0.1, 1.5) + late;
  }

  #schedule(connection: Connection, side: Side, deliver: () => void): void {
    const { lost } = this.weather;
    const again = lost > 0 && this.random.chance(lost) ? this.random.between(200, 3000) : 0;
    const arrival = this.queue.now + this.#delay() + again;
    const { lastArrival } = connection;
    lastArrival[side] = Math.max(arrival, lastArrival[side] + 0.001);
    this.queue.at(lastArrival[side], deliver);
  }

  /** Hearing nothing in one direction ends the connections at that direction's end. */
  #timeOutAfterCut(from: number, to: number): void {
    const since = this.#link(from, to).cutSince;
    this.queue.after(TIMEOUT + this.random.between(0, 500), () => {
      if (this.#link(from, to).cutSince !== since) return;
      for (const connection of [...this.#connections]) {
        if (connection.from === from && connection.to === to) this.#end(connection, 'to', 'timeout');
        else if (connection.from === to && connection.to === from) this.#end(connection, 'from', 'timeout');
      }
    });
  }

  #end(connection: Connection, side: Side, how: 'closed' | 'timeout'): void {
    if (!connection.open[side]) return;
    this.close(connection, side);
    connection.ended[side](how);
  }

  #link(from: number, to: number): Link {
    let link = this.#links.get(key(from, to));
    if (!link) {
      link = { cutSince: null, held: [] };
      this.#links.set(key(from, to), link);
    }
    return link;
  }
}

function key(from: number, to: number): number {
  return from * 4096 + to;
}
