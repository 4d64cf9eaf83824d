export type { AttachedExit, AttachedOptions } from "./attached.js";
export { CommandInput } from "./input.js";
export { namespaceProgram } from "./namespace.js";
export { killAllNow } from "./process-tree.js";
export { findPty, type PtySize, ptyProgram } from "./pty.js";
export { findReaper } from "./reaper.js";
export { findObstacle, type Obstacle } from "./refusal.js";
export { run, runAttached } from "./run.js";
export type { Command, Exit, OutputStream, RunOptions } from "./types.js";
