import { ModelCheckpointer } from './model-checkpointer.js';
import { ModelStreams } from './model-streams.js';
import { Processes } from './processes.js';
import { NO_SYNC, WaitingCommits, type Configuration, type Stream } from './replication.js';
import { branchFrom, rootBranch, type Branch } from './wal.js';
import type { World } from './world.js';

/**
 * Backends that outlive their postmaster are busy ones, and it takes a client a while to be one. A leader that
 * dies twice within less than this, the second time with a busy backend, is beyond what can be proved of it.
 */
const BUSY_AFTER = 3000;
const COMMIT_BYTES = 100;
const RECORD_BYTES = 40;

/**
 * One Postgres: its data directory, which outlives it, and its processes. A standby is only ever in one of
 * two positions: received (lost in a crash of the host) and flushed.
 */
export class ModelPostgres {
  // The data directory
  /** False when there is none, or one that a copy or a rewind left half made. */
  usable = false;
  branch: Branch = rootBranch(0);
  flushed = 0;
  configuration: Configuration = { standby: false, upstream: null, sync: NO_SYNC };
  stoppedCleanly = false;
  /** Nothing was written here since it last was a standby, whatever the configuration says by now. */
  neverLeftRecovery = false;
  /** Something was written here by nobody's order. */
  strayed = false;
  readonly slots = new Set<number>();

  // The processes
  readonly processes: Processes;
  readonly streams: ModelStreams;
  readonly checkpointer: ModelCheckpointer;
  life: 'down' | 'starting' | 'up' | 'stopping' = 'down';
  /** The postmaster is dead, and backends and walsenders of it still live. */
  leftOvers = false;
  inRecovery = true;
  /** It lets standbys in and nobody else. */
  rejectsClients = false;
  /** Out of recovery by nobody's order: what is written here counts for nobody. */
  openedByHand = false;
  written = 0;
  writtenBranch: Branch = this.branch;
  /** As the checkpointer has read it: whether commits wait at all. */
  commitsWait = false;
  /** All WAL that was here at the start is replayed, so that the position is known. */
  replayed = true;
  /** From where on that is replayed. */
  #replaysFrom = 0;
  /** Every start fails until then. */
  brokenUntil = 0;
  #listens = false;
  /** Until then every write to the disk may take this long, in ms. */
  slowDisk = { until: 0, atMost: 0 };
  /** Until then every process may take this long to read its files, in ms. */
  slowReload = { until: 0, atMost: 0 };
  failedStarts = 0;
  /** The start under way, or the last one, was frozen in the middle. */
  startWasHeldUp = false;
  /** It was killed while its processes stood still: they end before they go on. */
  isDoomed = false;
  #frozenAt = 0;
  /** When its processes last went on after they had been frozen. */
  wokenAt = -Infinity;
  /** When the last message came from an upstream. */
  heardAt = 0;
  /** The epoch in which it was last opened for writes. */
  openedIn = 0;
  readonly #waiting = new WaitingCommits();
  #upSince = 0;
  /** The stop under way was not ordered by the keeper. */
  #endIsNews = false;
  #promoting = false;
  #untold = 0;

  constructor(
    readonly world: World,
    readonly id: number,
    /** Called when the postmaster is gone without having been asked. */
    private readonly onDeath: () => void,
    onReceiverEnd: (upstream: number, how: 'closed' | 'timeout' | 'cutByUs') => void,
  ) {
    this.processes = new Processes(world.queue);
    this.streams = new ModelStreams(this, {
      receiverEnd: onReceiverEnd,
      released: (upTo) => this.#letGo(upTo),
    });
    this.checkpointer = new ModelCheckpointer(this.processes, world.random, {
      begin: () => this.#readWhetherCommitsWait(),
      done: () => world.changed(),
    });
  }

  /** Somebody who is connected can write. */
  get takesWrites(): boolean {
    if (this.inRecovery || this.openedByHand || this.rejectsClients || this.isDoomed) return false;
    return this.life === 'up' || this.leftOvers;
  }

  /** Its host does not refuse connections. */
  get listens(): boolean {
    return this.life === 'starting' ? this.#listens : this.life !== 'down';
  }

