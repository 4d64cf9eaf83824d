import type { Provider } from "../../protocol/index.js";
import type { Wire, WireDeps } from "../wire.js";
import { createChatBody } from "./chat-body.js";
import { chatDecoder } from "./chat-decoder.js";

/** Chat Completions, as server-sent events: what local servers and gateways speak. */
export function chatWire(provider: Provider, { learned, random }: WireDeps): Wire {
  return {
    path: "/chat/completions",
    headers: () => ({}),
    body: createChatBody(provider, learned),
    decoder: (request) => chatDecoder(request, random),
  };
}
