import type { ModelPostgres } from './model-postgres.js';
import { releasedBy, type Stream } from './replication.js';
import { isPrefix, type Branch } from './wal.js';

/** Pause between two attempts to reach the upstream: wal_retrieve_retry_interval. */
const RETRY = 100;

/** The walreceiver and the walsenders of one Postgres. */
export class ModelStreams {
  /** primary_conninfo as the startup process has read it. */
  conninfo: number | null = null;
  receiver: Stream | null = null;
  readonly senders = new Map<number, Stream>();
  #connecting = false;

  constructor(
    private readonly postgres: ModelPostgres,
    private readonly on: {
      readonly receiverEnd: (upstream: number, how: 'closed' | 'timeout' | 'cutByUs') => void;
      /** By a standby's reply, commits up to there need wait no longer. */
      readonly released: (upTo: number) => void;
    },
  ) {}

  /** The startup process follows what the settings name. */
  follow(upstream: number | null): void {
    this.conninfo = upstream;
    this.#connect();
  }

  readConninfo(): void {
    const { upstream } = this.postgres.configuration;
    if (this.conninfo === upstream) return;
    this.conninfo = upstream;
    this.endReceiver();
    this.#connect();
  }

  /** Ends it as the startup process does, which first writes out what came. */
  endReceiver(): void {
    const stream = this.receiver;
    if (!stream) return;
    this.receiver = null;
    this.postgres.flushWritten();
    this.#world.network.close(stream.connection, 'from');
    this.on.receiverEnd(stream.upstream.id, 'cutByUs');
  }

  /** The processes are gone, and their connections with them. */
  end(): void {
    this.#connecting = false;
    const { receiver } = this;
    if (receiver) {
      this.receiver = null;
      this.#world.network.close(receiver.connection, 'from');
      this.on.receiverEnd(receiver.upstream.id, 'cutByUs');
    }
    this.cut();
  }

  /** The walsenders end, whatever their standbys lack. */
  cut(): void {
    for (const stream of this.senders.values()) this.#world.network.close(stream.connection, 'to');
    this.senders.clear();
  }

  /** Its processes are frozen: who is connected to them hears nothing more. */
  freeze(): void {
    const { network } = this.#world;
    if (this.receiver) network.fallSilent(this.receiver.connection, 'from');
    for (const { connection } of this.senders.values()) network.fallSilent(connection, 'to');
  }

  wake(): void {
    const { network } = this.#world;
    if (this.receiver) network.speakAgain(this.receiver.connection, 'from');
    for (const { connection } of this.senders.values()) network.speakAgain(connection, 'to');
  }

  /** Sends to every standby what it has not got yet. */
  ship(): void {
    for (const stream of this.senders.values()) this.#shipOver(stream);
  }

  /** Who is connected has everything. */
  get isShipped(): boolean {
    for (const stream of this.senders.values()) if (stream.flushed < this.postgres.flushed) return false;
    return true;
  }

  /** Asks each standby to say how far it is. */
  requestReplies(): void {
    for (const stream of this.senders.values()) {
      const { processes, streams } = stream.standby;
      this.#world.network.send(stream.connection, 'to', () => processes.do(() => streams.#reply(stream)));
    }
  }

  /** Each walsender reads a reloaded setting in its own time. */
  rereadSync(stream: Stream): void {
    stream.sync = this.postgres.configuration.sync;
    this.release(stream);
  }

  release(by: Stream): void {
    this.on.released(releasedBy(by, this.senders.values()));
  }

  get #world(): ModelPostgres['world'] {
    return this.postgres.world;
  }

  #shipOver(stream: Stream): void {
    const { branch, flushed } = this.postgres;
    if (stream.sent >= flushed) return;
    stream.sent = flushed;
    const epoch = this.#world.checks.epochOf(this.postgres);
    const { processes, streams } = stream.standby;
    this.#world.network.send(stream.connection, 'to', () =>
      processes.do(() => streams.#receive(stream, branch, flushed, epoch)),
    );
  }

  #receive(stream: Stream, branch: Branch, lsn: number, epoch: number): void {
    if (this.receiver !== stream) return;
    // What comes from another standby is confirmed to no leader.
    if (!stream.upstream.inRecovery) this.postgres.heardAt = this.#world.queue.now;
    if (lsn <= this.postgres.written) return;
    this.#world.checks.received(this.postgres, epoch);
    this.postgres.write(branch, lsn, () => {
      this.ship();
      this.#reply(stream);
    });
  }

  #reply(stream: Stream): void {
    if (this.receiver !== stream) return;
    const { flushed } = this.postgres;
    const { processes, streams } = stream.upstream;
    this.#world.network.send(stream.connection, 'from', () =>
      processes.do(() => streams.#hear(stream, flushed)),
    );
  }

  #hear(stream: Stream, flushed: number): void {
    if (this.senders.get(stream.standby.id) !== stream) return;
    stream.repliedAt = this.#world.queue.now;
    if (flushed <= stream.flushed) return;
    stream.flushed = flushed;
    this.#world.changed();
    this.release(stream);
  }

  #connect(): void {
    if (this.#connecting) return;
    this.#connecting = true;
    this.#tryToConnect();
  }

  #tryToConnect(): void {
    const { postgres } = this;
    if (this.conninfo === null || this.receiver || !postgres.inRecovery) {
      this.#connecting = false;
      return;
    }
    const upstream = this.#world.postgresOf(this.conninfo);
    if (upstream) {
      const request = postgres.processes.whileAlive(() => {
        // Who has left recovery meanwhile has no walreceiver.
        if (this.conninfo === upstream.id && postgres.inRecovery && !postgres.processes.areFrozen)
          upstream.streams.#accept(postgres);
      });
      this.#world.network.packet(postgres.id, upstream.id, () => upstream.processes.do(request));
    }
    postgres.processes.later(RETRY, () => this.#tryToConnect());
  }

  #accept(standby: ModelPostgres): void {
    const { postgres } = this;
    if (postgres.life !== 'up' || standby.streams.receiver || !postgres.slots.has(standby.id)) return;
    if (this.senders.has(standby.id)) return;
    if (!isPrefix(standby.branch, standby.flushed, postgres.branch, postgres.flushed)) return;
    const connection = this.#world.network.connect(standby.id, postgres.id, {
      from: (how) => standby.processes.do(() => standby.streams.#ended(stream, how)),
      to: () =>
        postgres.processes.do(() => {
          if (this.senders.get(standby.id) === stream) this.senders.delete(standby.id);
        }),
    });
    const stream: Stream = {
      connection,
      upstream: postgres,
      standby,
      sent: standby.flushed,
      flushed: 0,
      repliedAt: 0,
      sync: postgres.configuration.sync,
    };
    this.senders.set(standby.id, stream);
    standby.streams.receiver = stream;
    this.#world.changed();
    // A walreceiver counts its beginning as a message.
    if (!this.postgres.inRecovery) standby.heardAt = this.#world.queue.now;
    standby.streams.#reply(stream);
    this.#shipOver(stream);
  }

  #ended(stream: Stream, how: 'closed' | 'timeout'): void {
    if (this.receiver !== stream) return;
    this.receiver = null;
    this.#world.changed();
    this.on.receiverEnd(stream.upstream.id, how);
    if (this.postgres.life === 'up') this.#connect();
  }
}
