import type { LineSplitter } from "../base/index.js";
import { RPC_CODES, RpcError } from "./errors.js";
import { idSource } from "./id-source.js";

/** The id of a request as JavaScript sees it; a number of more digits than a double holds is kept exactly in `idText` alone. */
export type RpcId = string | number | null;

type Line = ReturnType<LineSplitter["push"]>[number];

/** One line of the stream. `idText` is the id as JSON, exactly as it came. */
export type Message =
  | {
      readonly type: "request";
      readonly id: RpcId;
      readonly idText: string;
      readonly method: string;
      readonly params: unknown;
    }
  | { readonly type: "notification"; readonly method: string; readonly params: unknown }
  | { readonly type: "reply"; readonly id: unknown; readonly result: unknown; readonly error: RpcError | undefined }
  /** No message: to be answered with `error`. `id` is the line's own, when it has one that can be used. */
  | { readonly type: "fault"; readonly id: unknown; readonly idText: string; readonly error: RpcError };

const NO_ID = "null";

/** `limit`: bytes of the longest line that is taken. */
export function readMessage(line: Line, limit: number): Message {
  if (line.type === "too_long")
    return fault(RPC_CODES.parse, `the line has ${line.bytes} bytes; up to ${limit} are taken`);
  if (line.type === "not_utf8") return fault(RPC_CODES.parse, "the line is not UTF-8 text");
  let value: unknown;
  try {
    value = JSON.parse(line.text);
  } catch (error) {
    // JSON.parse has no other way to say so.
    return fault(RPC_CODES.parse, `not JSON: ${(error as Error).message}`);
  }
  if (Array.isArray(value)) return fault(RPC_CODES.invalidRequest, "batches are not taken: send one message a line");
  if (typeof value !== "object" || value === null) {
    return fault(RPC_CODES.invalidRequest, "a message is a JSON object");
  }
  return readObject(value as Record<string, unknown>, line.text);
}

function readObject(message: Record<string, unknown>, source: string): Message {
  const { id, method, params } = message;
  const hasId = Object.hasOwn(message, "id");
  if (hasId && !isId(id)) return fault(RPC_CODES.invalidRequest, "id: expected a string, a number or null");
  const idText = hasId ? textOfId(id as RpcId, source) : NO_ID;
  if (Object.hasOwn(message, "jsonrpc") && message.jsonrpc !== "2.0") {
    return fault(RPC_CODES.invalidRequest, 'jsonrpc: expected "2.0"', { id, idText });
  }
  if (Object.hasOwn(message, "method")) {
    if (typeof method !== "string") {
      return fault(RPC_CODES.invalidRequest, "method: expected a string", { id, idText });
    }
    return hasId
      ? { type: "request", id: id as RpcId, idText, method, params }
      : { type: "notification", method, params };
  }
  const isReply = Object.hasOwn(message, "result") || Object.hasOwn(message, "error");
  if (!isReply || !hasId) {
    return fault(RPC_CODES.invalidRequest, "neither a request, nor a notification, nor an answer", { id, idText });
  }
  const error = Object.hasOwn(message, "error") ? readError(message.error) : undefined;
  return { type: "reply", id, result: message.result, error };
}

function isId(id: unknown): id is RpcId {
  return typeof id === "string" || typeof id === "number" || id === null;
}

function textOfId(id: RpcId, source: string): string {
  const exact = typeof id !== "number" || Number.isSafeInteger(id);
  return (exact ? undefined : idSource(source)) ?? JSON.stringify(id);
}

/** Whatever shape it has, it is an error. */
function readError(value: unknown): RpcError {
  const { code, message, data } = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  return new RpcError(
    typeof code === "number" ? code : RPC_CODES.internal,
    typeof message === "string" ? message : "an error without a message",
    data,
  );
}

function fault(
  code: number,
  message: string,
  { id, idText }: { readonly id: unknown; readonly idText: string } = { id: undefined, idText: NO_ID },
): Message {
  return { type: "fault", id, idText, error: new RpcError(code, message) };
}
