import type { Provider } from "../../protocol/index.js";
import type { ModelRequest } from "../types.js";
import type { Wire, WireDeps } from "../wire.js";
import { createResponsesBody } from "./responses-body.js";
import { responsesDecoder } from "./responses-decoder.js";

/** The Responses API, as server-sent events. */
export function responsesWire(provider: Provider, { learned, random }: WireDeps): Wire {
  return {
    path: "/responses",
    headers: (request: ModelRequest) => ({ "session-id": request.conversationId }),
    body: createResponsesBody(provider, learned),
    decoder: () => responsesDecoder(random),
  };
}
