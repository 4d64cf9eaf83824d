import type { Clock, Random } from "../base/index.js";
import type { Provider } from "../protocol/index.js";
import { runAttempt } from "./attempt.js";
import type { Failure } from "./failure.js";
import { createHttpClient } from "./http.js";
import { Learned } from "./learned.js";
import { withRetries } from "./retry.js";
import type { Model } from "./types.js";
import type { Wire } from "./wire.js";
import { chatWire } from "./wires/chat.js";
import { responsesWire } from "./wires/responses.js";

export interface ModelDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Sent as it is with each request. */
  readonly userAgent: string;
}

/** A model of the provider given. Nothing is loaded or connected before the first request. */
export function openModel(provider: Provider, deps: ModelDeps): Model {
  if (provider.wireApi === "demo") return openDemo();
  const { clock, random, userAgent } = deps;
  const learned = new Learned();
  const open = provider.wireApi === "responses" ? responsesWire : chatWire;
  const wire: Wire = open(provider, { learned, random });
  const client = createHttpClient(provider);
  return {
    stream(request, signal) {
      const attempt = (attemptSignal: AbortSignal) =>
        runAttempt({ client, wire, provider, clock, userAgent, request }, attemptSignal);
      const learn = (failure: Failure) => learned.learn(failure, learned.habits(provider, request));
      return withRetries(attempt, { provider, clock, random, learn }, signal);
    },
    close: () => client.close(),
  };
}

/** The embedded script: no network, loaded when first asked. */
function openDemo(): Model {
  return {
    async *stream(request, signal) {
      const { streamDemo } = await import("./demo/index.js");
      signal.throwIfAborted();
      yield* streamDemo(request, signal);
    },
    close() {},
  };
}
