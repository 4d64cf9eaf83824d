import type { Clock } from "../../base/index.js";
import type { Conversations } from "../../engine/index.js";
import type { Peer } from "../../rpc/index.js";
import type { FrontDeps } from "../host/index.js";
import { Client, mountHandshake } from "./handshake.js";
import { ToolCalls } from "./tool-calls.js";

export interface McpDeps extends Pick<FrontDeps, "env" | "cwd" | "version"> {
  readonly clock: Clock;
  readonly engine: Conversations;
  /** `-c key=value` of the command line, in order. */
  readonly overrides: readonly string[];
}

export interface McpServer {
  /** From now on no call starts a turn; calls whose turn is stopped are told why. */
  refuse(why: string): void;
  /** Lets go of what it holds; to be called when the peer is closed. */
  close(): Promise<void>;
}

/** Everything MCP on a peer: the handshake, the tools, and empty lists of what there is none of. */
export function mountMcp(peer: Peer, deps: McpDeps): McpServer {
  const client = new Client(peer);
  mountHandshake(peer, client, deps.version);
  const calls = new ToolCalls(peer, client, deps);
  calls.mount();
  return {
    refuse: (why) => calls.refuse(why),
    close: () => calls.close(),
  };
}
