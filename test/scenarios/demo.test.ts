import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { type Ended, makePlace, type Place, type Program, startProgram } from "../support/program.js";

/** A run of the demo on a machine where nobody has set anything: no key, no configuration. */
function startDemo(t: TestContext, words: readonly string[] = []): { place: Place; program: Program } {
  const place = makePlace();
  const program = startProgram(["demo", ...words], place, { cwd: place.tmp, env: { MOCK_API_KEY: undefined } });
  t.after(async () => {
    program.signal("SIGKILL");
    await program.ended;
    await place.quiet();
    place.remove();
  });
  return { place, program };
}

/** The project that the demo left, by the line that tells where. */
function folderIn({ stderr }: Ended): string {
  return /^ {2}cd (.*)$/m.exec(stderr)?.[1] ?? "";
}

function runProjectTest(folder: string): string {
  return execFileSync(process.execPath, ["test.mjs"], { cwd: folder, encoding: "utf8" });
}

describe("belay demo", { concurrency: 2 }, () => {
  it("fixes a real project, says what its model is, and leaves the folder", async (t) => {
    const { place, program } = startDemo(t);
    const done = await program.ended;
    assert.deepEqual([done.code, done.signal], [0, null], done.stderr);
    assert.match(done.stdout, /^Fixed: /);
    assert.match(done.stderr, /the model is a script built into Belay\.\nNo network and no key are used\./);
    assert.match(done.stderr, /I am a script that is built into Belay, not a model/);
    const order = [
      "FAIL  ",
      "3 of 5 checks passed",
      "patch applied",
      "5 of 5 checks passed",
      "What changed",
      "Now with a real model",
    ];
    const positions = order.map((part) => done.stderr.indexOf(part));
    assert.ok(!positions.includes(-1), done.stderr);
    assert.deepEqual(
      positions,
      [...positions].sort((a, b) => a - b),
    );
    assert.match(done.stderr, /^-.*arrive <= b\.leave.*\n\+.*arrive < b\.leave/m);
    for (const way of ["OPENAI_API_KEY=", "base_url = ", "--oss"]) assert.ok(done.stderr.includes(way), way);
    const folder = folderIn(done);
    assert.ok(folder.includes("belay-demo-") && existsSync(folder), folder);
    assert.match(runProjectTest(folder), /5 of 5 checks passed/);
    assert.equal(execFileSync("git", ["diff", "--name-only"], { cwd: folder, encoding: "utf8" }), "booking.mjs\n");
    assert.deepEqual(readdirSync(place.home), []);
    assert.ok(existsSync(join(dirname(folder), "home", "sessions")));
    // The line that takes the change back does so.
    const [, home = ""] = /^ {2}BELAY_HOME=(\S+) belay undo$/m.exec(done.stderr) ?? [];
    const undone = await startProgram(["undo", "--yes"], place, { cwd: folder, env: { BELAY_HOME: home } }).ended;
    assert.equal(undone.code, 0, undone.stderr);
    assert.equal(execFileSync("git", ["diff", "--name-only"], { cwd: folder, encoding: "utf8" }), "");
  });

  it("prints the same as thread events with --json", async (t) => {
    const { program } = startDemo(t, ["--json"]);
    const done = await program.ended;
    assert.deepEqual([done.code, done.signal], [0, null], done.stderr);
    const lines = done.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string; item?: { id: string; type: string; status?: string } });
    assert.deepEqual(
      [lines[0]?.type, lines[1]?.type, lines.at(-1)?.type],
      ["thread.started", "turn.started", "turn.completed"],
    );
    const ended = lines.filter(({ type }) => type === "item.completed").map(({ item }) => item!);
    assert.deepEqual([...new Set(ended.map(({ type }) => type))].sort(), [
      "agent_message",
      "command_execution",
      "file_change",
      "todo_list",
    ]);
    assert.deepEqual(
      ended.filter(({ type }) => type === "command_execution").map(({ status }) => status),
      ["completed", "completed", "failed", "completed"],
    );
    const begun = lines.filter(({ type }) => type === "item.started").map(({ item }) => item!.id);
    const ids = new Set(ended.map(({ id }) => id));
    assert.deepEqual(
      begun.filter((id) => !ids.has(id)),
      [],
    );
    assert.match(runProjectTest(folderIn(done)), /5 of 5 checks passed/);
  });

  it("stops when it is told to, and still says where to look", async (t) => {
    const { program } = startDemo(t);
    await program.seen("I am a script");
    program.signal("SIGINT");
    const done = await program.ended;
    assert.deepEqual([done.code, done.stdout], [130, ""], done.stderr);
    assert.match(done.stderr, /turn interrupted[\s\S]*What changed\nNothing\./);
    const folder = folderIn(done);
    assert.match(readFileSync(join(folder, "booking.mjs"), "utf8"), /arrive <= b\.leave/);
  });
});
