import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { call, hold, partial, stall, status, text, usage } from "../support/model-server.js";
import { openScene, type Place, PROGRAM, type Program, type Scene } from "../support/program.js";

/** A command with a child in the background and one in the foreground; `late` says that it was left alone. */
const TREE = "sleep 60 & (sleep 61; echo late > late) & echo begun; sleep 62; echo late > late";
/** The same, deaf to SIGTERM. */
const DEAF_TREE = `trap '' TERM; ${TREE}`;

interface Aborted {
  readonly type: string;
  readonly reason: string;
  readonly calls: readonly { readonly call_id: string; readonly outcome: string }[];
  readonly processes: readonly { readonly outcome: string }[];
  readonly stop_ms: number;
}

/** The processes that a program in this place has started, without itself. */
function childrenIn(place: Place, program: Program): number[] {
  return place.processes().filter((pid) => pid !== program.pid);
}

/** Starts a run and waits until its command has all its children. */
async function startTree(scene: Scene, words: readonly string[], cmd = TREE): Promise<Program> {
  scene.server.enqueue([
    text("Working."),
    call("exec_command", { cmd }, "tree"),
    call("exec_command", { cmd: "echo late > late" }, "next"),
  ]);
  const program = scene.start(words);
  await program.seen("Working.");
  // The program, the shell, its subshell and three that sleep.
  await scene.place.populated(6);
  return program;
}

/** What lived when the last line was printed. */
function livingAtTheEnd(scene: Scene, program: Program): () => number[] {
  let living: number[] = [-1];
  program.onLine((line) => {
    if (line.includes('"turn.aborted"')) living = childrenIn(scene.place, program);
  });
  return () => living;
}

describe("one signal stops the turn properly", { concurrency: 4 }, () => {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    it(`${signal} while a command with children runs`, async (t) => {
      const scene = await openScene(t);
      const program = await startTree(scene, ["exec", "--json", "go"]);
      const living = livingAtTheEnd(scene, program);
      program.signal(signal);
      const done = await program.ended;
      assert.deepEqual([done.code, done.signal], [code, null], done.stderr);
      const last = JSON.parse(done.stdout.trimEnd().split("\n").at(-1)!) as Aborted;
      assert.deepEqual([last.type, last.reason], ["turn.aborted", "interrupted"]);
      assert.deepEqual(
        last.calls.map(({ call_id, outcome }) => [call_id, outcome]),
        [
          ["tree", "cut"],
          ["next", "not_started"],
        ],
      );
      assert.equal(last.processes.length, 1);
      assert.ok(last.stop_ms < 2000);
      assert.deepEqual(living(), [], "alive when turn.aborted was printed");
      assert.deepEqual(scene.place.processes(), []);
      assert.equal(existsSync(join(scene.place.dir, "late")), false);
      assert.equal(scene.server.requests.length, 1);
    });
  }

  it("SIGINT tells people what was cut", async (t) => {
    const scene = await openScene(t);
    const program = await startTree(scene, ["exec", "go"], DEAF_TREE);
    program.signal("SIGINT");
    const done = await program.ended;
    assert.deepEqual([done.code, done.stdout], [130, ""]);
    assert.match(
      done.stderr,
      /was cut after[\s\S]*begun[\s\S]*turn interrupted \(stopped in [\s\S]*cut:\n {4}exec_command/,
    );
    assert.match(done.stderr, /not started:\n {4}exec_command/);
    assert.deepEqual(scene.place.processes(), []);
  });

  it("--deadline does the same, with 124", async (t) => {
    const scene = await openScene(t);
    scene.server.enqueue(call("exec_command", { cmd: TREE }, "tree"));
    const program = scene.start(["exec", "--json", "--deadline", "1.5s", "go"]);
    const living = livingAtTheEnd(scene, program);
    const done = await program.ended;
    assert.deepEqual([done.code, done.signal], [124, null], done.stderr);
    const last = JSON.parse(done.stdout.trimEnd().split("\n").at(-1)!) as Aborted;
    assert.equal(last.type, "turn.aborted");
    assert.equal(last.calls[0]?.outcome, "cut");
    assert.deepEqual(living(), []);
  });

  for (const wire of ["responses", "chat"] as const) {
    it(`SIGINT while the server is silent closes its socket at once (${wire})`, async (t) => {
      const { server, start } = await openScene(t, { wire });
      server.enqueue(stall());
      const program = start(["exec", "--json", "go"]);
      await server.nextRequest();
      program.signal("SIGINT");
      await server.closed(0);
      assert.equal((await program.ended).code, 130);
    });
  }

  it("SIGINT in the middle of a message: what was said is not taken for the answer", async (t) => {
    const { server, start } = await openScene(t);
    const gate = hold();
    server.enqueue([text("First."), partial("The answer is ", { chunks: 3 }), gate]);
    const program = start(["exec", "go"]);
    await gate.reached;
    program.signal("SIGINT");
    const done = await program.ended;
    assert.deepEqual([done.code, done.stdout], [130, ""]);
    assert.match(done.stderr, /turn interrupted/);
  });

  it("SIGINT does not wait for a retry that is due in a minute", async (t) => {
    const { server, start } = await openScene(t);
    server.enqueue(status(429, { error: { message: "slow down" } }, { "retry-after": "60" }));
    const program = start(["exec", "go"]);
    await program.seen("retrying 1/2 in 60000ms");
    program.signal("SIGINT");
    assert.equal((await program.ended).code, 130);
    assert.equal(server.requests.length, 1);
  });

  it("SIGINT before anything has begun leaves at once", async (t) => {
    const { server, start } = await openScene(t);
    const program = start(["exec", "go"], { stdin: "open" });
    program.stdin.write("half of what is piped in");
    await program.seen("reading what is piped in, up to its end");
    program.signal("SIGINT");
    const done = await program.ended;
    assert.equal(done.code, 130);
    assert.equal(server.requests.length, 0);
  });
});

