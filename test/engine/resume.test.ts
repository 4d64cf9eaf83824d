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
import { call, hold, type ModelServer, partial, startModelServer, text, usage } from "../support/model-server.js";
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

  test("finds what turns ran with where it was written last, also before a compaction", async (t) => {
    const server = await withServer(t);
    const talk = startTalk(server.provider(), { model: "old-model" });
    server.enqueue(text("a"), text("b"), text("all that was said"));
    await run(talk, "one");
    await run(talk, "two");
    await talk.end(talk.conversation.submit({ type: "compact" }));
    const home = killedCopy(t, talk);
    const contexts = () => readFileSync(sessionFile(home), "utf8").split('"turn_context"').length - 1;
    assert.equal(contexts(), 1, "once, as long as nothing changes");
    for (const said of ["three", "four"]) {
      server.enqueue(text("c"));
      const next = await resumeTalk(server.provider(), { home, source: talk.conversation.id }, { cwd: talk.cwd });
      await run(next, said);
      assert.equal(server.requests.at(-1)?.body.model, "old-model");
      await next.close();
      assert.equal(contexts(), 2, "and once after the compaction, where reading ends");
    }
    await talk.close();
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

interface Rounds {
  /** What the user says in a round. */
  say(round: number): string;
  /** What the model answers to request `n`, where it does not run a command. */
  answer(n: number): string;
  /** A command for request `n`, whose answer is the end of the turn. */
  command?(n: number, said: string): string;
}

/** A session that is resumed or forked `ROUNDS` times, and compacted each time; the home it was kept in. */
async function goRounds(
  t: { after(run: () => void | Promise<void>): void },
  { say, answer, command }: Rounds,
  files: Readonly<Record<string, string>> = {},
): Promise<string> {
  const server = await startModelServer();
  t.after(() => server.close());
  const folder = scratch();
  t.after(() => folder.dispose());
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder.path, name), content);
  let n = 0;
  server.script((request) => {
    n += 1;
    const said = request.userTexts().at(-1) ?? "";
    const isAsked = said.startsWith("turn") && request.input.at(-1)?.type === "message";
    return isAsked && command !== undefined
      ? call("exec_command", { cmd: command(n, said) }, `call_${n}`)
      : text(answer(n));
  });
  const first = startTalk(server.provider(), { cwd: folder.path });
  await run(first, say(0));
  const home = killedCopy(t, first);
  let source = first.conversation.id;
  await first.close();
  for (let round = 1; round <= ROUNDS; round += 1) {
    const fork = round % 3 === 0 ? { fork: true as const } : {};
    const talk = await resumeTalk(server.provider(), { home, source, ...fork }, { cwd: folder.path });
    await run(talk, say(round));
    await talk.end(talk.conversation.submit({ type: "compact" }));
    source = talk.conversation.id;
    await talk.close();
  }
  return home;
}

describe(`${ROUNDS} resumes or forks, each with a turn and a compaction, store at most 1.2 times what is new`, () => {
  const check = (t: { diagnostic(message: string): void }, home: string) => {
    const [stored, once] = [storedIn(home), newIn(home)];
    t.diagnostic(`${stored} bytes stored, ${once} when each text counts once: ${(stored / once).toFixed(2)}`);
    assert.ok(stored <= 1.2 * once, `${stored} bytes for ${once}: ${(stored / once).toFixed(2)}`);
  };

  test("with context that each compaction repeats, and an output that comes again", async (t) => {
    const files = { "AGENTS.md": "Read this first. ".repeat(1000), log: "a line of the log\n".repeat(1500) };
    const rounds: Rounds = {
      say: (round) => `turn ${round} ${round % 5 === 0 ? "look" : ""} ${"please ".repeat(30)}`,
      answer: (n) => `What I found in round ${n}: ${"words ".repeat(150)}`,
      command: (n, said) => (said.includes("look") ? "cat log" : `seq ${n}0000 ${n}0700`),
    };
    check(t, await goRounds(t, rounds, files));
  });

  test("with turns of a line", async (t) => {
    const rounds: Rounds = { say: (round) => `turn ${round}: go on`, answer: (n) => `Number ${n} is done.` };
    check(t, await goRounds(t, rounds));
  });
});

/** Texts of so many characters count once; shorter ones are names and figures, and ids are what refers to a text. */
const LONG = 16;
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}$/;

