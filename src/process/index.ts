export { namespaceProgram } from "./namespace.js";
export { killAllNow } from "./process-tree.js";
export { findObstacle } from "./refusal.js";
export { run } from "./run.js";
export type { Command, Exit, OutputStream, RunOptions } from "./types.js";
