type Action = () => void;

/** What happens next, by virtual time in milliseconds; events of the same instant in the order they came. */
export class EventQueue {
  now = 0;
  readonly #times: number[] = [];
  readonly #orders: number[] = [];
  readonly #actions: Action[] = [];
  #count = 0;

  at(time: number, action: Action): void {
    let index = this.#times.length;
    const order = this.#count++;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#isLater(parent, time, order)) break;
      this.#copy(parent, index);
      index = parent;
    }
    this.#put(index, time, order, action);
  }

  after(delay: number, action: Action): void {
    this.at(this.now + delay, action);
  }

  /** Moves the clock to the next event and runs it; false when there is none. */
  runNext(): boolean {
    const time = this.#times[0];
    const action = this.#actions[0];
    if (time === undefined || action === undefined) return false;
    this.#removeFirst();
    this.now = time;
    action();
    return true;
  }

  #removeFirst(): void {
    const time = this.#times.pop();
    const order = this.#orders.pop();
    const action = this.#actions.pop();
    const size = this.#times.length;
    if (size === 0 || time === undefined || order === undefined || action === undefined) return;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#isLater(child, this.#timeOf(child + 1), this.#orderOf(child + 1)))
        child++;
      if (this.#isLater(child, time, order)) break;
      this.#copy(child, index);
      index = child;
    }
    this.#put(index, time, order, action);
  }

  #timeOf(index: number): number {
    return this.#times[index] ?? Infinity;
  }

  #orderOf(index: number): number {
    return this.#orders[index] ?? Infinity;
  }

  #isLater(index: number, time: number, order: number): boolean {
    const own = this.#timeOf(index);
    return own > time || (own === time && this.#orderOf(index) > order);
  }

  #copy(from: number, to: number): void {
    const action = this.#actions[from];
    if (action) this.#put(to, this.#timeOf(from), this.#orderOf(from), action);
  }

  #put(index: number, time: number, order: number, action: Action): void {
    this.#times[index] = time;
    this.#orders[index] = order;
    this.#actions[index] = action;
  }
}
