import type { FrontDeps } from "../host/index.js";
import type { McpServerArgs } from "./args.js";

export { type McpServerArgs, mcpServerCommand } from "./args.js";

/** An MCP server on stdin and stdout until stdin ends; resolves with the exit code. */
export async function runMcpServer(args: McpServerArgs, deps: FrontDeps): Promise<number> {
  return (await import("./server.js")).runMcpServer(args, deps);
}
