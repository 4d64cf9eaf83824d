import { readFileSync, readlinkSync } from "node:fs";

/** A process, told apart from others that had or will have its number. */
export interface Owner {
  readonly pid: number;
  /** Start time in clock ticks since the machine started; "0" where the platform doesn't tell. */
  readonly start: string;
  /** Of the machine's run and of the process namespace; "0" where unknown. */
  readonly boot: string;
  readonly space: string;
}

const UNKNOWN = "0";

export function ownProcess(): Owner {
  return { pid: process.pid, start: startOf(process.pid), boot: bootId(), space: spaceId() };
}

/**
 * Whether the process still runs. `unknown`: it belongs to another machine, another run of this one, or another container;
 * `maybe`: a process has its number, and the platform can't tell whether it is the same one.
 */
export function lifeOf(owner: Owner): "alive" | "dead" | "maybe" | "unknown" {
  const self = ownProcess();
  if (owner.boot !== self.boot || owner.space !== self.space) return "unknown";
  if (owner.pid === self.pid) return owner.start === self.start ? "alive" : "dead";
  if (owner.start !== UNKNOWN) return startOf(owner.pid) === owner.start ? "alive" : "dead";
  return exists(owner.pid) ? "maybe" : "dead";
}

function startOf(pid: number): string {
  const stat = firstLine(`/proc/${pid}/stat`);
  // The name in parentheses may hold anything, blanks and parentheses too.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  // A zombie runs no more: its files are whoever's comes next.
  if (fields?.[0] === "Z" || fields?.[0] === "X") return UNKNOWN;
  const start = fields?.[19];
  return start !== undefined && /^\d+$/.test(start) ? start : UNKNOWN;
}

function bootId(): string {
  return firstLine("/proc/sys/kernel/random/boot_id")?.slice(0, 8) ?? UNKNOWN;
}

function spaceId(): string {
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? UNKNOWN;
  } catch {
    // Not Linux: there are no namespaces to tell apart.
    return UNKNOWN;
  }
}

function firstLine(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").split("\n")[0];
  } catch {
    // The process is gone, or the platform has no /proc.
    return undefined;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and someone else's.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
