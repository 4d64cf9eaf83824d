/** A queue with one reader: `for await (const item of mailbox)` takes items in the order pushed, until it is closed. */
export class Mailbox<T> implements AsyncIterable<T> {
  #items: T[] = [];
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

  get size(): number {
    return this.#items.length;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const batch = this.#items;
      this.#items = [];
      let taken = 0;
      try {
        for (const item of batch) {
          taken += 1;
          yield item;
        }
      } finally {
        // A reader that leaves in the middle leaves the rest for the next one.
        if (taken < batch.length) this.#items = [...batch.slice(taken), ...this.#items];
      }
      if (this.#items.length > 0) continue;
      if (this.#closed) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
  }
}
