import { argvOf, type Mark } from "./marks.js";
import { descendants, type Member, sessionMembers } from "./session-members.js";
import { Strays } from "./strays.js";
import type { Kept } from "./types.js";

/** How long a tree may take to disappear after SIGKILL, ms, before it is reported as not dying. */
const KILL_BOUND_MS = 2000;
const LONGEST_POLL_MS = 16;
const FIRST_LOOK_MS = 1;
/** From this age on, ms, process ids may have begun again at the bottom without being noticed: look everywhere. */
const LONG_RUN_MS = 10_000;

export type Signal = "SIGINT" | "SIGTERM" | "SIGKILL" | "SIGCONT";

/** What can be killed as a whole. */
export interface Killable {
  signal(name: "SIGTERM" | "SIGKILL"): void;
}

/** The trees of the commands that run now. */
const live = new Set<Killable>();

/** SIGKILL to every process of every running command, without waiting: for a second Ctrl-C, and for crashes. */
export function killAllNow(): void {
  for (const tree of live) tree.signal("SIGKILL");
}

/** Takes a tree into the table of live ones; the function returned takes it out. */
export function keepLive(tree: Killable): () => void {
  live.add(tree);
  return () => live.delete(tree);
}

/** Trees not yet ended. */
export function liveTrees(): number {
  return live.size;
}

/** Whether `id` can be a group that we made: never 0 (our own group), 1, all (-1), ourselves or our parent. */
export function isForeignGroup(id: number, self: { readonly pid: number; readonly ppid: number }): boolean {
  return Number.isSafeInteger(id) && id > 1 && id !== self.pid && id !== self.ppid;
}

/**
 * What one command started: the process group and session its leader was spawned into, and on Linux the session's
 * other groups too (`timeout` and shells with job control make some). What calls setsid is not seen.
 *
 * The rule that keeps signals from strangers: an id is signalled only while it is held. It is held by the leader until
 * that is collected, and then by any other member. From the first look that finds no member, nothing is signalled
 * again; between a look and the signal nothing is awaited; and while a stop is under way looks are at most
 * LONGEST_POLL_MS apart, in which the system would have to hand out all its process ids once.
 */
export class ProcessTree {
  readonly id: number;
  readonly #led: "namespace" | "reaper" | undefined;
  readonly #strays: Strays;
  readonly #told = new Set<number>();
  readonly #startedAt = performance.now();
  #groupGone = false;
  #released = false;
  #gone = false;

  /**
   * `leader` must just have been spawned detached: the leader of a group and a session of its own. With `led` by a
   * `namespace` it stands outside of a PID namespace whose first process is its child, in its group: that one dies last of
   * all in there, so the end of the group is the end of the namespace, whatever left the session. By a `reaper`: it is
   * one, alone in its group, and ends last of all. `mark`: in the environment of what has left the session.
   */
  constructor(
    leader: number,
    options: { readonly led?: "namespace" | "reaper" | undefined; readonly mark?: Mark | undefined } = {},
  ) {
    if (!isForeignGroup(leader, process)) throw new Error(`not a process group of ours: ${leader}`);
    this.id = leader;
    this.#led = options.led;
    this.#strays = new Strays(leader, options.mark);
    live.add(this);
  }

  /** Ends the ownership: out of the table, never signalled again. */
  release(): void {
    this.#released = true;
    this.#gone = true;
    live.delete(this);
  }

  /** Whether something of it lives. */
  isAlive(): boolean {
    return this.#isSessionAlive() || (!this.#released && this.#straying().length > 0);
  }

  #isSessionAlive(): boolean {
    if (this.#gone) return false;
    const members = this.#members() ?? [];
    const grouped = this.#groupExists();
    // A group of which /proc shows nobody counts as alive: its members may be hidden from us.
    const alive = members.length === 0 ? grouped : members.some((member) => !member.dead);
    if (!grouped && !alive) this.#gone = true;
    return alive;
  }

