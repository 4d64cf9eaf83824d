import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { call, hold, type ModelServer, partial, startModelServer, text } from "../support/model-server.js";
import { checkStopContract } from "../support/stop-contract.js";
import { resumeTalk, scratch, startTalk, type Talk } from "../support/talk.js";

/** The home as a kill at this moment would leave it: all that is written, and nobody's locks. */
function killedCopy(t: { after(run: () => void): void }, talk: Talk): string {
  const copy = scratch();
  t.after(() => copy.dispose());
  cpSync(talk.home, copy.path, { recursive: true });
  rmSync(join(copy.path, "session_locks"), { recursive: true });
  return copy.path;
}

function sessionFile(home: string): string {
  const names = readdirSync(join(home, "sessions"), { recursive: true, encoding: "utf8" });
  return join(home, "sessions", names.find((name) => name.endsWith(".jsonl"))!);
}

async function run(talk: Talk, said: string) {
  return talk.end(talk.say(said));
}

async function withServer(t: { after(run: () => Promise<void>): void }): Promise<ModelServer> {
  const server = await startModelServer();
  t.after(() => server.close());
  return server;
}

describe("a resumed conversation", () => {
  test("sends what it would have sent, without telling the context again, and writes to the same file", async (t) => {
    const server = await withServer(t);
    const talk = startTalk(server.provider());
    server.enqueue([text("I look."), call("exec_command", { cmd: "echo seen" })], text("done"), text("again"));
    await run(talk, "first");
    const home = killedCopy(t, talk);
    await run(talk, "second");
    const next = await resumeTalk(server.provider(), { home, source: talk.conversation.id }, { cwd: talk.cwd });
    server.enqueue(text("again"));
    await run(next, "second");
    assert.deepEqual(server.requests.at(-1)?.body.input, server.requests.at(-2)?.body.input);
    // The same numbers go on: an undo tells turns of one session apart by them.
    assert.equal(next.events.find(({ msg }) => msg.type === "task_started")?.id, "1");
    assert.equal(readFileSync(sessionFile(home), "utf8").split('"session_meta"').length, 2);
    const configured = await next.until("session_configured");
    assert.deepEqual(configured.initial_messages, [
      { type: "user_message", message: "first" },
      { type: "agent_message", message: "I look." },
      { type: "agent_message", message: "done" },
    ]);
    assert.equal(configured.session_id, talk.conversation.id);
    await Promise.all([talk.close(), next.close()]);
  });

  test("after a kill while a call ran: the call has an output, the turn an end, the model is told, steered input is back", async (t) => {
    const server = await withServer(t);
    const talk = startTalk(server.provider());
    server.enqueue(call("exec_command", { cmd: "echo one" }), call("exec_command", { cmd: "sleep 30" }, "slow"));
    const turn = talk.say("run it");
    await talk.until("exec_command_begin", (msg) => msg.call_id === "slow");
    talk.say("and hurry");
    // The loop has taken what was typed once it has answered what came after it.
    const asked = talk.conversation.submit({ type: "list_mcp_tools" });
    await talk.answer(asked);
    const home = killedCopy(t, talk);
    const next = await resumeTalk(server.provider(), { home, source: talk.conversation.id }, { cwd: talk.cwd });
    const configured = await next.until("session_configured");
    assert.deepEqual(configured.unused_input, [[{ type: "text", text: "and hurry" }]]);
    const aborted = await next.until("turn_aborted");
    assert.equal(aborted.killed, true);
    assert.deepEqual(
      aborted.calls?.map(({ name, outcome }) => [name, outcome]),
      [
        ["exec_command", "done"],
        ["exec_command", "cut"],
      ],
    );
    assert.deepEqual(aborted.unused_input, [[{ type: "text", text: "and hurry" }]]);
    server.enqueue(text("I see."));
    await run(next, "go on");
    const request = server.requests.at(-1)!;
    assert.match(request.outputOf("slow") ?? "", /Belay was killed while this call ran/);
    assert.match(request.userTexts().at(-2) ?? "", /<turn_aborted>\nBelay was killed/);
    assert.equal(request.userTexts().at(-1), "go on");
    // On record: whoever opens it next finds the turn ended.
    await next.close();
    const third = await resumeTalk(server.provider(), { home, source: talk.conversation.id }, { cwd: talk.cwd });
    assert.equal(
      third.events.some(({ msg }) => msg.type === "turn_aborted"),
      false,
    );
    server.enqueue(text("Still here."));
    await run(third, "and on");
    assert.deepEqual(server.requests.at(-1)?.userTexts().slice(-3), [request.userTexts().at(-2), "go on", "and on"]);
    await third.close();
    await talk.conversation.interrupt();
    await talk.end(turn);
    checkStopContract(talk.events);
    await talk.close();
  });

  test("after a kill while text streamed: what was whole before it is there", async (t) => {
    const server = await withServer(t);
    const talk = startTalk(server.provider());
    const gate = hold();
    server.enqueue(text("first answer"), [partial("half of the sec"), gate]);
    await run(talk, "one");
    talk.say("two");
    await gate.reached;
    await talk.until("agent_message_delta", (msg) => msg.delta.includes("half"));
    const home = killedCopy(t, talk);
    const next = await resumeTalk(server.provider(), { home, source: talk.conversation.id });
    server.enqueue(text("third"));
    await run(next, "three");
    assert.deepEqual(server.requests.at(-1)?.assistantTexts(), ["first answer"]);
    gate.release();
    await Promise.all([talk.close(), next.close()]);
  });

  test("is refused while another has it, by name, and a fork of it is not", async (t) => {
    const server = await withServer(t);
    const talk = startTalk(server.provider());
    server.enqueue(text("a"), text("b"), text("c"));
    await run(talk, "one");
    await run(talk, "two");
    const source = talk.conversation.id;
    await assert.rejects(
      resumeTalk(server.provider(), { home: talk.home, source }),
      new RegExp(`^Error: in_use: session ${source} is open in process ${process.pid}`),
    );
    await assert.rejects(
      resumeTalk(server.provider(), { home: talk.home, source: "feed" }),
      /not_found: there is no session feed/,
    );
    const forked = await resumeTalk(server.provider(), { home: talk.home, source, fork: true, atTurn: 1 });
    assert.notEqual(forked.conversation.id, source);
    await run(forked, "another two");
    assert.deepEqual(server.requests.at(-1)?.userTexts().slice(-2), ["one", "another two"]);
    assert.deepEqual(server.requests.at(-1)?.assistantTexts(), ["a"]);
    await Promise.all([talk.close(), forked.close()]);
  });

  test("has the folder, model and stricter sandbox of its record, and says what is not as it was", async (t) => {
    const server = await withServer(t);
    const talk = startTalk(server.provider(), {
      sandboxPolicy: { mode: "read-only" },
      model: "old-model",
      effort: "low",
    });
    server.enqueue(text("a"), text("b"), text("c"));
    await run(talk, "one");
    const home = killedCopy(t, talk);
    const source = talk.conversation.id;
    const same = await resumeTalk(
      server.provider(),
      { home, source },
      { sandboxPolicy: { mode: "danger-full-access" } },
    );
    await run(same, "two");
    const environment = server.requests
      .at(-1)!
      .userTexts()
      .filter((one) => one.startsWith("<environment_context>"));
    assert.equal(environment.length, 1);
    assert.match(environment[0]!, new RegExp(`directory: ${talk.cwd}\n[^]*Sandbox mode: read-only`));
    assert.equal(server.requests.at(-1)?.body.model, "old-model");
    assert.equal(
      same.events.some(({ msg }) => msg.type === "background_event" && msg.message.includes(" now; ")),
      false,
    );
    await same.close();

    const chosen = new Set(["model", "sandboxPolicy"] as const);
    rmSync(talk.cwd, { recursive: true });
    const other = await resumeTalk(
      server.provider(),
      { home, source, chosen },
      { sandboxPolicy: { mode: "danger-full-access" } },
    );
    const told: string[] = [];
    await run(other, "three");
    for (const { msg } of other.events) if (msg.type === "background_event") told.push(msg.message);
    assert.deepEqual(
      told.filter((message) => message.includes(" now; ")),
      [
        `the folder is ${other.cwd} now; the session had ${talk.cwd}`,
        "the model is mock-model now; the session had old-model",
        "the reasoning effort is the model's own now; the session had low",
        "the sandbox mode is danger-full-access now; the session had read-only",
      ],
    );
    await Promise.all([other.close(), talk.close()]);
  });

  test("gets no rights from its record that the settings do not give", async (t) => {
    const server = await withServer(t);
    const talk = startTalk(server.provider(), {
      sandboxPolicy: { mode: "danger-full-access" },
      approvalPolicy: "never",
    });
    server.enqueue(text("a"), text("b"));
    await run(talk, "one");
    const strict = { sandboxPolicy: { mode: "read-only" }, approvalPolicy: "untrusted" } as const;
    const next = await resumeTalk(
      server.provider(),
      { home: killedCopy(t, talk), source: talk.conversation.id },
      strict,
    );
    await run(next, "two");
    assert.match(server.requests.at(-1)!.userTexts().at(-2)!, /Approval policy: untrusted\nSandbox mode: read-only/);
    const told = "the sandbox mode is read-only now; the session had danger-full-access";
    await next.until("background_event", (msg) => msg.message === told);
    await Promise.all([talk.close(), next.close()]);
  });

  test("of another provider leaves out what the other's model thought", async (t) => {
    const server = await withServer(t);
    const talk = startTalk(server.provider());
    server.enqueue(text("a"), text("b"));
    await run(talk, "one");
    const home = killedCopy(t, talk);
    const path = sessionFile(home);
    const thought = { type: "reasoning", summary: [], encrypted_content: "sealed" };
    const line = { timestamp: "2026-01-01T00:00:00.000Z", ordinal: 999, type: "response_item", payload: thought };
    writeFileSync(path, `${readFileSync(path, "utf8")}${JSON.stringify(line)}\n`);
    const next = await resumeTalk(server.provider({ id: "other" }), { home, source: talk.conversation.id });
    await run(next, "two");
    assert.equal(JSON.stringify(server.requests.at(-1)?.body).includes("sealed"), false);
    await next.until("background_event", (msg) => msg.message === "the provider is other now; the session had mock");
    await Promise.all([talk.close(), next.close()]);
  });
});

