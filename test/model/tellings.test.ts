import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "../support/fast-check.js";
import { call, chunk, completed, DONE, data, decode, ev, message, type WireName } from "./decoder-fixture.js";

/** What a model said, apart from how it is told. */
type Said =
  | { readonly kind: "thought" | "message"; readonly text: string }
  | { readonly kind: "call"; readonly args: string };

const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
const argsText = fc.record({ cmd: text, n: fc.nat(99) }).map((args) => JSON.stringify(args));
const said: fc.Arbitrary<Said> = fc.oneof(
  fc.record({ kind: fc.constantFrom("thought" as const, "message" as const), text }),
  fc.record({ kind: fc.constant("call" as const), args: argsText }),
);
/** Where texts are cut into pieces, which of several equal things come first, and so on: used up one by one. */
const choices = fc.array(fc.nat(1000), { minLength: 40, maxLength: 40 });

function chooser(given: readonly number[]): (count: number) => number {
  let at = 0;
  return (count) => {
    const chosen = (given[at % given.length] ?? 0) + Math.floor(at / given.length);
    at += 1;
    return chosen % count;
  };
}

type Choose = ReturnType<typeof chooser>;

function pieces(whole: string, choose: Choose): string[] {
  const parts: string[] = [];
  for (let at = 0; at < whole.length; ) {
    const size = 1 + choose(whole.length);
    parts.push(whole.slice(at, at + size));
    at += size;
  }
  return parts;
}

/** Several lists as one; each keeps its order. */
function interleaved(lists: readonly (readonly string[])[], choose: Choose): string[] {
  const rest = lists.map((list) => [...list]).filter((list) => list.length > 0);
  const all: string[] = [];
  while (rest.length > 0) {
    const n = choose(rest.length);
    all.push(rest[n]!.shift()!);
    if (rest[n]!.length === 0) rest.splice(n, 1);
  }
  return all;
}

const JUNK: Readonly<Record<WireName, readonly string[]>> = {
  responses: [
    ": hi\n\n",
    "data:\n\n",
    ev("response.in_progress", { response: {} }),
    ev("response.odd", { delta: 1 }),
    data("{}"),
  ],
  chat: [": hi\n\n", "data: \n\n", data("{}"), chunk({}), chunk({ role: "assistant" }, ""), data({ choices: [] })],
};

function withJunk(wire: WireName, frames: readonly string[], choose: Choose): string[] {
  return frames.flatMap((frame) => (choose(3) === 0 ? [JUNK[wire][choose(JUNK[wire].length)]!, frame] : [frame]));
}

/** How a Responses server tells an answer. */
interface Manner {
  /** What places events: `output_index`, `item_id`, or both. */
  readonly places: "index" | "id" | "both";
  readonly finalList: boolean;
  /** `each`: every event comes twice; `items`: those that tell an item whole. */
  readonly repeats: "no" | "each" | "items";
  readonly mixed: boolean;
}

const manner: fc.Arbitrary<Manner> = fc.record({
  places: fc.constantFrom("index" as const, "id" as const, "both" as const),
  finalList: fc.boolean(),
  repeats: fc.constantFrom("no" as const, "each" as const, "items" as const),
  mixed: fc.boolean(),
});

function wholeItem(one: Said, n: number, { places }: Manner): Record<string, unknown> {
  const id = places === "index" ? {} : { id: `item${n}` };
  if (one.kind === "call") return call(one.args, { ...id, call_id: `c${n}` });
  if (one.kind === "message") return message(one.text, id);
  return { type: "reasoning", ...id, summary: [], content: [{ type: "reasoning_text", text: one.text }] };
}

const PIECES = {
  thought: "response.reasoning_text",
  message: "response.output_text",
  call: "response.function_call_arguments",
};
const EMPTY = { thought: { content: [] }, message: { content: [] }, call: { arguments: "" } };

interface Told {
  readonly frames: readonly string[];
  /** Those of them that are pieces of a text that is told whole as well. */
  readonly spare: ReadonlySet<string>;
}

