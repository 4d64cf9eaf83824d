import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Event } from "../../../src/protocol/index.js";
import { call, startModelServer, text } from "../../support/model-server.js";
import { checkStopContract } from "../../support/stop-contract.js";
import { resumeTalk, scratch, startTalk } from "../../support/talk.js";
import { WALLED } from "../../support/walls.js";
import { type Recording, recordConversation } from "./recording.js";
import { type Lines, linesOf, replay, sessionFile, summaryOf, textOfLines } from "./stage.js";

describe("a recorded conversation, played again", () => {
  let recording: Recording;
  let file: string;
  const folder = scratch();
  before(async () => {
    recording = await recordConversation();
    file = sessionFile(recording.home);
  });
  after(async () => {
    folder.dispose();
    await recording.dispose();
  });

  /** The record with one line changed, as a file of its own. */
  function changed(name: string, change: (lines: Lines) => Lines | undefined): string {
    const lines = linesOf(file);
    const path = join(folder.path, `${name}.jsonl`);
    writeFileSync(path, textOfLines(change(lines) ?? lines));
    return path;
  }

  const partedAt = (played: Awaited<ReturnType<typeof replay>>) => {
    const { turns } = summaryOf(played).summary;
    return turns.flatMap(({ turn, parting }) => (parting === undefined ? [] : [[turn, parting.what]]));
  };

  test("comes out the same with outputs from the record, without provider, key or home, and leaves nothing", async () => {
    const before = readFileSync(file);
    const played = await replay(file, { home: recording.home, json: true });
    const { events, summary } = summaryOf(played);
    const odd = summary.turns.filter(({ result }) => result !== "same");
    assert.deepEqual([odd, summary.type, summary.same, summary.turns.length], [[], "replay_complete", true, 11]);
    assert.deepEqual([played.code, played.left], [0, []]);
    assert.deepEqual(readFileSync(file), before);
    checkStopContract(events as Event[]);
    assert.equal(events.filter(({ msg }) => msg.type === "exec_command_begin").length, 0);
    // Not even what this machine could do was tried out.
    assert.deepEqual(
      Object.keys(events[0]!.msg).filter((key) => ["type", "sandbox"].includes(key)),
      ["type"],
    );
    // The input that leads the replay asks questions of its own: they are no part of it.
    assert.equal(events.filter(({ msg }) => msg.type === "mcp_list_tools_response").length, 0);
  });

  test("comes out the same when its tools run again in a copy of its folder, which is left alone", WALLED, async () => {
    const played = await replay(file, { home: recording.home, json: true, tools: "run", cwd: recording.before });
    const { events, summary } = summaryOf(played);
    const odd = summary.turns.filter(({ result }) => result !== "same");
    assert.deepEqual([odd, played.code, summary.turns.length, played.left], [[], 0, 11, []]);
    assert.ok(events.some(({ msg }) => msg.type === "exec_command_begin"));
    assert.equal(readFileSync(join(recording.before, "notes.txt"), "utf8"), "one\ntwo\n");
    assert.match(played.stderr, /full access; here commands may write in the copy alone/);
    assert.match(played.stderr, /no tools of these names, so their outputs come from the record: no_such_tool\n/);
    assert.match(played.stderr, /2 calls were cut at the time: they are not made again/);
  });

  test("tells people a line a turn, and stops where it is told to", async () => {
    const played = await replay(file, { home: recording.home, until: 2 });
    assert.match(
      played.stdout,
      /^session \S+, recorded by belay 0\.0\.0-test, 11 turns; outputs of tools come from the record\nturn 1 {2}same {4}look at it \[3 answers, 3 calls\]\nturn 2 {2}same {4}change it \[2 answers, 2 calls\]\nthe same: 2 of 2 turns the same\n$/,
    );
    assert.equal(played.code, 0);
  });

  test("parts where an answer, an end or what came after was changed, and names the turn and what differs", async () => {
    const said = (lines: Lines, text: string) =>
      lines.find(({ type, payload }) => type === "response_item" && JSON.stringify(payload).includes(text))!;
    const cases: [name: string, change: (lines: Lines) => Lines | undefined, expected: unknown][] = [
      [
        "answer",
        (lines) => {
          said(lines, '"Patched."').payload.content = [{ type: "output_text", text: "Botched." }];
          return undefined;
        },
        [[2, "event item_completed (AgentMessage)"]],
      ],
      [
        "end",
        (lines) => {
          lines.find(({ payload }) => payload.failed === true)!.payload.failed = false;
          return undefined;
        },
        [[6, "the end of the turn"]],
      ],
      [
        "stop",
        (lines) => {
          const end = lines.find(({ payload }) => payload.type === "turn_aborted")!;
          (end.payload.calls as { outcome: string }[])[0]!.outcome = "done";
          return undefined;
        },
        [[7, "note to the model"]],
      ],
      // What a summary lists was done is the engine's own work.
      [
        "listed",
        (lines) => {
          const output = lines.find(({ payload }) => payload.call_id === "patch" && payload.output !== undefined)!;
          output.payload.output = `Nothing.\n${String(output.payload.output)}`;
          return undefined;
        },
        [[4, "compaction"]],
      ],
      // A message that a person typed in the middle is taken up at its place or not at all.
      [
        "lost",
        (lines) => lines.filter((line) => line !== said(lines, "and this too")),
        [[3, "event item_completed (UserMessage)"]],
      ],
    ];
    for (const [name, change, expected] of cases) {
      const played = await replay(changed(name, change), { home: recording.home, json: true });
      assert.deepEqual(partedAt(played).slice(0, 1), expected, name);
      assert.equal(played.code, 1);
    }
  });

  test("parts where a recorded output or a file is another one, with a short diff", WALLED, async () => {
    const output = changed("output", (lines) => {
      const line = lines.find(({ payload }) => payload.call_id === "full" && payload.output !== undefined)!;
      line.payload.output = String(line.payload.output).replace("zwei", "drei");
      return undefined;
    });
    const one = await replay(output, { home: recording.home, tools: "run", cwd: recording.before });
    assert.match(
      one.stdout,
      /\nturn 4 {2}parted {2}a lot .*\n {2}at the output of exec_command \(full\) \(- recorded, \+ replayed\)\n {4}one\n {2}- drei\n {2}\+ zwei\n/,
    );
    assert.match(one.stdout, /\nparted at turn 4: 10 of 11 turns the same\n$/);
    const other = join(folder.path, "other");
    cpSync(recording.before, other, { recursive: true });
    writeFileSync(join(other, "notes.txt"), "one\n2\n");
    const two = await replay(file, { home: recording.home, json: true, tools: "run", cwd: other });
    assert.deepEqual([partedAt(two)[0], two.code], [[1, "output of exec_command (look)"], 1]);
  });

  test("damage is passed over and told; a record that ends in the middle is the same as far as it goes", async () => {
    const lines = readFileSync(file, "utf8").split("\n");
    const at = lines.findIndex((line) => line.includes('"call_id":"patch"') && line.includes("_output"));
    const path = join(folder.path, "damaged.jsonl");
    writeFileSync(
      path,
      `${[...lines.slice(0, at), '{"timestamp":"20', lines[at], lines[at]].join("\n")}\n${"\0".repeat(99)}`,
    );
    const played = await replay(path, { home: recording.home });
    assert.match(
      played.stderr,
      /^belay: 3 parts of the record \(\d+ bytes\) could not be read and were skipped, the first at byte \d+: torn\n/,
    );
    assert.match(
      played.stdout,
      /turn 2 {2}same {4}change it .*\n {2}as far as the record goes: it was cut here\nthe same: 2 of 2 turns the same\n$/,
    );
    assert.equal(played.code, 0);
  });
});

