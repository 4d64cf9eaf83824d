import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { madeUp, textOfLines } from "../front/replay/stage.js";
import { call, reasoning, text } from "../support/model-server.js";
import { openScene, startProgram } from "../support/program.js";
import { WALLED } from "../support/walls.js";

describe("belay replay", () => {
  test("a redacted export is all that another machine needs: no home folder, no folder of the session, no key, no provider", async (t) => {
    const scene = await openScene(t);
    const { place, server, run } = scene;
    const secret = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789";
    server.enqueue(
      [
        reasoning({ summary: "hm", encrypted: "sealed" }),
        call("exec_command", { cmd: `seq 9000; echo ${secret}; pwd` }),
      ],
      text(`It says ${secret} in ${place.home}. ${"And so on. ".repeat(60)}`),
      text("Of the fork."),
    );
    assert.equal((await run(["exec", "count"])).code, 0);
    const forked = await run(["exec", "fork", "--last", "and then?", "--json"]);
    const { thread_id: id } = JSON.parse(forked.stdout.split("\n")[0]!) as { thread_id: string };
    const exported = await run(["sessions", "export", id, "--redact"]);
    assert.doesNotMatch(exported.stdout, /"sha256"|sk-proj/);
    const report = place.write("report.txt", exported.stdout);
    rmSync(place.home, { recursive: true });
    const requests = server.requests.length;
    // As the receiver has it: an empty folder for a home, which stays empty.
    const [elsewhere, bare] = [join(place.tmp, "elsewhere"), join(place.tmp, "bare")];
    for (const folder of [elsewhere, bare]) mkdirSync(folder);
    const env = { HOME: bare, MOCK_API_KEY: undefined };
    const started = { cwd: elsewhere, env: { ...env, BELAY_HOME: undefined } };
    const played = await startProgram(["replay", report], place, started).ended;
    assert.match(
      played.stdout,
      /, 2 turns; .*\nturn 1 {2}same .*\nturn 2 {2}same .*\nthe same: 2 of 2 turns the same\n$/,
    );
    assert.deepEqual([played.code, played.stderr, readdirSync(bare)], [0, "", []]);
    // A home that is there gets nothing, not even compiled code.
    const again = await startProgram(["replay", report, "--json"], place, {
      cwd: elsewhere,
      env: { ...env, BELAY_HOME: bare },
    }).ended;
    assert.deepEqual([again.code, readdirSync(bare), readdirSync(place.tmp).sort()], [0, [], ["bare", "elsewhere"]]);
    assert.equal(server.requests.length, requests);
    const changed = place.write(
      "changed.jsonl",
      readFileSync(report, "utf8").replace('"Of the fork."', '"Of the spoon."'),
    );
    const parted = await startProgram(["replay", changed], place, started).ended;
    assert.match(parted.stdout, /\nturn 2 {2}parted {2}and then\? .*\n {2}at the event item_completed/);
    assert.equal(parted.code, 1);
  });

  test("Ctrl-C while a command runs ends it, and leaves neither process nor folder", WALLED, async (t) => {
    const { place, start } = await openScene(t);
    const nap = `sleep 98765.${process.pid}`;
    const calls = [
      { name: "exec_command", args: { cmd: `mkdir sub; touch sub/x; chmod 0 sub; echo up; ${nap}` }, output: "" },
    ];
    const file = place.write("record.jsonl", textOfLines(madeUp({ cwd: place.dir, calls })));
    const program = start(["replay", file, "--tools", "run", "--json"]);
    await program.seen("exec_command_output_delta");
    assert.equal(isRunning(nap), true);
    program.signal("SIGINT");
    const { code, stdout } = await program.ended;
    assert.equal(code, 130, stdout);
    const summary = JSON.parse(stdout.trim().split("\n").at(-1)!) as { type: string; stopped: boolean; same: boolean };
    assert.deepEqual([summary.type, summary.stopped, summary.same], ["replay_complete", true, false]);
    assert.deepEqual(readdirSync(place.tmp), []);
    assert.equal(isRunning(nap), false);
  });
});

/** Whether a process has these words in its command line. Needs /proc. */
function isRunning(words: string): boolean {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").includes(words);
      } catch {
        // It has ended, or is another user's.
        return false;
      }
    });
}
