/** Codes of JSON-RPC 2.0. `SERVER` is the first of the range that is left to servers: busy, or closing. */
export const RPC_CODES = {
  parse: -32700,
  invalidRequest: -32600,
  unknownMethod: -32601,
  invalidParams: -32602,
  internal: -32603,
  server: -32000,
} as const;

/** An error as an answer carries it: thrown by a handler to answer with it, and what a request of ours rejects with. */
export class RpcError extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.name = "RpcError";
    this.code = code;
    this.data = data;
  }
}

/** What a request of ours rejects with when no answer can come any more: the stream has ended, or the peer was closed. */
export class PeerClosed extends Error {
  constructor() {
    super("the connection is closed");
    this.name = "PeerClosed";
  }
}
