import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type McpClient, type Message, openMcp } from "../front/mcp-server/mcp-client.js";
import {
  call,
  customCall,
  partial,
  type Reply,
  reasoning,
  stall,
  status,
  text,
  usage,
} from "../support/model-server.js";

/**
 * One line of a recorded session of Codex's MCP server, with what Belay does instead where that differs (README.md beside
 * the recordings).
 */
type Line =
  | { readonly only: string }
  | { readonly send: object | string }
  | { readonly same: object }
  | { readonly codex: object; readonly why: string }
  | { readonly belay: object; readonly why: string }
  | { readonly await: string; readonly request: number };

const counts = usage({ input: 100, cached: 10, output: 20, reasoning: 5 });
const PATCH = "*** Begin Patch\n*** Add File: n.txt\n+hello\n*** End Patch";
const shell = (command: string[], id: string, more: object = {}) => [call("shell", { command, ...more }, id), counts];
const escalated = call("exec_command", {
  cmd: "echo hi",
  sandbox_permissions: "require_escalated",
  justification: "please",
});
const done = [text("done"), counts];

/** What the model answers in each session. */
const SESSIONS: Readonly<Record<string, readonly Reply[]>> = {
  "mcp-basic": Array.from({ length: 4 }, () => [text("hello from tool"), counts]),
  // `exec` is not in the recording: a bash that outlives its command by a moment says "Terminated", now and then.
  "mcp-cancel": [shell(["bash", "-lc", "sleep 311 & exec sleep 312"], "call_A"), [text("after"), counts]],
  "mcp-elicit": [
    shell(["touch", "x"], "call_A", { workdir: "." }),
    shell(["bash", "-lc", `apply_patch <<'EOF'\n${PATCH}\nEOF\n`], "call_B"),
    done,
    shell(["touch", "x2"], "call_C"),
    [text("done2"), counts],
    shell(["touch", "x3"], "call_D"),
    ...["done3", "d4", "d5"].map((answer) => [text(answer), counts]),
  ],
  "mcp-elicit-abort": ["x", "y", "z"].map((file, at) => shell(["touch", file], `c${at + 1}`)),
  "mcp-tool-error": [status(400, { error: { message: "no" } }), [reasoning({ summary: "hm" }), counts]],
  "mcp-later": [
    ...["hello mcp", "second", "third"].map((answer) => text(answer)),
    ...[escalated, done, escalated, done, escalated, done, escalated, escalated, done, escalated],
    ...[customCall("apply_patch", "*** Begin Patch\n*** Add File: mcp.txt\n+l\n*** End Patch\n"), done],
    [partial("alpha "), stall()],
    call("exec_command", { cmd: "sleep 45678 & sleep 45678" }),
  ],
};

const DIFFERENCES = readFileSync("docs/protocol.md", "utf8");

for (const [name, replies] of Object.entries(SESSIONS)) {
  test(`${name}: the requests of a client of Codex get Codex's answers and events, but for what docs/protocol.md says`, async (t) => {
    const lines = readFileSync(`test/fixtures/mcp-traces/${name}.jsonl`, "utf8").trim().split("\n");
    const client = await openMcp(t);
    client.server.enqueue(...replies);
    await replay(
      lines.map((line) => JSON.parse(line) as Line),
      client,
    );
    assert.equal((await client.finish()).code, 0);
  });
}

/** Plays the client's part; every message of the server's must be the next one of the recording. */
async function replay(lines: readonly Line[], client: McpClient): Promise<void> {
  const withEvents = !lines.some((line) => "only" in line);
  const names = new Map<string, string>([["<CWD>", client.place.dir]]);
  let seen = 0;
  const next = async (expected: object) => {
    const counts = (message: Message) => withEvents || message.method !== "codex/event";
    const message = await client.until(
      (one) => client.messages.indexOf(one) >= seen && counts(one),
      JSON.stringify(expected),
    );
    seen = client.messages.indexOf(message) + 1;
    compare(expected, message, { names, path: "" });
  };
  for (const line of lines) {
    if ("why" in line) assert.ok(DIFFERENCES.includes(`| ${line.why} |`), `docs/protocol.md does not say: ${line.why}`);
    if ("send" in line) {
      if (typeof line.send === "string") client.program.stdin.write(`${line.send}\n`);
      else client.send(named(line.send, names) as object);
    } else if ("same" in line) await next(line.same);
    else if ("belay" in line) await next(line.belay);
    else if ("await" in line) await client.event(line.await, (one) => one.params._meta.requestId === line.request);
  }
  await client.request("ping", {}, "the last");
  const more = client.messages.slice(seen).filter((one) => withEvents || one.method !== "codex/event");
  assert.deepEqual(
    more.map((one) => one.id),
    ["the last"],
  );
}

/** All that is expected is there; more may be. `<any>` is whatever is there, `<thread:a>` a name for what is there first. */
function compare(
  expected: unknown,
  actual: unknown,
  at: { readonly names: Map<string, string>; readonly path: string },
): void {
  const { names, path } = at;
  if (expected === "<any>") assert.notEqual(actual, undefined, `${path} is missing`);
  else if (typeof expected === "string") {
    if (expected.startsWith("<thread:") && !names.has(expected)) names.set(expected, String(actual));
    assert.equal(actual, named(expected, names), path);
  } else if (typeof expected !== "object" || expected === null) assert.equal(actual, expected, path);
  else {
    assert.ok(typeof actual === "object" && actual !== null, `${path} is ${actual}`);
    if (Array.isArray(expected)) assert.equal((actual as unknown[]).length, expected.length, path);
    for (const [key, value] of Object.entries(expected)) {
      const name = named(key, names) as string;
      compare(value, (actual as Record<string, unknown>)[name], { names, path: `${path}.${name}` });
    }
  }
}

/** With names put in the place of what they stand for. */
function named(value: unknown, names: ReadonlyMap<string, string>): unknown {
  let text = JSON.stringify(value);
  for (const [name, meant] of names) text = text.replaceAll(name, JSON.stringify(meant).slice(1, -1));
  return JSON.parse(text);
}
