/**
 * Structured lifetimes. Whatever can outlive a statement (a task, a process, a timer, a listener) belongs to a scope;
 * a scope ends only when all it owns has ended, or has been named as not having ended in time.
 */

/** Why something was cancelled: data to switch on, never text to parse. */
export interface CancelReason {
  readonly kind: string;
  readonly detail?: string;
}

/** What a cancelled task throws, and what `signal.reason` holds: the reason of the scope that was cancelled first. */
export class Cancelled extends Error {
  readonly reason: CancelReason;

  constructor(reason: CancelReason) {
    super(`cancelled: ${reason.detail ?? reason.kind}`);
    this.name = "Cancelled";
    this.reason = reason;
  }
}

/** What ending a scope came to. */
export interface ScopeEnd {
  readonly reason: CancelReason;
  /** Paths (`turn/call/drain`) of tasks and cleanups that had not ended within the bound. */
  readonly lingering: readonly string[];
  /** Tasks that failed by something other than cancellation, and cleanups that threw. */
  readonly errors: readonly { readonly name: string; readonly error: unknown }[];
}

/** How to end a scope; `within` (ms) bounds the wait for tasks, and then again the wait for each cleanup. */
export interface EndOptions {
  readonly reason?: CancelReason;
  readonly within?: number;
}

interface Cleanup {
  readonly name: string;
  readonly run: () => void | Promise<void>;
}

const DONE: CancelReason = { kind: "done" };
const DEFAULT_BOUND_MS = 10_000;

/** The owner of a scope ends it; what runs inside only sees the signal. First reason wins. */
export class Scope {
  readonly name: string;
  readonly #controller = new AbortController();
  readonly #parent: Scope | undefined;
  readonly #children = new Set<Scope>();
  readonly #tasks = new Set<{ readonly name: string }>();
  readonly #errors: { name: string; error: unknown }[] = [];
  #cleanups: Cleanup[] = [];
  #idle: (() => void) | undefined;
  #ending: Promise<ScopeEnd> | undefined;
  /** Set in the whole tree before any listener of a signal runs, so that no listener finds a scope still open for work. */
  #cause: Cancelled | undefined;

  private constructor(name: string, parent: Scope | undefined) {
    this.name = name;
    this.#parent = parent;
  }

  static root(name: string): Scope {
    return new Scope(name, undefined);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get reason(): CancelReason | undefined {
    return this.#cause?.reason;
  }

  /** A scope that ends with this one at the latest. Throws `Cancelled` once this one is cancelled. */
  child(name: string): Scope {
    this.#refuseIfCancelled();
    const child = new Scope(name, this);
    this.#children.add(child);
    return child;
  }

  /** Runs a task the scope waits for. Throws `Cancelled` at once, starting nothing, when the scope is cancelled. */
  spawn<T>(name: string, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#refuseIfCancelled();
    const entry = { name };
    this.#tasks.add(entry);
    let running: Promise<T>;
    try {
      running = task(this.signal);
    } catch (error) {
      // A task that throws before it returns its promise has not begun: nothing to wait for, the caller gets the error.
      this.#settle(entry);
      throw error;
    }
    running.then(
      () => this.#settle(entry),
      (error: unknown) => {
        if (!(error instanceof Cancelled)) this.#errors.push({ name, error });
        this.#settle(entry);
      },
    );
    return running;
  }

  /** Registers a cleanup, run once when the scope ends, last in first out. The function returned takes it back. */
  onEnd(name: string, run: () => void | Promise<void>): () => void {
    this.#refuseIfCancelled();
    const cleanup = { name, run };
    this.#cleanups.push(cleanup);
    return () => {
      this.#cleanups = this.#cleanups.filter((other) => other !== cleanup);
    };
  }

  /** Tells everything inside to stop, now and synchronously. Waiting for it is `end`. */
  cancel(reason: CancelReason): void {
    if (this.#cause !== undefined) return;
    this.#mark(new Cancelled(reason));
    this.#abort();
  }

  /** Cancels, waits, cleans up. Never throws; asked again, answers with the same end. */
  end(options: EndOptions = {}): Promise<ScopeEnd> {
    // First, since its listeners run at once: one that asks for the end as well must get this very end.
    this.cancel(options.reason ?? DONE);
    this.#ending ??= this.#finish(options);
    return this.#ending;
  }

  #refuseIfCancelled(): void {
    if (this.#cause !== undefined) throw this.#cause;
  }

  #mark(cause: Cancelled): void {
    if (this.#cause !== undefined) return;
    this.#cause = cause;
    for (const child of this.#children) child.#mark(cause);
  }

  #abort(): void {
    if (this.signal.aborted) return;
    this.#controller.abort(this.#cause);
    for (const child of this.#children) child.#abort();
  }

  #settle(entry: { readonly name: string }): void {
    this.#tasks.delete(entry);
    if (this.#tasks.size === 0) this.#idle?.();
  }

  async #finish({ reason = DONE, within = DEFAULT_BOUND_MS }: EndOptions): Promise<ScopeEnd> {
    const lingering: string[] = [];
    const errors = this.#errors;
    const ends = await Promise.all([...this.#children].map((child) => child.end({ reason, within })));
    for (const end of ends) {
      lingering.push(...end.lingering.map((name) => `${this.name}/${name}`));
      errors.push(...end.errors);
    }
    if (this.#tasks.size > 0) {
      await bounded(new Promise<void>((resolve) => (this.#idle = resolve)), within);
      lingering.push(...[...this.#tasks].map((task) => `${this.name}/${task.name}`));
    }
    for (let cleanup = this.#cleanups.pop(); cleanup !== undefined; cleanup = this.#cleanups.pop()) {
      const outcome = await bounded(attempt(cleanup), within);
      if (outcome === undefined) lingering.push(`${this.name}/${cleanup.name}`);
      else if (!outcome.ok) errors.push({ name: cleanup.name, error: outcome.error });
    }
    if (this.#parent !== undefined) this.#parent.#children.delete(this);
    return { reason: this.reason ?? reason, lingering, errors: [...errors] };
  }
}

type Outcome = { readonly ok: true } | { readonly ok: false; readonly error: unknown };

async function attempt(cleanup: Cleanup): Promise<Outcome> {
  try {
    await cleanup.run();
    return { ok: true };
  } catch (error) {
    // A cleanup that throws must not keep the others from running: the end reports it.
    return { ok: false, error };
  }
}

/** The promise's value, or undefined when `ms` pass first. The timer never outlives the call. */
async function bounded<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