function tellItem(one: Said, n: number, rules: { manner: Manner; choose: Choose; number: () => number }): Told {
  const { manner, choose, number } = rules;
  const { places, finalList, repeats } = manner;
  const at = {
    ...(places === "id" ? {} : { output_index: n }),
    ...(places === "index" ? {} : { item_id: `item${n}` }),
  };
  const item = wholeItem(one, n, manner);
  const isTold = choose(2) === 0;
  const inPieces = choose(2) === 0 || !(finalList || isTold);
  const said = one.kind === "call" ? one.args : one.text;
  const field = one.kind === "call" ? "arguments" : "text";
  const { item_id: _, ...place } = at as { item_id?: string };
  const event = (type: string, body: object) => ev(type, { ...body, sequence_number: number() });
  const announced = one.kind === "call" || choose(2) === 0;
  const frames: string[] = [];
  const spare = new Set<string>();
  if (inPieces) {
    if (announced)
      frames.push(event("response.output_item.added", { ...place, item: { ...item, ...EMPTY[one.kind] } }));
    for (const delta of pieces(said, choose)) {
      const frame = event(`${PIECES[one.kind]}.delta`, { ...at, delta });
      frames.push(frame);
      if (isTold || finalList) spare.add(frame);
    }
    if (choose(2) === 0) frames.push(event(`${PIECES[one.kind]}.done`, { ...at, [field]: said }));
  }
  if (isTold) frames.push(event("response.output_item.done", { ...place, item }));
  const again = (frame: string) => repeats === "each" || (repeats === "items" && frame.includes("output_item.done"));
  return { frames: frames.flatMap((frame) => (again(frame) ? [frame, frame] : [frame])), spare };
}

function tellResponses(answer: readonly Said[], manner: Manner, choose: Choose): Told {
  let numbers = 0;
  const number = () => {
    numbers += 1;
    return numbers;
  };
  const told = answer.map((one, n) => tellItem(one, n, { manner, choose, number }));
  const lists = told.map(({ frames }) => frames);
  // Without an index the order is that of the events.
  const frames = manner.mixed && manner.places !== "id" ? interleaved(lists, choose) : lists.flat();
  const output = manner.finalList ? { output: answer.map((one, n) => wholeItem(one, n, manner)) } : {};
  const spare = new Set(told.flatMap((one) => [...one.spare]));
  return { frames: [...withJunk("responses", frames, choose), completed({ status: "completed", ...output })], spare };
}

/** How a Chat server tells an answer. */
interface ChatManner {
  readonly inParts: boolean;
  readonly inMessage: "no" | "again" | "alone";
  readonly ids: "once" | "each";
  readonly end: readonly string[];
}

const chatManner: fc.Arbitrary<ChatManner> = fc.record({
  inParts: fc.boolean(),
  inMessage: fc.constantFrom("no" as const, "again" as const, "alone" as const),
  ids: fc.constantFrom("once" as const, "each" as const),
  end: fc.constantFrom([], [DONE], [data({ choices: [], usage: { prompt_tokens: 1 } })]),
});

const joined = (answer: readonly Said[], kind: "thought" | "message") =>
  answer.map((one) => (one.kind === kind ? one.text : "")).join("");
const callsOf = (answer: readonly Said[]) => answer.flatMap((one) => (one.kind === "call" ? [one.args] : []));

function tellChat(answer: readonly Said[], manner: ChatManner, choose: Choose): string[] {
  const { inParts, inMessage, ids, end } = manner;
  const content = (text: string) => (inParts ? [{ type: "text", text }] : text);
  const calls = callsOf(answer);
  const texts = [
    ...pieces(joined(answer, "thought"), choose).map((piece) => chunk({ reasoning_content: piece })),
    ...pieces(joined(answer, "message"), choose).map((piece) => chunk({ content: content(piece) })),
  ];
  const target = (index: number) => ({ index, id: `c${index}`, type: "function" });
  const tellCall = (args: string, index: number) =>
    ["", ...pieces(args, choose)].map((piece, n) => {
      const named = n === 0 || ids === "each";
      const fn = { ...(named ? { name: "shell" } : {}), arguments: piece };
      return chunk({ tool_calls: [{ ...(named ? target(index) : { index }), function: fn }] });
    });
  const streamed = [...texts, ...interleaved(calls.map(tellCall), choose)];
  const whole = {
    ...(joined(answer, "thought") === "" ? {} : { reasoning_content: joined(answer, "thought") }),
    content: content(joined(answer, "message")),
    tool_calls: calls.map((args, n) => ({ id: `c${n}`, function: { name: "shell", arguments: args } })),
  };
  const reason = calls.length > 0 ? "tool_calls" : "stop";
  const last = data({ choices: [{ index: 0, message: whole, finish_reason: reason }] });
  const frames = inMessage === "alone" ? [] : streamed;
  return [...withJunk("chat", frames, choose), inMessage === "no" ? chunk({}, reason) : last, ...end];
}