describe("two signals leave at once", { concurrency: 4 }, () => {
  it("SIGINT and SIGTERM before the turn has stopped, without orphans", async (t) => {
    const scene = await openScene(t);
    const program = await startTree(scene, ["exec", "--json", "go"], DEAF_TREE);
    program.signal("SIGINT");
    program.signal("SIGTERM");
    const done = await program.ended;
    // The system may deliver them in either order; the later one is the exit code.
    assert.ok(done.code === 143 || done.code === 130, `${done.code} ${done.signal}`);
    assert.doesNotMatch(done.stdout, /turn\.aborted/);
    await scene.place.quiet();
    assert.equal(existsSync(join(scene.place.dir, "late")), false);
  });

  it("SIGINT, and SIGINT again, without orphans", async (t) => {
    const scene = await openScene(t);
    const program = await startTree(scene, ["exec", "--json", "go"], DEAF_TREE);
    program.signal("SIGINT");
    // One press may arrive twice within 50 ms: this is another one.
    await new Promise((settle) => setTimeout(settle, 60));
    program.signal("SIGINT");
    const done = await program.ended;
    assert.equal(done.code, 130, done.stderr);
    assert.doesNotMatch(done.stdout, /turn\.aborted/);
    await scene.place.quiet();
    assert.equal(existsSync(join(scene.place.dir, "late")), false);
  });

  it("the same signal twice at once, as a terminal and a parent send it, is one", async (t) => {
    const scene = await openScene(t);
    const program = await startTree(scene, ["exec", "--json", "go"]);
    program.signal("SIGINT");
    program.signal("SIGINT");
    const done = await program.ended;
    assert.equal(done.code, 130);
    assert.match(done.stdout.trimEnd().split("\n").at(-1)!, /^\{"type":"turn\.aborted"/);
    await scene.place.quiet();
  });

  it("one signal, once the turn is over: an answer that nobody takes is given up after 3 s, and is no success", async (t) => {
    const { place, server } = await openScene(t);
    server.enqueue([text("0123456789abcdef".repeat(20_000)), usage({ input: 1, output: 1 })]);
    const child = spawn(process.execPath, [PROGRAM, "exec", "go"], {
      cwd: place.dir,
      env: place.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stderr = "";
    child.on("exit", () => child.stdout.destroy());
    const ended = new Promise((settle) => child.on("close", settle));
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      const before = stderr.includes("tokens: ");
      stderr += part;
      if (!before && stderr.includes("tokens: ")) child.kill("SIGINT");
    });
    assert.equal(await ended, 130, stderr);
    assert.match(stderr, /belay: stopped before all of stdout was read/);
  });
});
