import type { SandboxMode } from "../protocol/index.js";
import type { Cage, SandboxLevel, Walls } from "./types.js";

/** What of a machine's level is told and remembered. */
export interface LevelFacts {
  readonly walls: Walls["kind"] | undefined;
  readonly cage: Cage["kind"] | undefined;
  readonly reasons: SandboxLevel["reasons"];
}

/** Which level is in force in a mode. */
export interface LevelReport {
  readonly mode: SandboxMode;
  /**
   * `walls`: the mode is kept; `cage`: full access, in a PID namespace; `none`: in a confined mode commands don't run
   * unasked, in full access what leaves its session may survive a stop.
   */
  readonly level: "walls" | "cage" | "none";
  /** For people. */
  readonly summary: string;
  /** What is missing and what to do about it, for people, a line each. */
  readonly missing: readonly string[];
}

export function factsOf({ walls, cage, reasons }: SandboxLevel): LevelFacts {
  return { walls: walls?.kind, cage: cage?.kind, reasons };
}

export function reportLevel({ walls, cage, reasons }: LevelFacts, mode: SandboxMode): LevelReport {
  if (mode === "danger-full-access") {
    const summary =
      cage === undefined
        ? "full access; what leaves its session may survive a stop"
        : `full access, in a PID namespace (${cage})`;
    return { mode, level: cage === undefined ? "none" : "cage", summary, missing: reasons.cage };
  }
  const summary = walls === undefined ? "commands can't be confined here" : `commands are confined by ${walls}`;
  return { mode, level: walls === undefined ? "none" : "walls", summary, missing: reasons.walls };
}

/** Whether two reports say the same. */
export function sameReport(one: LevelReport, other: LevelReport): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
