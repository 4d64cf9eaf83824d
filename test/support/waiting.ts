/** After this a test no longer waits for what does not come. It measures nothing: it is wide enough for a busy machine. */
export const WAIT_LIMIT_MS = 30_000;

/** Rejects when it takes longer than a test waits: a test that waits for what never happens should say so. */
export async function within<T>(awaited: Promise<T>, what: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what()} within ${WAIT_LIMIT_MS} ms`)), WAIT_LIMIT_MS);
  });
  try {
    return await Promise.race([awaited, limit]);
  } finally {
    clearTimeout(timer);
  }
}

interface Wanted<T> {
  readonly what: string;
  readonly find: () => T | undefined;
}

/** Waits for things to be found in what comes; whoever takes something in says so by `look`. */
export class Lookout {
  readonly #looks = new Set<() => void>();
  readonly #seen: () => string;

  /** `seen` tells, for the message of a wait in vain, what has come. */
  constructor(seen: () => string) {
    this.#seen = seen;
  }

  look(): void {
    for (const look of [...this.#looks]) look();
  }

  /** What `find` finds, now or later. */
  async until<T>({ what, find }: Wanted<T>): Promise<T> {
    let look = () => {};
    const found = new Promise<T>((resolve) => {
      look = () => {
        const one = find();
        if (one !== undefined) resolve(one);
      };
    });
    this.#looks.add(look);
    look();
    try {
      return await within(found, () => `no ${what}; seen:\n${this.#seen()}\n`);
    } finally {
      this.#looks.delete(look);
    }
  }
}
