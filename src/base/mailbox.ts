/** Items read are let go once there are this many of them, and no fewer than unread ones: O(1) an item. */
const SPENT = 1024;

/** A queue with one reader: `for await (const item of mailbox)` takes items in the order pushed, until it is closed. */
export class Mailbox<T> implements AsyncIterable<T> {
  #items: T[] = [];
  /** Where the next unread item stands in `#items`. */
  #next = 0;
  #closed = false;
  #wake: (() => void) | undefined;

  /** False, and nothing kept, once closed. */
  push(item: T): boolean {
    if (this.#closed) return false;
    this.#items.push(item);
    this.#wake?.();
    return true;
  }

  /** What was pushed before is still read. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** Items not yet read. */
  get size(): number {
    return this.#items.length - this.#next;
  }

  /** A reader that leaves in the middle leaves the rest for the next one. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      while (this.size > 0) yield this.#take();
      if (this.#closed) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
  }

  #take(): T {
    const item = this.#items[this.#next] as T;
    this.#next += 1;
    if (this.size === 0 || (this.#next >= SPENT && this.#next >= this.size)) {
      this.#items = this.#items.slice(this.#next);
      this.#next = 0;
    }
    return item;
  }
}
