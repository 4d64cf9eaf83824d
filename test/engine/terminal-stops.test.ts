import assert from "node:assert/strict";
import { describe } from "node:test";
import { isTerminal } from "../../src/protocol/index.js";
import { call, text } from "../support/model-server.js";
import { RUNAWAYS, runawayScript, survivors, untilThere } from "../support/runaways.js";
import { WALLED } from "../support/walls.js";
import { type Desk, deskTest, living } from "./desk.js";

const INTERRUPT = { type: "interrupt" } as const;

async function interrupt(desk: Desk, turn: string) {
  const id = desk.talk.conversation.submit(INTERRUPT);
  const end = await desk.talk.end(turn);
  await desk.talk.answer(id);
  assert.ok(end.type === "turn_aborted");
  return end;
}

describe("six kinds of runaways in a terminal (needs bubblewrap or unshare)", { concurrency: 3 }, () => {
  for (const [at, [name, argv]] of Object.entries(RUNAWAYS).entries()) {
    for (const tty of [false, true]) {
      // A daemon without its environment is known by its argument alone, which is another for each test.
      const [cutMark, keptMark] = [0, 2].map((one) => `86400.${process.pid}${at}${one + (tty ? 1 : 0)}`) as [
        string,
        string,
      ];
      const kind = `${name}${tty ? ", in a pseudo-terminal" : ""}`;

      deskTest(
        `${kind}: cut while its call runs, it is dead at the terminal event`,
        async (desk) => {
          const turn = desk.begin(
            call(
              "exec_command",
              { cmd: runawayScript(argv, cutMark), login: false, tty, yield_time_ms: 30_000 },
              "run",
            ),
          );
          await untilThere([cutMark], "all");
          let alive: readonly unknown[] = [-1];
          desk.talk.conversation.subscribe(({ id, msg }) => {
            if (id === turn && isTerminal(msg)) alive = [...living(desk.mark), ...survivors(cutMark)];
          });
          const end = await interrupt(desk, turn);
          assert.deepEqual(alive, []);
          assert.deepEqual(
            (end.processes ?? []).map(({ call_id, outcome }) => [call_id, outcome]),
            [["run", "killed"]],
          );
          assert.deepEqual(end.calls, [{ call_id: "run", name: "exec_command", outcome: "cut" }]);
        },
        WALLED,
      );

      deskTest(
        `${kind}: kept once it was told, stopped by the op, or with the conversation`,
        async (desk) => {
          const id = await desk.open(runawayScript(argv, keptMark), { tty });
          await untilThere([keptMark], "all");
          const turn = desk.begin(call("exec_command", { cmd: "echo up; sleep 60", login: false }, "cut"));
          await desk.talk.until("exec_command_output_delta", ({ call_id }) => call_id === "cut");
          const end = await interrupt(desk, turn);
          assert.deepEqual(
            (end.processes ?? []).map(({ call_id, outcome, process_id }) => [call_id, outcome, process_id]),
            [
              ["cut", "killed", undefined],
              ["use-1", "kept", String(id)],
            ],
          );
          assert.notDeepEqual(survivors(keptMark), []);
          if (tty) {
            const { stopped, terminals } = await desk.ask("clean");
            assert.deepEqual([stopped.map(({ outcome }) => outcome), terminals], [["killed"], []]);
          } else {
            await desk.talk.close();
          }
          assert.deepEqual([...living(desk.mark), ...survivors(keptMark)], []);
        },
        WALLED,
      );
    }
  }
});

describe("stopping turns and terminals", { concurrency: 4 }, () => {
  deskTest(
    "of a call that was cut, a terminal that was told of before stays, and the model is told which",
    async (desk) => {
      const id = await desk.open("echo up; cat; echo over");
      const turn = desk.begin(call("write_stdin", { session_id: id, yield_time_ms: 60_000 }, "poll"));
      await desk.talk.until("terminal_interaction");
      const end = await interrupt(desk, turn);
      assert.deepEqual(end.calls, [{ call_id: "poll", name: "write_stdin", outcome: "cut" }]);
      desk.server.enqueue(text("ok"));
      await desk.talk.end(desk.talk.say("what now?"));
      const last = desk.server.requests.at(-1)!;
      assert.match(last.outputOf("poll")!, /^aborted by user after/);
      const note = last.userTexts().find((one) => one.startsWith("<turn_aborted>"))!;
      assert.match(
        note,
        new RegExp(`Terminals that run on, for write_stdin: session ID ${id} \\(echo up; cat; echo over\\)\\.`),
      );
      const output = await desk.use("write_stdin", { session_id: id, eof: true, yield_time_ms: 20_000 });
      assert.match(output, /over\n$/);
    },
  );

  deskTest("a turn that completes names its terminals, and one that is compacted still knows them", async (desk) => {
    const id = await desk.open("sleep 60");
    const first = desk.talk.events.findLast(({ msg }) => isTerminal(msg))!.msg;
    assert.ok(first.type === "task_complete");
    assert.deepEqual(
      first.processes?.map(({ outcome, process_id }) => [outcome, process_id]),
      [["kept", String(id)]],
    );
    desk.server.enqueue(text("a summary"));
    await desk.talk.end(desk.talk.conversation.submit({ type: "compact" }));
    desk.server.enqueue(text("ok"));
    await desk.talk.end(desk.talk.say("go on"));
    const texts = desk.server.requests.at(-1)!.userTexts().join("\n");
    assert.match(texts, new RegExp(`Terminals that run, for write_stdin: session ID ${id} \\(sleep 60\\)\\.`));
  });

  deskTest(
    "all terminals can be stopped while a call waits for its own: it is told that it was stopped",
    async (desk) => {
      const turn = desk.begin(call("exec_command", { cmd: "sleep 60", login: false, yield_time_ms: 30_000 }, "run"));
      desk.server.enqueue(text("done"));
      await desk.talk.until("exec_command_begin");
      const { stopped } = await desk.ask("clean");
      assert.deepEqual(
        stopped.map(({ call_id }) => call_id),
        ["run"],
      );
      const end = await desk.talk.end(turn);
      assert.equal(end.type, "task_complete");
      assert.match(desk.server.requests.at(-1)!.outputOf("run")!, /^Process was stopped, with its children$/m);
    },
  );

  deskTest("ops without a terminal are answered, and so are those after the end", async (desk) => {
    assert.deepEqual(await desk.ask("list"), { type: "background_terminals_response", terminals: [], stopped: [] });
    await desk.ask("clean");
    await desk.open("sleep 60");
    const shutdown = desk.talk.conversation.submit({ type: "shutdown" });
    assert.equal((await desk.talk.answer(shutdown)).msg.type, "shutdown_complete");
    assert.deepEqual(living(desk.mark), []);
    const late = desk.talk.conversation.submit({ type: "clean_background_terminals" });
    assert.equal((await desk.talk.answer(late)).msg.type, "error");
  });

  deskTest(
    "a call that was cut before its command began starts nothing",
    async (desk) => {
      const turn = desk.begin(
        call("exec_command", { cmd: "echo > late; sleep 60", login: false, yield_time_ms: 250 }, "run"),
      );
      await desk.talk.until("exec_approval_request");
      const end = await interrupt(desk, turn);
      assert.deepEqual(end.processes, []);
      assert.equal(
        desk.talk.events.some(({ msg }) => msg.type === "exec_command_begin"),
        false,
      );
    },
    { overrides: { approvalPolicy: "untrusted" } },
  );
});