/** An answer as both wires give it, without what they name differently. */
function plain(items: ReturnType<typeof decode>["items"]): readonly unknown[] {
  return items.map((item) => {
    if (item.type === "message")
      return ["message", item.content.map((part) => ("text" in part ? part.text : "")).join("")];
    if (item.type === "reasoning") return ["thought", item.content?.map((part) => part.text).join("") ?? ""];
    return item.type === "function_call" ? [item.name, item.arguments, item.call_id] : item;
  });
}

function wanted(wire: WireName, answer: readonly Said[]): readonly unknown[] {
  if (wire === "responses") {
    return answer.map((one, n) => (one.kind === "call" ? ["shell", one.args, `c${n}`] : [one.kind, one.text]));
  }
  const texts = (["thought", "message"] as const).map((kind) => [kind, joined(answer, kind)]);
  return [...texts.filter(([, text]) => text !== ""), ...callsOf(answer).map((args, n) => ["shell", args, `c${n}`])];
}

const told = fc
  .record({ answer: fc.array(said, { minLength: 1, maxLength: 4 }), manner, chatManner, choices })
  .map(({ answer, manner, chatManner, choices }) => ({
    responses: { answer, ...tellResponses(answer, manner, chooser(choices)) },
    chat: { answer, frames: tellChat(answer, chatManner, chooser(choices)), spare: new Set<string>() },
  }));

for (const wire of ["responses", "chat"] as const) {
  describe(wire, () => {
    const RUNS = { numRuns: 300 };

    test("an answer comes out once, and whole, in whatever way it is told", () => {
      fc.assert(
        fc.property(told, (all) => {
          const { answer, frames } = all[wire];
          const decoded = decode(wire, frames.join(""));
          assert.equal(decoded.end.type, "completed", JSON.stringify(decoded.end));
          assert.deepEqual(plain(decoded.items), wanted(wire, answer));
        }),
        RUNS,
      );
    });

    const unharmed = (answer: readonly Said[], bytes: Buffer | string) => {
      const { end, items } = decode(wire, bytes);
      if (end.type === "failed") assert.deepEqual([end.failure.retry, items], [true, []]);
      else assert.deepEqual(plain(items), wanted(wire, answer));
    };

    test("bytes that are cut are a failed attempt, or the same answer", () => {
      fc.assert(
        fc.property(told, fc.nat(), (all, at) => {
          const { answer, frames } = all[wire];
          const bytes = Buffer.from(frames.join(""));
          unharmed(answer, bytes.subarray(0, at % bytes.length));
        }),
        RUNS,
      );
    });

    test("an event that is garbled is a failed attempt, or the same answer", () => {
      fc.assert(
        fc.property(told, fc.nat(), fc.nat(), (all, which, where) => {
          const { answer, frames } = all[wire];
          const garbled = frames.map((frame, n) => {
            if (n !== which % frames.length) return frame;
            const begin = frame.indexOf("data:") + 5;
            const at = begin + (where % Math.max(1, frame.length - begin - 2));
            return `${frame.slice(0, at)}\u0000${frame.slice(at + 1)}`;
          });
          unharmed(answer, garbled.join(""));
        }),
        RUNS,
      );
    });

    test("a piece that is lost of what is told whole as well changes nothing", () => {
      fc.assert(
        fc.property(told, fc.nat(), (all, which) => {
          const { answer, frames, spare } = all[wire];
          const lost = [...spare][which % Math.max(1, spare.size)];
          unharmed(answer, frames.filter((frame) => frame !== lost).join(""));
        }),
        RUNS,
      );
    });
  });
}