  get isAlive(): boolean {
    return this.life !== 'down' || this.leftOvers;
  }

  /** For how long it has answered nobody; 0 while it does. */
  get hungFor(): number {
    return this.isAlive && this.processes.areFrozen ? this.world.queue.now - this.#frozenAt : 0;
  }

  get receiver(): Stream | null {
    return this.streams.receiver;
  }

  get senders(): ReadonlyMap<number, Stream> {
    return this.streams.senders;
  }

  get conninfo(): number | null {
    return this.streams.conninfo;
  }

  /** As far as it knows itself: what came before its start counts when it is replayed. */
  get knownLsn(): number {
    return this.replayed ? this.flushed : Math.min(this.flushed, this.#replaysFrom);
  }

  /** A walreceiver is there, whatever it does. */
  get isReceiving(): boolean {
    return this.receiver !== null;
  }

  initdb(epoch: number): void {
    if (this.usable) return;
    this.usable = true;
    this.branch = rootBranch(epoch);
    this.flushed = RECORD_BYTES;
    this.stoppedCleanly = true;
    this.neverLeftRecovery = false;
  }

  /** Takes over the history of another node and its files, as a base backup or a rewind does. */
  becomeCopyOf(source: ModelPostgres): void {
    this.usable = true;
    this.branch = source.branch;
    this.flushed = source.flushed;
    this.stoppedCleanly = false;
    this.strayed = false;
    this.#endIsNews = false;
    this.configuration = { ...source.configuration, standby: true };
    this.slots.clear();
  }

  configure(change: Partial<Configuration>): void {
    this.configuration = { ...this.configuration, ...change };
  }

  /** Begins to start; `failedStarts` counts the starts that come to nothing. */
  start(epoch: number, clients: 'admitted' | 'rejected' = 'admitted'): void {
    if (this.life !== 'down' || this.leftOvers) return;
    this.life = 'starting';
    this.startWasHeldUp = false;
    // What keeps it from starting shows before it listens, or later.
    this.#listens = this.world.queue.now >= this.brokenUntil || this.world.random.chance(0.5);
    this.rejectsClients = clients === 'rejected';
    this.processes.later(this.world.random.between(10, 200), () => {
      if (this.usable && this.world.queue.now >= this.brokenUntil) return this.#opened(epoch);
      this.life = 'down';
      this.failedStarts++;
      this.world.changed();
    });
  }

  #opened(epoch: number): void {
    this.life = 'up';
    this.#upSince = this.world.queue.now;
    this.stoppedCleanly = false;
    this.#endIsNews = false;
    this.written = this.flushed;
    this.writtenBranch = this.branch;
    this.inRecovery = this.configuration.standby;
    this.commitsWait = this.configuration.sync.required > 0;
    this.replayed = !this.inRecovery;
    if (this.inRecovery) {
      this.neverLeftRecovery = true;
      this.#replaysFrom = Math.max(0, this.flushed - this.world.random.below(20) * COMMIT_BYTES);
      this.processes.later(this.world.random.between(1, 300), () => (this.replayed = true));
      this.streams.follow(this.configuration.upstream);
    } else {
      this.#takeWrites(epoch);
    }
    this.world.changed();
  }