  /**
   * To group and session, and to what left it, where that can be found. In a namespace and under a reaper SIGTERM reaches
   * each process once; a reaper does the killing, and must not be killed before it is done.
   */
  signal(name: Signal): void {
    if (this.#released) return;
    if (this.#led !== undefined && name === "SIGTERM") {
      // The leader's end would be the end of all in there at once, without their grace.
      if (this.#groupExists()) this.#tellAll(name);
    } else if (this.#led === "reaper") {
      // SIGCONT: a command may have stopped it.
      if (this.#groupExists()) for (const order of ["SIGTERM", "SIGCONT"] as const) send(this.id, order);
    } else if (!this.#gone) {
      this.#signalGroups(name);
    }
    for (const { pid } of this.#straying()) {
      if (name === "SIGKILL" || !this.#told.has(pid)) send(pid, name);
      this.#told.add(pid);
    }
  }

  /**
   * SIGINT to all of it, as often as it is asked for: what Ctrl-C does in a terminal, for a command that has none. False
   * when nothing lives. What makes the namespace does not heed it, a reaper is not told.
   */
  interrupt(): boolean {
    if (this.#gone || !this.#groupExists()) return false;
    if (this.#led !== undefined) for (const pid of descendants(this.id)) send(pid, "SIGINT");
    else this.#signalGroups("SIGINT");
    return true;
  }

  #signalGroups(name: Signal): void {
    if (this.#groupExists()) send(-this.id, name);
    const others = new Set<number>();
    for (const member of this.#members() ?? []) {
      if (!member.dead && member.group !== this.id) others.add(member.group);
    }
    for (const group of others) if (isForeignGroup(group, process)) send(-group, name);
  }

  /** One by one, each once: unlike with a group, a process born during the look is only seen by the next. */
  #tellAll(name: Signal): void {
    for (const pid of descendants(this.id)) {
      if (!this.#told.has(pid)) send(pid, name);
      this.#told.add(pid);
    }
  }

  /** What lives of it, as far as it can be found: members of the session, and those that have the mark. */
  found(): Kept[] {
    const members = this.#gone ? [] : (this.#members() ?? []).filter(({ dead }) => !dead);
    return [...members.map(({ pid }) => ({ pid, argv: argvOf(pid) })), ...this.#straying()];
  }

  /**
   * Waits for what is left to end by itself; false when something lives after `withinMs`, or is alive when the signal
   * is aborted. Time during which `held` says true does not count.
   */
  ends(options: { readonly withinMs: number; readonly held: () => boolean; readonly signal: AbortSignal }) {
    return this.#dies(options);
  }

  /** SIGTERM, after `graceMs` SIGKILL, and the wait until nothing lives. False when something does after all that. */
  async stop(graceMs: number): Promise<boolean> {
    if (!this.#gone) this.#strays.remember();
    this.signal("SIGTERM");
    const ended = await this.#dies(
      this.#led !== undefined ? { withinMs: graceMs, again: "SIGTERM" } : { withinMs: graceMs },
    );
    // Also when only zombies were seen: a look is not one moment, and a process may have been born during it.
    this.signal("SIGKILL");
    if (ended && !this.isAlive()) {
      this.#gone = true;
      return true;
    }
    return this.#dies({ withinMs: KILL_BOUND_MS, again: "SIGKILL" });
  }

  /** Polls until nothing lives: the group by a signal 0 (cheap, frequent), then /proc (dearer, ever rarer). */
  async #dies({ withinMs, again, held, signal }: Wait): Promise<boolean> {
    let elapsed = 0;
    let nextLook = FIRST_LOOK_MS;
    for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_POLL_MS)) {
      const look = elapsed >= nextLook;
      if ((look || !this.#groupExists()) && !this.isAlive()) return true;
      if (look) nextLook *= 2;
      if (look && again !== undefined) this.signal(again);
      if (elapsed >= withinMs || signal?.aborted) return !this.isAlive();
      const start = performance.now();
      await new Promise((resolve) => setTimeout(resolve, Math.min(pause, withinMs - elapsed)));
      if (!held?.()) elapsed += performance.now() - start;
    }
  }

  #groupExists(): boolean {
    if (!this.#gone && !this.#groupGone) this.#groupGone = !send(-this.id, 0);
    return !this.#gone && !this.#groupGone;
  }

  #straying(): Kept[] {
    return this.#strays.living(this.#range);
  }

  #members(): readonly Member[] | undefined {
    return sessionMembers(this.id, this.#range);
  }

  get #range() {
    return { everywhere: performance.now() - this.#startedAt > LONG_RUN_MS };
  }
}

interface Wait {
  readonly withinMs: number;
  readonly again?: Signal;
  readonly held?: () => boolean;
  readonly signal?: AbortSignal;
}

/** Signals a process, or a group by its negative id. False when there is none. */
export function send(target: number, signal: Signal | 0): boolean {
  try {
    process.kill(target, signal);
    return true;
  } catch (error) {
    // ESRCH: no such process or group. Anything else (EPERM: a set-user-id program) means that it exists.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