/** The bytes of a home's sessions when every text that comes again is taken away. */
function newIn(home: string): number {
  const seen = new Set<string>();
  let again = 0;
  const look = (value: unknown): void => {
    if (typeof value === "string" && value.length >= LONG && !ID.test(value)) {
      if (seen.has(value)) again += Buffer.byteLength(JSON.stringify(value)) - 2;
      seen.add(value);
    } else if (typeof value === "object" && value !== null) Object.values(value).forEach(look);
  };
  const sessions = join(home, "sessions");
  for (const name of readdirSync(sessions, { recursive: true, encoding: "utf8" }).sort()) {
    if (!name.endsWith(".jsonl")) continue;
    for (const line of readFileSync(join(sessions, name), "utf8").trimEnd().split("\n")) look(JSON.parse(line));
  }
  return storedIn(home) - again;
}

describe("the tokens of a conversation", () => {
  const totals = (talk: Talk) =>
    talk.events.flatMap(({ msg }) => (msg.type === "token_count" ? [msg.conversation_total_tokens] : []));

  test("go on from the record: resumed, forked at a turn, compacted, after a kill, and where the file was begun anew", async (t) => {
    const server = await withServer(t);
    const used = usage({ input: 100, cached: 40, output: 20, reasoning: 5 });
    server.script(() => [text("answer"), used]);
    const talk = startTalk(server.provider());
    for (const said of ["one", "two", "three"]) await run(talk, said);
    assert.deepEqual(totals(talk), [120, 240, 360]);
    const home = killedCopy(t, talk);
    const source = talk.conversation.id;
    const next = await resumeTalk(server.provider(), { home, source });
    const { conversation_usage: before } = await next.until("session_configured");
    assert.deepEqual(before, {
      input_tokens: 300,
      cached_input_tokens: 120,
      output_tokens: 60,
      reasoning_output_tokens: 15,
      total_tokens: 360,
    });
    await next.end(next.conversation.submit({ type: "compact" }));
    await run(next, "four");
    assert.deepEqual(totals(next), [480, 600]);
    rmSync(join(home, "sessions"), { recursive: true });
    await run(next, "five");
    await next.close();
    const third = await resumeTalk(server.provider(), { home, source });
    await run(third, "six");
    assert.deepEqual(totals(third), [840]);
    await third.close();
    const forked = await resumeTalk(server.provider(), { home: talk.home, source, fork: true, atTurn: 1 });
    await run(forked, "another two");
    assert.deepEqual(totals(forked), [240]);
    await Promise.all([talk.close(), forked.close()]);
  });

  test("are on record before a compaction ends the way back, also of a turn that is killed right after it", async (t) => {
    const server = await withServer(t);
    const gate = hold();
    const used = usage({ input: 100, output: 20 });
    server.enqueue([text("answer"), used], [text("all that was said"), used], [gate, text("never said")]);
    server.enqueue([text("at last"), used]);
    const talk = startTalk(server.provider(), { autoCompactTokenLimit: 110 });
    await run(talk, "one");
    talk.say("two");
    await gate.reached;
    const home = killedCopy(t, talk);
    const next = await resumeTalk(server.provider(), { home, source: talk.conversation.id });
    assert.equal((await next.until("session_configured")).conversation_usage?.total_tokens, 240);
    await run(next, "three");
    assert.deepEqual(totals(next), [360]);
    gate.release();
    await Promise.all([talk.close(), next.close()]);
  });

  test("are those of the record in a session of Codex", async (t) => {
    const server = await withServer(t);
    const home = scratch();
    t.after(() => home.dispose());
    const folder = join(home.path, "sessions", "2026", "11", "23");
    mkdirSync(folder, { recursive: true });
    const fixture = "test/fixtures/rollout/codex-0.169-compacted.jsonl";
    const [head = ""] = readFileSync(fixture, "utf8").split("\n");
    const { id } = (JSON.parse(head) as { readonly payload: { readonly id: string } }).payload;
    cpSync(fixture, join(folder, `rollout-2026-11-23T03-30-26-${id}.jsonl`));
    server.enqueue([text("answer"), usage({ input: 100, output: 20 })]);
    const talk = await resumeTalk(server.provider(), { home: home.path, source: id });
    await run(talk, "go on");
    assert.deepEqual(totals(talk), [CODEX_TOTAL + 120]);
    await talk.close();
  });
});

/** The last `total_token_usage` of the fixture. */
const CODEX_TOTAL = 435;

function storedIn(home: string): number {
  return ["sessions", "session_blobs"].reduce((sum, part) => sum + bytesIn(join(home, part)), 0);
}

function bytesIn(folder: string): number {
  if (!existsSync(folder)) return 0;
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
