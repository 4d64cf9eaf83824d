import { isDeepStrictEqual } from "node:util";
import { isObject, type JsonObject } from "./model-server-checks.js";
import {
  argumentText,
  callInPieces,
  chunk,
  DONE,
  halves,
  inPieces,
  openAiError,
  steps,
  usageOf,
  usualEnd,
  usualFaults,
} from "./strict-chat.js";
import { type Answer, type Asked, type Denial, Ledger, type StrictProvider } from "./strict-server.js";

/** Chat servers that want back what their models thought. */

interface Thinker {
  /** Ids of calls, from the tool's name and a number that counts up. */
  readonly id: (name: string, n: number) => string;
  /** The refusal of a message, given its place. */
  readonly misses: (at: number) => string;
  /** Where thoughts may not be missing; default: in messages that call. */
  readonly wanted?: "calls" | "everywhere";
}

/** The thoughts of each step as plain text in `reasoning_content`: missing or changed, the request is refused. */
function plainThinker({ id, misses, wanted = "calls" }: Thinker): StrictProvider {
  const ledger = new Ledger();
  const thoughts = new Map<string, string>();
  let made = 0;
  const judge = (asked: Asked): Denial | undefined => {
    const fault = usualFaults(asked);
    if (fault !== undefined) return openAiError(fault);
    const isBare = (message: JsonObject) =>
      message.role === "assistant" && typeof message.reasoning_content !== "string";
    const bare = wanted === "everywhere" ? asked.input.findIndex(isBare) : -1;
    if (bare !== -1) return openAiError(misses(bare), { code: "invalid_request_error" });
    for (const { at, message, calls } of steps(asked)) {
      const { reasoning_content: back } = message;
      if (typeof back !== "string") return openAiError(misses(at), { code: "invalid_request_error" });
      for (const call of calls) {
        const own = thoughts.get(String(call.id));
        if (own !== undefined && back !== own)
          return openAiError(`the thoughts at ${at} are not those that were given`);
        ledger.take(call.id);
      }
      ledger.take(back);
    }
    return undefined;
  };
  const tell = ({ thought = "", say, uses = [], total = 100 }: Answer) => {
    if (uses.length > 0) ledger.give(thought);
    const calls = uses.flatMap(({ name, args }, index) => {
      const callId = ledger.give(id(name, made));
      made += 1;
      thoughts.set(callId, thought);
      return callInPieces({ index, id: callId, name, args });
    });
    return [
      chunk({ role: "assistant", content: null, reasoning_content: "" }),
      ...inPieces("reasoning_content", thought),
      ...(say === undefined ? [] : inPieces("content", say)),
      ...calls,
      ...usualEnd(total, uses.length > 0 ? "tool_calls" : "stop"),
    ];
  };
  return { judge, tell, owed: () => ledger.owed(), own: () => [] };
}

export function deepSeek(): StrictProvider {
  return plainThinker({
    id: (_, n) => `call_00_${"k7Qm2XwZ9pLs4Rt1Vb".slice(0, 16)}${String(n).padStart(4, "0")}`,
    misses: () => "The `reasoning_content` in the thinking mode must be passed back to the API.",
  });
}

/** The same with a thought wanted of every answer, also of those that call nothing. */
export function deepSeekThroughout(): StrictProvider {
  return plainThinker({
    id: (_, n) => `call_01_${"Zt5Gh8Jk1Lm3Np6Qr".slice(0, 16)}${String(n).padStart(4, "0")}`,
    misses: () => "The `reasoning_content` in the thinking mode must be passed back to the API.",
    wanted: "everywhere",
  });
}

export function kimi(): StrictProvider {
  return plainThinker({
    id: (name, n) => `functions.${name}:${n}`,
    misses: (at) =>
      `thinking is enabled but reasoning_content is missing in assistant tool call message at index ${at}`,
  });
}

