import { Peer } from "../../rpc/index.js";
import { mountConversations } from "../api/index.js";
import { BROKEN_PIPE_EXIT_CODE, type FrontDeps, SIGNAL_EXIT_CODES, sanitise } from "../host/index.js";
import type { McpServerArgs } from "./args.js";
import { mountMcp } from "./mount.js";

const TERMINAL_NOTE =
  "belay: this is an MCP server: an MCP client starts it and writes JSON-RPC to its stdin (belay help mcp-server); Ctrl-D ends it\n";

/** Why the server ends. */
interface End {
  readonly code: number;
  readonly why: string;
}

/**
 * One client on stdin and stdout. Ends at the end of stdin, by a signal or when nobody reads stdout; turns that run are
 * stopped first, their last events and the answers to all requests written. Resolves with the exit code.
 */
export async function runMcpServer({ overrides }: McpServerArgs, deps: FrontDeps): Promise<number> {
  if (deps.stdin.kind === "terminal") void deps.stderr.write(TERMINAL_NOTE);
  const complain = (message: string) => void deps.stderr.write(`belay: ${sanitise(message)}\n`);
  const conversations = await deps.conversations();
  const peer = new Peer({
    output: deps.stdout,
    onFault: (error, method) => complain(`internal error in ${method}: ${String(error)}`),
  });
  const server = mountMcp(peer, { ...deps, overrides, engine: conversations });
  const api = mountConversations(peer, { ...deps, overrides, engine: conversations });
  const end = await Promise.race([untilStopped(deps), readRequests(peer, deps, complain)]);
  // In this order: no answer can come any more, every turn ends, every request is answered.
  peer.end();
  server.refuse(end.why);
  await conversations.close();
  await peer.close({ kind: "closed", detail: end.why });
  await server.close();
  await api.close();
  return end.code;
}

function untilStopped(deps: FrontDeps): Promise<End> {
  return new Promise((resolve) => {
    deps.signals.onStop((signal) => resolve({ code: SIGNAL_EXIT_CODES[signal], why: `the server got ${signal}` }));
    deps.stdout.onBroken(() => resolve({ code: BROKEN_PIPE_EXIT_CODE, why: "nobody reads the server's output" }));
  });
}

/** Resolves at the end of stdin. */
async function readRequests(peer: Peer, { stdin }: FrontDeps, complain: (message: string) => void): Promise<End> {
  try {
    for await (const chunk of stdin) {
      const wait = peer.receive(chunk);
      if (wait !== undefined) await wait;
    }
  } catch (error) {
    // What stdin is (a folder, a terminal that was closed) is not in our hands: it counts as its end.
    complain(`cannot read stdin: ${(error as Error).message}`);
  }
  return { code: 0, why: "the server's stdin has ended" };
}
