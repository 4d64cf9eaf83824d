export { findDenial } from "./denial.js";
export { findProgram } from "./find-program.js";
export { appeared, guardedPlaces } from "./guard.js";
export { probe } from "./probe.js";
export { remember, remembered } from "./remembered.js";
export { asWanted, factsOf, type LevelFacts, reportLevel, sameReport, type Wishes } from "./report.js";
export { attachSandboxed, type Ran, runSandboxed } from "./run-sandboxed.js";
export type { Cage, Place, SandboxLevel, Walls, Watched, Wrapped } from "./types.js";
export { wrap } from "./wrap.js";
