export { killAllNow } from "./process-tree.js";
export { run } from "./run.js";
export type { Command, Exit, OutputStream, RunOptions } from "./types.js";
