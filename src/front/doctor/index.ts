import type { FrontDeps } from "../host/index.js";
import type { DoctorArgs } from "./args.js";

export { type DoctorArgs, doctorCommand } from "./args.js";

/** Looks at what Belay needs of this machine; resolves with the exit code: 0 nothing is missing, 1 something is. */
export async function runDoctor(args: DoctorArgs, deps: FrontDeps): Promise<number> {
  return (await import("./run.js")).runDoctor(args, deps);
}