  #takeWrites(epoch: number): void {
    this.openedIn = epoch;
    this.neverLeftRecovery = false;
    this.#append(RECORD_BYTES);
    if (!this.rejectsClients) this.world.checks.opened(this);
  }

  /** When it was started last. */
  get upSince(): number {
    return this.#upSince;
  }

  admitClients(): void {
    if (!this.rejectsClients) return;
    this.rejectsClients = false;
    this.world.checks.opened(this);
    this.world.changed();
  }

  /** All its processes stand still, and its host answers in their place. */
  freeze(): void {
    if (!this.isAlive || this.processes.areFrozen) return;
    this.processes.freeze();
    this.#frozenAt = this.world.queue.now;
    this.streams.freeze();
    if (this.life === 'starting') this.startWasHeldUp = true;
    this.world.changed();
  }

  wake(): void {
    if (!this.processes.areFrozen) return;
    if (this.isDoomed) return this.crash();
    this.streams.wake();
    this.processes.wake();
    this.wokenAt = this.world.queue.now;
    this.world.checks.woken(this);
    this.world.changed();
  }

  /** A fast stop: ends backends, ships everything to who is connected, then says that it was clean. */
  stop(): void {
    if (this.processes.areFrozen) return this.processes.do(() => this.stop());
    if (this.life === 'starting') this.crash();
    if (this.leftOvers) this.endLeftOvers();
    if (this.life !== 'up') return;
    this.life = 'stopping';
    this.#waiting.clear();
    if (!this.inRecovery) this.#append(RECORD_BYTES);
    this.world.changed();
    this.#endWhenShipped();
  }

  /** Not the keeper's doing: it hears of the end. */
  stopByHand(): void {
    if (this.life !== 'up' || this.processes.areFrozen) return;
    this.stop();
    this.#endIsNews = true;
  }

  #endWhenShipped(): void {
    if (!this.streams.isShipped) return this.processes.later(5, () => this.#endWhenShipped());
    this.#end();
    this.stoppedCleanly = true;
    if (this.#endIsNews) this.onDeath();
    this.#endIsNews = false;
  }

  /** The postmaster is killed; its children may outlive it for a while. */
  killPostmaster(linger: number): void {
    if (this.life === 'down') return;
    const isBusy = this.#upSince < this.world.queue.now - BUSY_AFTER;
    if (linger <= 0 || this.life !== 'up' || this.inRecovery || !isBusy) {
      this.crash();
      this.onDeath();
      return;
    }
    this.life = 'down';
    this.leftOvers = true;
    this.processes.later(linger, () => this.endLeftOvers());
    this.onDeath();
    this.world.changed();
  }

  endLeftOvers(): void {
    if (!this.leftOvers) return;
    this.leftOvers = false;
    this.#end();
  }

  /** As `crash`; those that stand still, as for a disk that hangs, end when that is over. */
  kill(): void {
    if (!this.processes.areFrozen) return this.crash();
    this.isDoomed = this.isAlive;
    this.world.changed();
  }

  /** All its processes end at once, and what was not flushed is gone. */
  crash(): void {
    if (!this.isAlive) return;
    this.leftOvers = false;
    this.#end();
  }

  #end(): void {
    this.life = 'down';
    this.isDoomed = false;
    this.processes.end();
    this.#untold = 0;
    this.inRecovery = true;
    this.openedByHand = false;
    this.rejectsClients = false;
    this.#waiting.clear();
    this.checkpointer.end();
    this.#promoting = false;
    this.written = this.flushed;
    this.writtenBranch = this.branch;
    this.streams.end();
    this.world.changed();
  }

  /** Every walsender was told to read the files before it takes another reply. */
  get isTold(): boolean {
    return this.#untold === 0;
  }

  /** Each process reads the files in its own time. */
  reload(): void {
    if (this.life !== 'up') return;
    const { random, queue } = this.world;
    const { until, atMost } = this.slowReload;
    const slow = (): number => {
      const longest = random.chance(0.1) ? 600 : 15;
      return random.between(0.1, queue.now < until ? atMost : longest);
    };
    this.processes.later(slow(), () => {
      if (this.inRecovery) this.streams.readConninfo();
    });
    this.processes.later(slow(), () => this.#readWhetherCommitsWait());
    for (const stream of this.senders.values()) {
      this.#untold++;
      this.processes.later(slow(), () => {
        this.#untold--;
        this.streams.rereadSync(stream);
      });
    }
  }

  /** Leaves recovery on a timeline of its own, of a number above all that were used. The files say so before that counts: a crash in between leaves it unmade. */
  promote(epoch: number, above: number): void {
    if (this.life !== 'up' || !this.inRecovery || !this.replayed || this.#promoting) return;
    this.#promoting = true;
    this.processes.later(this.world.random.between(1, 30), () => {
      if (this.life === 'up') this.configure({ standby: false });
    });
    this.processes.later(this.world.random.between(30, 60), () => {
      this.#promoting = false;
      if (this.life !== 'up') return;
      this.streams.endReceiver();
      this.branch = branchFrom(this.writtenBranch, this.written, epoch, above);
      this.writtenBranch = this.branch;
      this.flushed = this.written;
      this.inRecovery = false;
      this.strayed = false;
      this.#takeWrites(epoch);
      this.world.changed();
    });
  }

  /** Not the keeper's doing. Postgres takes the next number for its timeline, which another node may take as well. */
  promoteByHand(bytes: number): void {
    if (this.life !== 'up' || !this.inRecovery || !this.replayed || this.#promoting) return;
    if (this.processes.areFrozen) return;
    this.streams.endReceiver();
    this.configure({ standby: false });
    this.branch = branchFrom(this.writtenBranch, this.written, this.writtenBranch.epoch, 0);
    this.writtenBranch = this.branch;
    this.inRecovery = false;
    this.neverLeftRecovery = false;
    this.openedByHand = true;
    this.strayed = true;
    this.#append(RECORD_BYTES + bytes);
  }

  /**
   * The same, and Postgres crashes on its way: its signal file is gone, and its timeline has not begun, or has its first
   * record, while pg_control does not say that recovery is over.
   */
  promoteByHandInVain(reached: 'signal' | 'record'): void {
    if (this.life !== 'up' || !this.inRecovery || !this.replayed || this.#promoting) return;
    if (this.processes.areFrozen) return;
    this.streams.endReceiver();
    this.configure({ standby: false });
    if (reached === 'record') {
      this.branch = branchFrom(this.writtenBranch, this.written, this.writtenBranch.epoch, 0);
      this.flushed = this.written + RECORD_BYTES;
    }
    this.crash();
    this.onDeath();
  }

  /** What somebody opened is what leads, with all that was written there. */
  takeOverAsOpened(epoch: number): void {
    this.branch = { ...this.branch, epoch };
    this.writtenBranch = this.branch;
    this.openedByHand = false;
    this.strayed = false;
    this.#takeWrites(epoch);
  }

  /** A client commits: flushed here first, then acknowledged when the setting in force says so. */
  commit(): void {
    this.written += COMMIT_BYTES;
    const lsn = this.written;
    this.world.changed();
    this.#onceWritten(2, () => {
      if (!this.takesWrites || this.life === 'stopping') return;
      this.#flush(lsn);
      if (this.commitsWait) this.#waiting.add(lsn);
      else this.world.checks.acknowledged(this.branch, lsn);
      for (const stream of this.senders.values()) this.streams.release(stream);
    });
  }

  /** Received from the upstream: written at once, flushed a little later. */
  write(branch: Branch, lsn: number, whenFlushed: () => void): void {
    this.written = lsn;
    this.writtenBranch = branch;
    this.world.changed();
    this.#onceWritten(3, () => {
      if (lsn > this.flushed) {
        this.flushed = lsn;
        this.branch = branch;
        this.world.changed();
      }
      whenFlushed();
    });
  }

  flushWritten(): void {
    this.flushed = this.written;
    this.branch = this.writtenBranch;
  }

  #onceWritten(usually: number, action: () => void): void {
    const { until, atMost } = this.slowDisk;
    const longest = this.world.queue.now < until ? atMost : usually;
    this.processes.later(this.world.random.between(0.05, longest), action);
  }

  /** On disk here, and on its way to the standbys; waits for none. */
  writeMessage(): number {
    this.#append(RECORD_BYTES);
    return this.flushed;
  }

  #append(bytes: number): void {
    this.written += bytes;
    this.#flush(this.written);
  }

  #flush(lsn: number): void {
    if (lsn > this.flushed) this.flushed = lsn;
    this.world.changed();
    this.streams.ship();
  }

  #letGo(upTo: number): void {
    for (const lsn of this.#waiting.takeUpTo(upTo)) this.world.checks.acknowledged(this.branch, lsn);
  }

  #readWhetherCommitsWait(): void {
    this.commitsWait = this.configuration.sync.required > 0;
    if (!this.commitsWait && this.takesWrites) this.#letGo(Infinity);
  }
}
