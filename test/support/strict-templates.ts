import { isObject } from "./model-server-checks.js";
import {
  breaksTemplate,
  callInPieces,
  callsOf,
  chunk,
  DONE,
  halves,
  inPieces,
  openAiError,
  steps,
  usualEnd,
  usualFaults,
} from "./strict-chat.js";
import { type Answer, type Asked, type Denial, Ledger, type StrictProvider } from "./strict-server.js";

/** Chat servers that are particular about roles, ids and shapes. */

const ALTERNATE =
  "After the optional system message, conversation roles must alternate user/assistant/user/assistant/...";

interface Template {
  readonly fault: (asked: Asked) => Denial | undefined;
  /** `n` counts all calls, `index` those of an answer. */
  readonly makeId: (n: number, index: number) => string;
  /** Ids that no server takes back: they need not come. */
  readonly unfit?: boolean;
  readonly tellThought?: (thought: string) => readonly string[];
}

function templated({ fault, makeId, tellThought, unfit = false }: Template): StrictProvider {
  const ledger = new Ledger();
  const give = (id: string) => (unfit ? id : ledger.give(id));
  let made = 0;
  return {
    judge: (asked) => {
      const found = fault(asked);
      for (const { calls } of steps(asked)) for (const call of calls) ledger.take(call.id);
      return found;
    },
    tell: ({ thought = "", say, uses = [], total = 100 }: Answer) => [
      ...(tellThought?.(thought) ?? []),
      ...(say === undefined ? [] : inPieces("content", say)),
      ...uses.flatMap(({ name, args }, index) => {
        made += 1;
        return callInPieces({ index, id: give(makeId(made, index)), name, args });
      }),
      ...usualEnd(total, uses.length > 0 ? "tool_calls" : "stop"),
    ],
    owed: () => ledger.owed(),
    own: () => [],
  };
}

/** Mistral's own API: ids of nine letters, roles in order, no field it does not know, contents in parts. */
export function mistral(): StrictProvider {
  const refuse = (message: string, more: { readonly type: string; readonly code: string }): Denial => ({
    status: 400,
    words: message,
    body: { object: "error", message, type: more.type, param: null, code: more.code },
  });
  const fault = (asked: Asked) => {
    const usual = usualFaults(asked);
    if (usual !== undefined) return refuse(usual, { type: "invalid_request_error", code: "3000" });
    for (const [at, message] of asked.input.entries()) {
      const before = asked.input[at - 1]?.role;
      if (message.role === "user" && before === "tool") {
        return refuse("Unexpected role 'user' after role 'tool'", {
          type: "invalid_request_message_order",
          code: "3230",
        });
      }
      const id = [...callsOf(message).map((call) => call.id), message.tool_call_id].find(
        (one) => one !== undefined && !/^[A-Za-z0-9]{9}$/.test(String(one)),
      );
      if (id !== undefined) {
        const words = `Tool call id was ${String(id)} but must be a-z, A-Z, 0-9, with a length of 9.`;
        return refuse(words, { type: "invalid_function_call", code: "3280" });
      }
      const extra = Object.keys(message).find((name) => !MISTRAL_FIELDS.has(name));
      if (extra !== undefined) return extraForbidden(at, extra);
    }
    return undefined;
  };
  return templated({
    fault,
    makeId: (n) => `D681Pev${String(n).padStart(2, "0")}`,
    tellThought: (thought) =>
      halves(thought).map((text) => chunk({ content: [{ type: "thinking", thinking: [{ type: "text", text }] }] })),
  });
}

const MISTRAL_FIELDS = new Set(["role", "content", "tool_calls", "tool_call_id", "name", "prefix"]);

function extraForbidden(at: number, name: string): Denial {
  const words = `Extra inputs are not permitted: ${name}`;
  const detail = [
    { type: "extra_forbidden", loc: ["body", "messages", at, name], msg: "Extra inputs are not permitted" },
  ];
  return { status: 422, words, body: { detail } };
}

