/**
 * What a scripted model answers, as data: a reply is one step or a list of steps, sent in order, on either wire.
 *
 *   server.enqueue([text("Let me look."), call("shell", { command: ["ls"] })], text("Two files."));
 *   server.enqueue([partial("Two fi"), cut()]);              // the connection breaks in the middle of a message
 *   server.enqueue([partial("Two fi"), stall()]);            // silence until the client closes
 *   server.enqueue(status(429, { error: { message: "slow" } }, { "retry-after": "1" }));
 *   const gate = hold();
 *   server.enqueue([partial("Two "), gate, text("files.")]); // await gate.reached; ...; gate.release();
 *
 * Headers go out with the first step that writes; a reply that starts with `stall()` or `hold()` keeps the client
 * waiting for them. A reply without a fault ends by itself with the wire's proper end and usage.
 */

export type Step =
  | {
      readonly type: "text";
      readonly text: string;
      readonly chunks: number;
      readonly delayMs: number;
      /** The message goes on with the next text step, or never ends. */
      readonly open: boolean;
    }
  | {
      readonly type: "reasoning";
      readonly summary: readonly string[];
      readonly raw: string | undefined;
      readonly encrypted: string | undefined;
    }
  | {
      readonly type: "call";
      readonly name: string;
      readonly arguments: string;
      readonly callId: string | undefined;
    }
  | { readonly type: "custom_call"; readonly name: string; readonly input: string; readonly callId: string | undefined }
  | ({ readonly type: "usage" } & TokenCounts)
  | { readonly type: "failed"; readonly code: string; readonly message: string }
  | { readonly type: "incomplete"; readonly reason: string }
  | { readonly type: "headers" }
  | { readonly type: "pause"; readonly ms: number }
  | { readonly type: "stall" }
  | { readonly type: "cut" }
  | { readonly type: "end_early" }
  | { readonly type: "no_done" }
  | { readonly type: "trickle"; readonly bytes: number; readonly ms: number }
  | { readonly type: "raw"; readonly bytes: Uint8Array }
  | {
      readonly type: "status";
      readonly code: number;
      readonly body: string;
      readonly headers: Readonly<Record<string, string>>;
    }
  | Hold;

export type Reply = Step | readonly Step[];

export interface TokenCounts {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly reasoning: number;
}

/** A gate in a reply: what follows is sent when the test says so. One gate serves one reply. */
export interface Hold {
  readonly type: "hold";
  /** Resolves when everything before the gate has been written. */
  readonly reached: Promise<void>;
  readonly release: () => void;
  /** For the server. */
  readonly enter: () => Promise<void>;
}

/** A whole message: `chunks` deltas (default 1), `delayMs` apart, then the item. Continues a `partial` before it. */
export function text(content: string, options: { readonly chunks?: number; readonly delayMs?: number } = {}): Step {
  return { type: "text", text: content, chunks: options.chunks ?? 1, delayMs: options.delayMs ?? 0, open: false };
}

/** Deltas of a message that is not over. */
export function partial(content: string, options: { readonly chunks?: number; readonly delayMs?: number } = {}): Step {
  return { type: "text", text: content, chunks: options.chunks ?? 1, delayMs: options.delayMs ?? 0, open: true };
}

/** A function call; `args` is JSON data, or a string sent as it is. Without an id: `call_<request>_<index>`, from 0. */
export function call(name: string, args: object | string = {}, callId?: string): Step {
  return { type: "call", name, arguments: typeof args === "string" ? args : JSON.stringify(args), callId };
}

/** A call of a custom (free text) tool; on the Chat wire a function call with one `input` string. */
export function customCall(name: string, input: string, callId?: string): Step {
  return { type: "custom_call", name, input, callId };
}

/** A reasoning item. On the Chat wire its texts are `reasoning_content` deltas. */
export function reasoning(content: {
  readonly summary?: string | readonly string[];
  readonly raw?: string;
  readonly encrypted?: string;
}): Step {
  const { summary = [], raw, encrypted } = content;
  return { type: "reasoning", summary: typeof summary === "string" ? [summary] : summary, raw, encrypted };
}

/** The token counts at the end of this reply (default: input 10, output 5). */
export function usage(counts: Partial<TokenCounts>): Step {
  return { type: "usage", input: 10, cached: 0, output: 5, reasoning: 0, ...counts };
}

/** `response.failed`; on the Chat wire an `{"error":…}` chunk. Ends the reply. */
export function failed(code: string, message: string): Step {
  return { type: "failed", code, message };
}

/** `response.incomplete`; on the Chat wire `finish_reason` ("max_output_tokens" is its "length"). Ends the reply. */
export function incomplete(reason: "max_output_tokens" | "content_filter"): Step {
  return { type: "incomplete", reason };
}

/** Sends the headers now and nothing else. */
export function headers(): Step {
  return { type: "headers" };
}

export function pause(ms: number): Step {
  return { type: "pause", ms };
}

/** Silence until the client closes the connection. Ends the reply. */
export function stall(): Step {
  return { type: "stall" };
}

/**
 * Destroys the socket. First in a reply, the client gets no byte at all; on a connection it used before, Belay takes that
 * for one that had grown old and asks again at once, without an announced retry. Ends the reply.
 */
export function cut(): Step {
  return { type: "cut" };
}

/** Ends the HTTP response properly, but without the wire's own end. Ends the reply. */
export function endEarly(): Step {
  return { type: "end_early" };
}

/** The Chat wire's `[DONE]` line is left out. */
export function noDone(): Step {
  return { type: "no_done" };
}

/** From here on, at most `bytes` bytes a write, `ms` apart (0: one turn of the event loop). */
export function trickle(bytes: number, ms = 0): Step {
  return { type: "trickle", bytes, ms };
}

/** Bytes of the response body as they are. A reply with raw bytes in it ends without the wire's own end. */
export function raw(bytes: string | Uint8Array): Step {
  return { type: "raw", bytes: typeof bytes === "string" ? Buffer.from(bytes) : bytes };
}

/** A plain HTTP answer in place of a stream; alone in its reply, or after `pause` and `hold`. */
export function status(code: number, body: object | string = "", extra: Readonly<Record<string, string>> = {}): Step {
  const json = typeof body !== "string";
  const type = json ? "application/json" : "text/plain";
  return {
    type: "status",
    code,
    body: json ? JSON.stringify(body) : body,
    headers: { "content-type": type, ...extra },
  };
}

export function hold(): Hold {
  const reached = signalPromise();
  const released = signalPromise();
  const enter = () => {
    reached.resolve();
    return released.promise;
  };
  return { type: "hold", reached: reached.promise, release: released.resolve, enter };
}

function signalPromise(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
