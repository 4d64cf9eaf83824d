import type { FrontDeps } from "../host/index.js";
import type { SandboxArgs } from "./args.js";

export { type SandboxArgs, sandboxCommand } from "./args.js";

/** Runs one command within the walls of its mode, with the program's own streams; resolves with the exit code. */
export async function runSandbox(args: SandboxArgs, deps: FrontDeps): Promise<number> {
  return (await import("./run.js")).runSandbox(args, deps);
}