/** Gemini 3 behind its OpenAI endpoint: a signature on the first call of each step, errors in a list. */
export function gemini(): StrictProvider {
  const ledger = new Ledger();
  const signatures = new Map<string, string>();
  let made = 0;
  const refuse = (message: string): Denial => {
    const body = [{ error: { code: 400, message, status: "INVALID_ARGUMENT" } }];
    return { status: 400, words: message, body };
  };
  const judge = (asked: Asked): Denial | undefined => {
    const fault = usualFaults(asked);
    if (fault !== undefined) return refuse(fault);
    for (const { at, calls } of steps(asked)) {
      const [first] = calls;
      const back = signatureOf(first);
      const name = isObject(first?.function) ? first.function.name : "";
      if (back === undefined) return refuse(missingSignature(String(name), at));
      const own = signatures.get(String(first?.id));
      if (own !== undefined && back !== own) return refuse("Corrupted thought signature.");
      if (own === undefined && back !== SKIP) return refuse("Corrupted thought signature.");
      ledger.take(back);
    }
    return undefined;
  };
  const tell = ({ say, uses = [], total = 100 }: Answer) => {
    const usage = usageOf(total);
    const calls = uses.map(({ name, args }, index) => {
      const id = `function-call-${9_007_199_254_740 + made}`;
      made += 1;
      const thought_signature = `Cq8BAdHtim9${Buffer.from(`signature ${made}`).toString("base64")}`;
      if (index === 0) signatures.set(id, ledger.give(thought_signature));
      const sealed = index === 0 ? { extra_content: { google: { thought_signature } } } : {};
      return { ...sealed, index, id, type: "function", function: { name, arguments: argumentText(args) } };
    });
    const texts = say === undefined ? [] : halves(say).map((content) => ({ role: "assistant", content }));
    const deltas = [...texts, ...calls.map((call) => ({ role: "assistant", tool_calls: [call] }))];
    // The reason stands in the last chunk with content.
    const finish = calls.length > 0 ? "tool_calls" : "stop";
    const pieces = deltas.map((delta, at) => chunk(delta, { usage, finish: at === deltas.length - 1 ? finish : null }));
    return [...pieces, DONE];
  };
  return { judge, tell, owed: () => ledger.owed(), own: () => [...signatures.values()] };
}

/** What Google's servers take for calls of another model's making. */
const SKIP = "skip_thought_signature_validator";

function signatureOf(call: JsonObject | undefined): unknown {
  const extra = isObject(call?.extra_content) ? call.extra_content : {};
  return isObject(extra.google) ? extra.google.thought_signature : undefined;
}

function missingSignature(name: string, at: number): string {
  return (
    "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, " +
    "and missing thought_signature may lead to degraded model performance. " +
    `Additional data, function call \`default_api:${name}\` , position ${at}. ` +
    "Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
  );
}

interface Sealed {
  /** As it has to come back. */
  readonly whole: unknown;
  readonly deltas: readonly JsonObject[];
  readonly signature: string;
}

interface Sealer {
  /** The field of a message that holds what is sealed. */
  readonly field: string;
  /** What a step's thought comes to, and the deltas in which it is told. */
  readonly seal: (thought: string, n: number) => Sealed;
  readonly refuse: (words: string) => Denial;
  readonly comments: readonly string[];
  readonly misses: (at: number) => string;
}

