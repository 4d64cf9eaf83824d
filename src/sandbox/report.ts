import type { LevelReport, SandboxMode } from "../protocol/index.js";
import type { Cage, SandboxLevel, Walls } from "./types.js";

/** What of a machine's level is told and remembered. */
export interface LevelFacts {
  readonly walls: Walls["kind"] | undefined;
  readonly cage: Cage["kind"] | undefined;
  /** See `SandboxLevel`. */
  readonly partial?: Walls["kind"] | undefined;
  readonly reaper?: boolean | undefined;
  readonly reasons: SandboxLevel["reasons"];
}

export function factsOf({ walls, cage, partial, reaper, reasons }: SandboxLevel): LevelFacts {
  return { walls: walls?.kind, cage: cage?.kind, partial: partial?.kind, reaper, reasons };
}

export function reportLevel({ walls, cage, reaper, reasons }: LevelFacts, mode: SandboxMode): LevelReport {
  if (mode === "danger-full-access") {
    const loose = reaper === true ? REAPED : "full access; what leaves its session may survive a stop";
    const summary = cage === undefined ? loose : `full access, in a PID namespace (${cage})`;
    return { mode, level: cage === undefined ? "none" : "cage", summary, missing: [...reasons.cage] };
  }
  const missing = [...reasons.walls];
  if (walls === undefined) return { mode, level: "none", summary: "commands can't be confined here", missing };
  if (walls !== "unshare") return { mode, level: "walls", summary: `commands are confined by ${walls}`, missing };
  return {
    mode,
    level: "partial",
    summary: "commands are confined by unshare, but not in their system calls",
    missing,
  };
}

const REAPED =
  "full access, in no PID namespace; a stop ends all that commands start, unless they kill what looks after them";

/** What the user's settings make of what a machine can do. */
export interface Wishes {
  readonly containFullAccess: boolean;
  readonly keepBackgroundProcesses: boolean;
  readonly allowPartialSandbox: boolean;
}

const IN_NO_NAMESPACE = "commands with full access run in no PID namespace";
const UNFILTERED =
  "without bubblewrap's filter commands can use keyrings, io_uring, the kernel's tracing and other kinds of sockets, and root can make user namespaces";

/** The level, or the facts of one, as the user wants it: with partial walls, or without a cage. */
export function asWanted<T extends LevelFacts | SandboxLevel>(level: T, wishes: Wishes): T {
  const { walls, partial, reasons } = level;
  const isPartial = walls === undefined && partial !== undefined;
  const partly = isPartial && wishes.allowPartialSandbox;
  const more = partly
    ? [UNFILTERED]
    : isPartial
      ? [`or, for less (${UNFILTERED}), set allow_partial_sandbox = true`]
      : [];
  const wanted = {
    ...level,
    walls: partly ? partial : walls,
    reasons: { ...reasons, walls: [...reasons.walls, ...more] },
  };
  if (wishes.containFullAccess && !wishes.keepBackgroundProcesses) return wanted;
  const key = wishes.containFullAccess ? "keep_background_processes is true" : "contain_full_access is false";
  const reaper = level.reaper === true && !wishes.keepBackgroundProcesses;
  return { ...wanted, cage: undefined, reaper, reasons: { ...wanted.reasons, cage: [`${key}: ${IN_NO_NAMESPACE}`] } };
}

/** Whether two reports say the same. */
export function sameReport(one: LevelReport, other: LevelReport): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
