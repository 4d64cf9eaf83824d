import type { LevelReport, SandboxMode } from "../protocol/index.js";
import type { Cage, SandboxLevel, Walls } from "./types.js";

/** What of a machine's level is told and remembered. */
export interface LevelFacts {
  readonly walls: Walls["kind"] | undefined;
  readonly cage: Cage["kind"] | undefined;
  readonly reasons: SandboxLevel["reasons"];
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
    return { mode, level: cage === undefined ? "none" : "cage", summary, missing: [...reasons.cage] };
  }
  const summary = walls === undefined ? "commands can't be confined here" : `commands are confined by ${walls}`;
  return { mode, level: walls === undefined ? "none" : "walls", summary, missing: [...reasons.walls] };
}

/** Whether two reports say the same. */
export function sameReport(one: LevelReport, other: LevelReport): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