/** Devstral behind llama.cpp: the words of its template, as an error of the server. */
export function devstral(): StrictProvider {
  const refuse = (words: string): Denial => ({
    status: 500,
    words,
    body: { error: { code: 500, message: words, type: "server_error" } },
  });
  return templated({
    makeId: (n) => `call${String(n).padStart(5, "0")}`,
    fault: (asked) => {
      const usual = usualFaults(asked);
      if (usual !== undefined) return refuse(usual);
      return breaksTemplate(asked) ? refuse(ALTERNATE) : undefined;
    },
  });
}

/** A gateway that numbers the calls of each answer from zero. */
export function countingFromZero(): StrictProvider {
  return gateway((_, index) => `call_${index}`);
}

/** A gateway with ids of calls that are longer than what it takes back, and with signs in them. */
export function longIds(): StrictProvider {
  return gateway((n) => `toolu|${"x".repeat(80)}/${n}`);
}

function gateway(makeId: Template["makeId"]): StrictProvider {
  return templated({
    makeId,
    unfit: true,
    fault: (asked) => {
      const odd = steps(asked).flatMap(({ calls }) => calls.filter(({ id }) => !/^[\w-]{1,64}$/.test(String(id))));
      const [first] = odd;
      if (first !== undefined)
        return openAiError(`messages: tool_use.id: ${String(first.id)} should match '^[a-zA-Z0-9_-]+$'`);
      const usual = usualFaults(asked);
      return usual === undefined ? undefined : openAiError(usual);
    },
  });
}

/** Gemma behind vLLM: no system message at all, roles in turn. */
export function gemma(): StrictProvider {
  const refuse = (words: string): Denial => ({
    status: 400,
    words,
    body: { object: "error", message: words, type: "BadRequestError", param: null, code: 400 },
  });
  return templated({
    makeId: (n) => `chatcmpl-tool-${"9f86d081884c7d659a2feaa0c55ad015".slice(0, 28)}${n}`,
    fault: (asked) => {
      if (asked.input.some(({ role }) => role === "system" || role === "developer")) return refuse(NO_SYSTEM);
      const usual = usualFaults(asked);
      if (usual !== undefined) return refuse(usual);
      return breaksTemplate(asked)
        ? refuse("Conversation roles must alternate user/assistant/user/assistant/...")
        : undefined;
    },
  });
}

export const NO_SYSTEM = "System role not supported";

/** Mistral's API as it was before it knew `stream_options`. */
export function withoutStreamOptions(inner: StrictProvider): StrictProvider {
  return {
    ...inner,
    judge: (asked) =>
      "stream_options" in asked.body
        ? openAiError("Unrecognized request argument supplied: stream_options", { code: null })
        : inner.judge(asked),
  };
}

/** Ollama and llama.cpp of some versions: arguments as an object, no ids, no usage, and "" in the place of a reason. */
export function ollama(): StrictProvider {
  const gave = new Ledger();
  return {
    judge: (asked) => {
      const fault = usualFaults(asked);
      if (fault !== undefined) return openAiError(fault);
      for (const { calls } of steps(asked)) {
        for (const call of calls)
          if (isObject(call.function)) gave.take(JSON.stringify(parsed(call.function.arguments)));
      }
      return undefined;
    },
    tell: ({ say, uses = [] }: Answer) => [
      ...(say === undefined ? [] : halves(say).map((content) => chunk({ role: "assistant", content }, { finish: "" }))),
      ...uses.map(({ name, args }, index) => {
        if (typeof args !== "string") gave.give(JSON.stringify(args));
        const call = { index, type: "function", function: { name, arguments: args } };
        return chunk({ role: "assistant", content: "", tool_calls: [call] }, { finish: "" });
      }),
      chunk({ role: "assistant", content: "" }, { finish: uses.length > 0 ? "tool_calls" : "stop" }),
      DONE,
    ],
    owed: () => gave.owed(),
    own: () => [],
  };
}

function parsed(text: unknown): unknown {
  return typeof text === "string" ? (JSON.parse(text) as unknown) : text;
}

/** What a server has against any image, wherever it stands. */
export function blind(inner: StrictProvider, denial: Denial): StrictProvider {
  return { ...inner, judge: (asked) => (hasImage(asked) ? denial : inner.judge(asked)) };
}

export function hasImage({ input }: Asked): boolean {
  return /"type":"(image_url|input_image)"/.test(JSON.stringify(input));
}
