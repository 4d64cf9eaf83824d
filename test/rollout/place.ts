import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import type { Clock } from "../../src/base/index.js";
import { type ResponseItem, type SessionMeta, userMessage } from "../../src/protocol/index.js";
import { type FileSystem, type RolloutRecord, RolloutWriter, restoreSession } from "../../src/rollout/index.js";

export const TEXTS = { killed: "KILLED", lost: "LOST" };

/** A home folder of the test's own, and a clock that the test moves. */
export interface HomePlace {
  readonly home: string;
  readonly clock: Clock & { time: number };
  /** The path of a session file with this content, in the folder its name asks for. */
  put(id: string, content: string | Uint8Array): string;
}

export function makeHome(t: Pick<TestContext, "after">): HomePlace {
  const home = mkdtempSync(join(tmpdir(), "belay-rollout-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const clock = {
    time: Date.UTC(2026, 0, 2, 3, 4, 5),
    now: () => {
      clock.time += 1;
      return clock.time;
    },
    monotonic: () => clock.time,
  };
  return {
    home,
    clock,
    put: (id, content) => {
      const path = join(home, "sessions", "2026", "01", "02", `rollout-2026-01-02T03-04-05-${id}.jsonl`);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
      return path;
    },
  };
}

/** An id like a real one; `n` up to 65,535 tells them apart. */
export function idOf(n: number): string {
  return `019b7c00-0000-7000-8000-0000${n.toString(16).padStart(8, "0")}`;
}

export function metaOf(id: string): SessionMeta {
  return {
    id,
    timestamp: "2026-01-02T03:04:05.000Z",
    cwd: "/work",
    originator: "belay",
    history_mode: "paginated",
    belay_schema: 1,
  };
}

export function writerOf(place: HomePlace, id: string, files?: FileSystem): RolloutWriter {
  const init = { home: place.home, clock: place.clock, id, ...(files === undefined ? {} : { files }) };
  const writer = RolloutWriter.create(init);
  writer.append([{ type: "session_meta", payload: metaOf(id) }]);
  return writer;
}

export function item(payload: ResponseItem): RolloutRecord {
  return { type: "response_item", payload };
}

export function said(text: string): ResponseItem {
  return { type: "message", role: "assistant", content: [{ type: "output_text", text }] };
}

export function called(callId: string, args = "{}"): ResponseItem {
  return { type: "function_call", name: "exec_command", arguments: args, call_id: callId };
}

export function gave(callId: string, output: string): ResponseItem {
  return { type: "function_call_output", call_id: callId, output };
}

/** One turn with a call: six lines. */
export function turnOf(n: number): RolloutRecord[] {
  const event = (type: string) => ({ type: "event_msg" as const, payload: { type, turn_id: `turn-${n}` } });
  return [
    event("task_started"),
    { type: "turn_context", payload: { ...NO_CONTEXT, cwd: "/work", model: "m" } },
    { ...item(userMessage(`question ${n}`)), submission: "0" },
    item(called(`call-${n}`)),
    item(gave(`call-${n}`, `output ${n}`)),
    item(said(`answer ${n}`)),
    event("task_complete"),
  ];
}

const NO_CONTEXT = {
  approval_policy: undefined,
  sandbox_policy: undefined,
  effort: undefined,
  summary: undefined,
} as const;

export function restored(place: HomePlace, path: string) {
  return restoreSession({ home: place.home, path, texts: TEXTS, signal: new AbortController().signal });
}

/** The items of a history as short words: `u:text`, `a:text`, `call:id`, `out:id:text`. */
export function words(items: readonly ResponseItem[]): string[] {
  return items.map((one) => {
    if (one.type === "message")
      return `${one.role[0]}:${one.content.map((part) => ("text" in part ? part.text : part.type)).join("")}`;
    if (one.type === "function_call" || one.type === "custom_tool_call") return `call:${one.call_id}`;
    return "output" in one ? `out:${one.call_id}:${typeof one.output === "string" ? one.output : "parts"}` : one.type;
  });
}

export function linesOf(path: string): string[] {
  return readFileSync(path, "utf8").split("\n").slice(0, -1);
}

/** Throws unless every call has its one output after it, and no user speaks in between. */
export function checkPairs(items: readonly ResponseItem[]): void {
  const open = new Set<string>();
  const seen = new Set<string>();
  for (const one of items) {
    if (one.type === "function_call" || one.type === "custom_tool_call") {
      if (seen.has(one.call_id)) throw new Error(`call ${one.call_id} twice`);
      seen.add(one.call_id);
      open.add(one.call_id);
    } else if ("output" in one) {
      if (!open.delete(one.call_id)) throw new Error(`output ${one.call_id} without a call`);
    } else if (one.type === "message" && one.role === "user" && open.size > 0)
      throw new Error("a user between call and output");
  }
  if (open.size > 0) throw new Error(`open: ${[...open].join(", ")}`);
}