/** Resumes or forks, each with a turn and a compaction: 12, and 50 in the soak. */
const ROUNDS = process.env.BELAY_SOAK === undefined ? 12 : 50;

test("resumes, forks and compactions store little more than the same turns without them", async (t) => {
  const server = await withServer(t);
  const folder = scratch();
  t.after(() => folder.dispose());
  // Context that each compaction repeats, and an output that comes again.
  writeFileSync(join(folder.path, "AGENTS.md"), "Read this first. ".repeat(1000));
  writeFileSync(join(folder.path, "log"), "a line of the log\n".repeat(1500));
  let n = 0;
  const summaries = new Set<string>();
  server.script((request) => {
    n += 1;
    const said = request.userTexts().at(-1) ?? "";
    for (const one of request.userTexts()) if (one.startsWith("<conversation_summary>")) summaries.add(one);
    if (said.startsWith("turn") && request.input.at(-1)?.type === "message") {
      const cmd = said.includes("look") ? "cat log" : `seq ${n}0000 ${n}0700`;
      return call("exec_command", { cmd }, `call_${n}`);
    }
    return text(`What I found in round ${n}: ${"words ".repeat(150)}`);
  });
  const textOf = (round: number) => `turn ${round} ${round % 5 === 0 ? "look" : ""} ${"please ".repeat(30)}`;

  const plain = startTalk(server.provider(), { cwd: folder.path });
  const mixed = startTalk(server.provider(), { cwd: folder.path });
  for (const talk of [plain, mixed]) await run(talk, textOf(0));
  const home = killedCopy(t, mixed);
  let source = mixed.conversation.id;
  for (let round = 1; round <= ROUNDS; round += 1) {
    await run(plain, textOf(round));
    const fork = round % 3 === 0 ? { fork: true as const } : {};
    const talk = await resumeTalk(server.provider(), { home, source, ...fork }, { cwd: folder.path });
    await run(talk, textOf(round));
    await talk.end(talk.conversation.submit({ type: "compact" }));
    source = talk.conversation.id;
    await talk.close();
  }
  const summed = [...summaries].reduce((sum, one) => sum + one.length, 0);
  const [stored, once] = [storedIn(home), storedIn(plain.home) + summed];
  assert.ok(stored <= 1.2 * once, `${stored} bytes for what takes ${once}: ${(stored / once).toFixed(2)}`);
  t.diagnostic(`${stored} bytes stored, ${once} for the same without repetition: ${(stored / once).toFixed(2)}`);
  await Promise.all([plain.close(), mixed.close()]);
});

