import type { FrontDeps } from "../host/index.js";
import type { ProtoArgs } from "./args.js";

export { type ProtoArgs, protoCommand } from "./args.js";

/** Submissions and events as JSON lines until stdin ends; resolves with the exit code. */
export async function runProto(args: ProtoArgs, deps: FrontDeps): Promise<number> {
  return (await import("./proto.js")).runProto(args, deps);
}