/** Thoughts in a field of their own, sealed and told in pieces: put together they come back as they were, or are refused. */
function sealer({ field, seal, refuse, comments, misses }: Sealer): StrictProvider {
  const ledger = new Ledger();
  const sealedOf = new Map<string, unknown>();
  const signatures: string[] = [];
  let made = 0;
  const judge = (asked: Asked): Denial | undefined => {
    const fault = usualFaults(asked);
    if (fault !== undefined) return refuse(fault);
    for (const { at, message, calls } of steps(asked)) {
      const own = sealedOf.get(String(calls[0]?.id));
      if (own === undefined) continue;
      if (!isDeepStrictEqual(message[field], own)) return refuse(misses(at));
      ledger.take(calls[0]?.id);
    }
    if (steps(asked).length > 0 && asked.body.tools === undefined) return refuse(NO_TOOLS);
    return undefined;
  };
  const tell = ({ thought = "", say, uses = [], total = 100 }: Answer) => {
    made += 1;
    const { whole, deltas, signature } = seal(thought, made);
    signatures.push(signature);
    const calls = uses.flatMap(({ name, args }, index) => {
      const id = `toolu_01${String(made).padStart(4, "0")}${index}`;
      if (index === 0) sealedOf.set(ledger.give(id), whole);
      return callInPieces({ index, id, name, args });
    });
    return [
      ...comments,
      ...deltas.map((delta) => chunk({ role: "assistant", content: "", ...delta })),
      ...(say === undefined ? [] : inPieces("content", say)),
      ...calls,
      ...comments,
      ...usualEnd(total, uses.length > 0 ? "tool_calls" : "stop"),
    ];
  };
  return { judge, tell, owed: () => ledger.owed(), own: () => signatures };
}

const NO_TOOLS =
  "litellm.UnsupportedParamsError: Anthropic expects the `tools=` param to be passed in when the messages hold tool calls. " +
  "Pass `tools=` OR set `litellm.modify_params = True`.";

/** OpenRouter before Claude: text and signature of a thought, and a sealed one beside it, in pieces with comments between. */
export function openRouter(): StrictProvider {
  return sealer({
    field: "reasoning_details",
    comments: [": OPENROUTER PROCESSING\n\n", ": OPENROUTER PROCESSING\n\n"],
    misses: (at) => `messages.${at}.content.0: Invalid \`signature\` in \`thinking\` block`,
    seal: (thought, n) => {
      const text = { type: "reasoning.text", format: "anthropic-claude-v1", index: 0 };
      const sealed = { type: "reasoning.encrypted", format: "anthropic-claude-v1", index: 1, id: `rs_${n}` };
      const signature = `EpwCCkYIBRgCKkA${n}`;
      const [one, two] = halves(thought);
      const [first, second] = halves(`EqMBCkYIBBgC${n}kLzU`);
      return {
        whole: [
          { ...text, text: thought, signature },
          { ...sealed, data: first + second },
        ],
        signature,
        deltas: [
          { reasoning: one, reasoning_details: [{ ...text, text: one }] },
          { reasoning: two, reasoning_details: [{ ...text, text: two }] },
          { reasoning_details: [{ ...text, signature }] },
          { reasoning_details: [{ ...sealed, data: first }] },
          { reasoning_details: [{ ...sealed, data: second }] },
        ],
      };
    },
    refuse: (words) => {
      const raw = JSON.stringify({ type: "error", error: { type: "invalid_request_error", message: words } });
      const error = { message: "Provider returned error", code: 400, metadata: { raw, provider_name: "Anthropic" } };
      return { status: 400, words, body: { error, user_id: "user_strict" } };
    },
  });
}

/** LiteLLM before Anthropic: blocks with signatures, and no calls in a history without tools. */
export function liteLlm(): StrictProvider {
  return sealer({
    field: "thinking_blocks",
    comments: [],
    misses: (at) =>
      `litellm.BadRequestError: AnthropicException - messages.${at}.content.0.type: Expected \`thinking\` or ` +
      "`redacted_thinking`, but found `tool_use`. When `thinking` is enabled, a final `assistant` message must start " +
      "with a thinking block.",
    seal: (thought, n) => {
      const [one, two] = halves(thought);
      const signature = `ErUBCkYIBRgC${n}`;
      const piece = (thinking: string) => ({
        reasoning_content: thinking,
        thinking_blocks: [{ type: "thinking", thinking, signature: "" }],
      });
      return {
        whole: [{ type: "thinking", thinking: thought, signature }],
        signature,
        deltas: [piece(one), piece(two), { thinking_blocks: [{ type: "thinking", thinking: "", signature }] }],
      };
    },
    refuse: (words) => ({
      status: 400,
      words,
      body: { error: { message: words, type: "None", param: "None", code: "400" } },
    }),
  });
}
