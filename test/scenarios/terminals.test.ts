import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { call, hold, stall, text } from "../support/model-server.js";
import { openScene, type Program, type Scene } from "../support/program.js";
import { RUNAWAYS, runawayScript, survivors, untilThere } from "../support/runaways.js";
import { WALLED } from "../support/walls.js";

interface Line {
  readonly type: string;
  readonly item?: { readonly type: string; readonly status: string; readonly aggregated_output: string };
  readonly processes?: readonly { readonly call_id: string; readonly outcome: string }[];
}

function linesOf(stdout: string): Line[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

interface Runaways {
  readonly program: Program;
  /** The arguments they are known by. */
  readonly marks: readonly string[];
}

let started = 0;

/** A run whose model has opened all six kinds of runaways as terminals, half of them in a pseudo-terminal, and now thinks. */
async function withRunaways(scene: Scene): Promise<Runaways> {
  started += 1;
  const gate = hold();
  const kinds = Object.values(RUNAWAYS);
  const marks = kinds.map((_, at) => `86500.${process.pid}${started}${at}`);
  scene.server.enqueue(
    kinds.map((argv, at) => {
      const args = { cmd: runawayScript(argv, marks[at]!), login: false, tty: at % 2 === 0, yield_time_ms: 250 };
      return call("exec_command", args, `run-${at}`);
    }),
    [gate, stall()],
  );
  const program = scene.start(["exec", "--json", "go"]);
  await gate.reached;
  await untilThere(marks, "all");
  return { program, marks };
}

describe("belay exec and terminals", { concurrency: 4 }, () => {
  it(
    "a turn that completes: its terminals are stopped, told, and the last line is the turn's (needs bubblewrap)",
    WALLED,
    async (t) => {
      const scene = await openScene(t);
      scene.server.enqueue(
        call("exec_command", { cmd: "echo up; sleep 60", login: false, yield_time_ms: 250 }, "server"),
        text("It runs."),
      );
      const done = await scene.run(["exec", "--json", "go"]);
      assert.equal(done.code, 0);
      const lines = linesOf(done.stdout);
      assert.deepEqual(
        lines.map(({ type, item }) => (item === undefined ? type : `${type} ${item.type} ${item.status ?? ""}`.trim())),
        [
          ...["thread.started", "turn.started", "item.started command_execution in_progress"],
          ...["item.completed agent_message", "item.completed command_execution failed", "turn.completed"],
        ],
      );
      assert.equal(lines.at(-2)?.item?.aggregated_output, "up\n");
    },
  );

  it("for people: that it was stopped, with what it printed, and the final message once on stdout", async (t) => {
    const scene = await openScene(t);
    scene.server.enqueue(
      call("exec_command", { cmd: "echo up; cat; sleep 60", login: false, yield_time_ms: 250 }, "server"),
      text("It runs."),
    );
    const done = await scene.run(["exec", "go"]);
    assert.deepEqual([done.code, done.stdout], [0, "It runs.\n"]);
    assert.match(done.stderr, /'echo up; cat; sleep 60' was stopped after \d+.*:\nup\n/);
    assert.doesNotMatch(done.stderr, /It runs/);
  });

  it("typing is shown", async (t) => {
    const scene = await openScene(t);
    let step = 0;
    scene.server.script((request) => {
      step += 1;
      if (step === 1) return call("exec_command", { cmd: "head -n 1", login: false, yield_time_ms: 250 }, "head");
      if (step > 2) return text("done");
      const id = /session ID (\d+)/.exec(request.outputOf("head") ?? "")?.[1];
      return call("write_stdin", { session_id: Number(id), chars: "hello\n", yield_time_ms: 20_000 }, "type");
    });
    const done = await scene.run(["exec", "go"]);
    assert.equal(done.code, 0);
    assert.match(done.stderr, /typed "hello\\n" into .*head -n 1/);
    assert.match(done.stderr, /succeeded in .*:\nhello\n/);
  });

  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    it(`${signal}: runaways in terminals are dead, and named as killed (needs bubblewrap)`, WALLED, async (t) => {
      const scene = await openScene(t);
      const { program, marks } = await withRunaways(scene);
      let living: readonly unknown[] = [-1];
      program.onLine((line) => {
        if (line.includes('"turn.aborted"')) living = marks.flatMap(survivors);
      });
      program.signal(signal);
      const done = await program.ended;
      assert.equal(done.code, code);
      const last = linesOf(done.stdout).at(-1);
      assert.equal(last?.type, "turn.aborted");
      assert.deepEqual(
        last.processes?.map(({ outcome }) => outcome),
        Array(marks.length).fill("killed"),
      );
      assert.deepEqual(living, []);
    });
  }

  it("kill -9 of the program: runaways in terminals die with it (needs bubblewrap)", WALLED, async (t) => {
    const scene = await openScene(t);
    const { program, marks } = await withRunaways(scene);
    program.signal("SIGKILL");
    await program.ended;
    await untilThere(marks, "none");
  });

  it("a second signal leaves at once, and kills terminals too (needs bubblewrap)", WALLED, async (t) => {
    const scene = await openScene(t);
    const { program, marks } = await withRunaways(scene);
    program.signal("SIGTERM");
    await program.seen("item.completed");
    program.signal("SIGTERM");
    const done = await program.ended;
    assert.equal(done.code, 143);
    await untilThere(marks, "none");
  });

  it("proto: terminals outlive turns, are listed, and end with stdin (needs bubblewrap)", WALLED, async (t) => {
    const scene = await openScene(t);
    scene.server.enqueue(
      call("exec_command", { cmd: "echo up; setsid sleep 60", login: false, yield_time_ms: 250 }, "server"),
      text("It runs."),
    );
    const program = scene.start(["proto"], { stdin: "open" });
    const send = (id: string, op: object) => program.stdin.write(`${JSON.stringify({ id, op })}\n`);
    send("1", { type: "user_input", items: [{ type: "text", text: "go" }] });
    await program.seen('"task_complete"');
    send("2", { type: "list_background_terminals" });
    await program.seen('"background_terminals_response"');
    program.stdin.end();
    const done = await program.ended;
    assert.equal(done.code, 0);
    const events = done.stdout
      .trim()
      .split("\n")
      .map(
        (line) => JSON.parse(line) as { id: string; msg: { type: string; process_id?: string; terminals?: unknown[] } },
      );
    const answer = events.find(({ id }) => id === "2");
    assert.equal(answer?.msg.terminals?.length, 1);
    const end = events.at(-1);
    assert.deepEqual([end?.id, end?.msg.type], ["", "exec_command_end"]);
    await scene.place.quiet();
  });
});
