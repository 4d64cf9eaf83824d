import * as v from "valibot";
import { decoder } from "../../protocol/index.js";
import { type Peer, RPC_CODES, RpcError } from "../../rpc/index.js";

/** Versions of MCP that are spoken, newest first. */
export const PROTOCOL_VERSIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] as const;

/** Levels of log messages as MCP has them, least important first. */
const LOG_LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

const initializeParams = v.object({
  protocolVersion: v.string(),
  capabilities: v.optional(v.nullable(v.object({ elicitation: v.optional(v.nullable(v.looseObject({}))) }))),
  clientInfo: v.optional(v.nullable(v.object({ name: v.string(), version: v.string() }))),
});

type InitializeParams = v.InferOutput<typeof initializeParams>;

const decodeInitialize = decoder(initializeParams);
const decodeSetLevel = decoder(v.object({ level: v.picklist(LOG_LEVELS) }));
const decodeCancelled = decoder(v.object({ requestId: v.union([v.string(), v.number()]) }));

/** The client, as far as it has told of itself. */
export class Client {
  readonly #peer: Peer;
  #isKnown = false;
  #canElicit = false;
  /** From this level on messages are sent; warnings until the client says otherwise. */
  #logLevel: LogLevel = "warning";

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  /** It can ask its user with a form. */
  get canElicit(): boolean {
    return this.#canElicit;
  }

  set logLevel(level: LogLevel) {
    this.#logLevel = level;
  }

  introduce({ capabilities }: InitializeParams): void {
    if (this.#isKnown) throw new RpcError(RPC_CODES.invalidRequest, "initialize called more than once");
    this.#isKnown = true;
    const elicitation = capabilities?.elicitation ?? undefined;
    // Modes came with 2025-11-25: none named means forms, as before.
    this.#canElicit = elicitation !== undefined && (!("url" in elicitation) || "form" in elicitation);
  }

  /** Sends a log message, if the client wants such ones. */
  log(level: LogLevel, message: string): void {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.#logLevel)) return;
    void this.#peer.notify("notifications/message", { level, logger: "belay", data: message });
  }
}

/** Params that say nothing of interest. */
const decodeAny = (params: unknown) => ({ ok: true as const, value: params });

/** What there is none of is an empty list, not silence. */
const EMPTY_LISTS = {
  "resources/list": { resources: [] },
  "resources/templates/list": { resourceTemplates: [] },
  "prompts/list": { prompts: [] },
};

/** initialize, ping, logging, cancelling, empty lists. No initialize is needed before other requests, as with Codex. */
export function mountHandshake(peer: Peer, client: Client, version: string): void {
  peer.handle("initialize", {
    decode: decodeInitialize,
    run: (params) => {
      client.introduce(params);
      return {
        protocolVersion: negotiate(params.protocolVersion),
        capabilities: { tools: { listChanged: true }, logging: {} },
        serverInfo: { name: "belay-mcp-server", title: "Belay", version, user_agent: userAgent(params, version) },
      };
    },
  });
  peer.handle("ping", { decode: decodeAny, run: () => ({}) });
  for (const [method, list] of Object.entries(EMPTY_LISTS)) peer.handle(method, { decode: decodeAny, run: () => list });
  peer.handle("logging/setLevel", {
    decode: decodeSetLevel,
    run: ({ level }) => {
      client.logLevel = level;
      return {};
    },
  });
  peer.onNotification("notifications/cancelled", {
    decode: decodeCancelled,
    run: ({ requestId }) => void peer.cancel(requestId),
  });
}

/** The version asked for when it is spoken here, else the newest: the client then decides. */
function negotiate(asked: string): string {
  return PROTOCOL_VERSIONS.find((version) => version === asked) ?? PROTOCOL_VERSIONS[0];
}

function userAgent({ clientInfo }: InitializeParams, version: string): string {
  return clientInfo == null ? `belay/${version}` : `belay/${version} (${clientInfo.name}; ${clientInfo.version})`;
}
