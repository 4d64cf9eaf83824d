import { Peer, type PeerInit } from "../../src/rpc/index.js";

export interface Answer {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
  readonly method?: string;
  readonly params?: unknown;
}

/** A decoder that takes whatever comes. */
export const anything = (params: unknown) => ({ ok: true as const, value: params });

/** A peer in memory, and all it has written. */
export interface Wire {
  readonly peer: Peer;
  /** Without their line feeds. */
  readonly lines: readonly string[];
  readonly messages: () => Answer[];
  /** A number as JSON writes it, where that says the same; else as it stands. */
  canonical(id: string): string;
  /** What a handler threw that is no RpcError. */
  readonly faults: readonly unknown[];
  /** Gives it a line. */
  say(line: string | Uint8Array): void;
  /** The same, and the last line it has written then. */
  ask(line: string | Uint8Array): Answer;
}

export function openWire(init: Partial<PeerInit> = {}): Wire {
  const lines: string[] = [];
  const faults: unknown[] = [];
  const output = { write: (text: string) => void lines.push(text.slice(0, -1)) };
  const peer = new Peer({ output, onFault: (error) => void faults.push(error), ...init });
  const say = (line: string | Uint8Array) => void peer.receive(Buffer.concat([Buffer.from(line), Buffer.from("\n")]));
  return {
    peer,
    lines,
    faults,
    canonical: (id) => (Number.isSafeInteger(JSON.parse(id)) ? JSON.stringify(JSON.parse(id)) : id),
    messages: () => lines.map((line) => JSON.parse(line) as Answer),
    say,
    ask: (line) => {
      say(line);
      return JSON.parse(lines.at(-1) ?? "null") as Answer;
    },
  };
}