function storedIn(home: string): number {
  return ["sessions", "session_blobs"].reduce((sum, part) => sum + bytesIn(join(home, part)), 0);
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).reduce((sum, name) => {
    const stat = statSync(join(folder, name));
    return sum + (stat.isFile() ? stat.size : 0);
  }, 0);
}

test("sessions past the limits go when a conversation starts, once a day, and the user is told", async (t) => {
  const server = await withServer(t);
  const home = scratch();
  t.after(() => home.dispose());
  const old = join(home.path, "sessions", "2020", "01", "01");
  mkdirSync(old, { recursive: true });
  const path = join(old, "rollout-2020-01-01T00-00-00-016f5e66-e800-7000-8000-000000000001.jsonl");
  const limits = { maxBytes: undefined, keepDays: 30 };
  for (const day of [1, 2]) {
    writeFileSync(path, "{}\n");
    utimesSync(path, 1, 1);
    const talk = startTalk(server.provider(), { home: home.path, sessionLimits: limits });
    if (day === 1) await talk.until("background_event", (msg) => msg.message.startsWith("1 sessions past the limits"));
    // What is asked is answered after the start.
    await talk.answer(talk.conversation.submit({ type: "list_mcp_tools" }));
    assert.equal(existsSync(path), day === 2);
    await talk.close();
  }
});
