import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, it } from "node:test";
import { call, partial, stall, status, text } from "../support/model-server.js";
import { openScene } from "../support/program.js";
import { openProto } from "./proto-client.js";

interface Recorded {
  readonly timestamp: string;
  readonly type: string;
  readonly payload: { readonly type?: string; readonly [key: string]: unknown };
}

/** Every line, whole: a last line without its end counts as torn. */
function readRecord(path: string): Recorded[] {
  const whole = readFileSync(path, "utf8");
  assert.ok(whole.endsWith("\n"));
  return whole
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Recorded);
}

function lastEvent(lines: readonly Recorded[]): Recorded["payload"] | undefined {
  return lines.findLast(({ type }) => type === "event_msg")?.payload;
}

describe("the record of a conversation", { concurrency: 4 }, () => {
  it("is on disk, whole and for the user alone, when the end of the turn arrives", async (t) => {
    const client = await openProto(t);
    const hello = await client.until("session_configured");
    const path = hello.rollout_path ?? "";
    assert.match(relative(client.place.home, path), /^sessions\/\d{4}\/\d\d\/\d\d\/rollout-.*\.jsonl$/);
    assert.ok(path.endsWith(`${hello.session_id}.jsonl`));
    let atTheEnd: Recorded[] = [];
    client.onEvent(({ msg }) => {
      if (msg.type === "task_complete") atTheEnd = readRecord(path);
    });
    client.server.enqueue([text("Looking."), call("exec_command", { cmd: "echo hi" }, "c1")], text("Done."));
    client.say("1", "go");
    const end = await client.end("1");
    const recorded = lastEvent(atTheEnd);
    // The message itself stands right before it, once.
    const { last_agent_message: _, ...told } = end as { readonly last_agent_message?: unknown };
    assert.deepEqual(recorded, { ...recorded, ...told });
    assert.equal(recorded !== undefined && "last_agent_message" in recorded, false);
    assert.equal(atTheEnd[0]?.type, "session_meta");
    assert.equal(atTheEnd[0]?.payload.id, hello.session_id);
    const items = atTheEnd.filter(({ type }) => type === "response_item").map(({ payload }) => payload);
    const kinds = items.map(({ type, role }) => (type === "message" ? role : type));
    assert.deepEqual(kinds.slice(-5), ["user", "assistant", "function_call", "function_call_output", "assistant"]);
    for (const { timestamp } of atTheEnd) assert.equal(new Date(timestamp).toISOString(), timestamp);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await client.finish();
    assert.deepEqual(readRecord(path), atTheEnd);
  });

  it("holds the receipt of a turn that was stopped, and what was said of it", async (t) => {
    const client = await openProto(t);
    const { rollout_path: path = "" } = await client.until("session_configured");
    let atTheEnd: Recorded[] = [];
    client.onEvent(({ msg }) => {
      if (msg.type === "turn_aborted") atTheEnd = readRecord(path);
    });
    client.server.enqueue([partial("Half a sen"), stall()]);
    client.say("1", "go");
    await client.until("agent_message_delta");
    client.send("i", { type: "interrupt" });
    const end = await client.end("1");
    const recorded = lastEvent(atTheEnd);
    assert.deepEqual(recorded, { ...recorded, ...end });
    const texts = JSON.stringify(atTheEnd.filter(({ type }) => type === "response_item"));
    assert.equal(texts.split("Half a sen").length, 2);
    assert.match(texts, /<turn_aborted>/);
    await client.until("background_event", (_, event) => event.id === "i");
    await client.finish();
  });

  it("ends with the end of a turn that failed", async (t) => {
    const { place, server, run } = await openScene(t);
    server.enqueue(status(400, { error: { message: "no" } }));
    assert.equal((await run(["exec", "go"])).code, 1);
    const [path, ...others] = readdirSync(join(place.home, "sessions"), { recursive: true, encoding: "utf8" }).filter(
      (name) => name.endsWith(".jsonl"),
    );
    assert.deepEqual(others, []);
    const end = lastEvent(readRecord(join(place.home, "sessions", path!)));
    assert.deepEqual([end?.type, end?.failed], ["task_complete", true]);
  });

  it("that can't be written costs the turn nothing, and is told", async (t) => {
    const { place, server, run } = await openScene(t);
    // A file where the folder should be: no session can be recorded, whoever asks.
    writeFileSync(join(place.home, "sessions"), "in the way");
    server.enqueue(text("still here"));
    const done = await run(["exec", "go"]);
    assert.deepEqual([done.code, done.stdout], [0, "still here\n"], done.stderr);
    assert.match(done.stderr, /no longer recorded on disk: /);
  });
});
