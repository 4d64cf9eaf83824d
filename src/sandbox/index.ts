export { appeared } from "./guard.js";
export { probe } from "./probe.js";
export { type Ran, runSandboxed } from "./run-sandboxed.js";
export type { Cage, Place, SandboxLevel, Walls, Watched, Wrapped } from "./types.js";
export { wrap } from "./wrap.js";