describe("a session of several processes", () => {
  test("with an undo, a kill and a resume comes out the same, its files undone again", WALLED, async (t) => {
    const server = await startModelServer();
    t.after(() => server.close());
    const talk = startTalk(server.provider());
    const home = scratch();
    t.after(() => home.dispose());
    const before = join(home.path, "before");
    writeFileSync(join(talk.cwd, "notes.txt"), "one\n");
    cpSync(talk.cwd, before, { recursive: true });
    const patch = "*** Begin Patch\n*** Update File: notes.txt\n@@\n-one\n+two\n*** End Patch";
    server.enqueue(call("apply_patch", { input: patch }), text("Done."));
    await talk.end(talk.say("change it"));
    await talk.end(talk.conversation.submit({ type: "undo" }));
    server.enqueue(call("exec_command", { cmd: "cat notes.txt" }), text("One."));
    await talk.end(talk.say("and now?"));
    server.enqueue(call("exec_command", { cmd: "sleep 100" }, "slow"));
    talk.say("wait");
    await talk.until("exec_command_begin", (msg) => msg.call_id === "slow");
    const killed = join(home.path, "killed");
    cpSync(talk.home, killed, { recursive: true });
    rmSync(join(killed, "session_locks"), { recursive: true });
    const next = await resumeTalk(server.provider(), { home: killed, source: talk.conversation.id }, { cwd: talk.cwd });
    server.enqueue(text("Yes."));
    await next.end(next.say("still there?"));
    await Promise.all([talk.close(), next.close()]);
    const results = async (options: Parameters<typeof replay>[1]) => {
      const played = await replay(sessionFile(killed), { json: true, home: killed, ...options });
      return [played.code, ...summaryOf(played).summary.turns.map(({ result, why = "" }) => `${result} ${why}`.trim())];
    };
    const expected = [
      0,
      "same",
      "passed_over the record does not say which turn was undone: it is not compared",
      "same",
      "same as far as the record goes: it was cut here",
      "same",
    ];
    assert.deepEqual(await results({}), expected);
    assert.deepEqual(await results({ tools: "run", cwd: before }), expected);
  });

  test("types into its terminals by the numbers that they have now", WALLED, async (t) => {
    const server = await startModelServer();
    t.after(() => server.close());
    const talk = startTalk(server.provider());
    server.enqueue(
      call("exec_command", { cmd: "read line; echo got $line", yield_time_ms: 250 }, "read"),
      text("It waits."),
    );
    await talk.end(talk.say("start it"));
    const id = /session_id (\d+)/.exec(JSON.stringify(server.requests.at(-1)?.body.input))?.[1];
    server.enqueue(
      call("write_stdin", { session_id: Number(id), chars: "this\n", yield_time_ms: 20_000 }, "type"),
      text("It went."),
    );
    await talk.end(talk.say("type it"));
    const folder = scratch();
    t.after(() => folder.dispose());
    cpSync(talk.home, folder.path, { recursive: true });
    await talk.close();
    const played = await replay(sessionFile(folder.path), { home: folder.path, tools: "run", cwd: folder.path });
    assert.match(played.stdout, /\nthe same: 2 of 2 turns the same\n$/);
    const wrong = linesOf(sessionFile(folder.path)).find(
      ({ payload }) => payload.type === "function_call_output" && payload.call_id === "type",
    );
    assert.match(String(wrong?.payload.output), /got this/);
  });
});
